"""One decides at a time: a second one is refused, or joins; who dies leaves nothing behind."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.db import connection
from kombu.exceptions import OperationalError

from evaluation import handlers, tasks
from evaluation.errors import EvaluationInProgress
from evaluation.models import Decision
from evaluation.services import decisions as module
from evaluation.services import evaluate_world
from qmtl_site.audit.actor import Actor
from qmtl_site.outbox.relay import relay_all
from tests.api import ApiClient, body
from tests.conftest import client_of
from tests.decisions.conftest import DECIDES
from tests.ports import fresh_port

ACTOR = Actor.service("test")


class Slow:
    """An evaluation that has its turn and goes on when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inside, self.go = threading.Event(), threading.Event()
        honest = module.made

        def made(*given: Any, **named: Any) -> Any:
            if not self.inside.is_set():
                self.inside.set()
                self.go.wait(10)
            return honest(*given, **named)

        monkeypatch.setattr(module, "made", made)


def in_thread(**given: Any) -> Any:
    try:
        return evaluate_world(world_id="alpha", actor=ACTOR, **given)
    finally:
        connection.close()


@pytest.fixture
def alpha(committed: None) -> ApiClient:
    root = client_of(User.objects.create_superuser("root"))
    root.make_world(policy=DECIDES)
    return root


def test_a_second_one_is_refused_and_a_waiting_one_joins(
    alpha: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(in_thread)
        assert slow.inside.wait(10)
        with pytest.raises(EvaluationInProgress):
            pool.submit(in_thread).result(10)
        joining = pool.submit(in_thread, wait=True)
        threading.Event().wait(0.2)
        slow.go.set()
        assert first.result(10) == joining.result(10)
    assert Decision.objects.count() == 1


def test_who_dies_in_the_middle_leaves_the_world_as_it_was(
    alpha: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(**given: Any) -> None:
        raise SystemError("power is gone")

    with monkeypatch.context() as broken:
        broken.setattr(module, "note_evaluation", die)
        with pytest.raises(SystemError):
            evaluate_world(world_id="alpha", actor=ACTOR)
    assert Decision.objects.count() == 0
    evaluate_world(world_id="alpha", actor=ACTOR)
    (kept,) = body(alpha.get("/worlds/alpha/decisions"))["items"]
    assert kept["number"] == 1


def test_asking_without_waiting_is_carried_out_without_a_broker(
    alpha: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers.broker, "away_until", float("inf"))
    answer = alpha.post("/worlds/alpha/evaluate?async=true", {})
    assert answer.status_code == 202
    while relay_all():
        pass
    assert Decision.objects.count() == 1


def test_the_driver_does_not_sleep_for_a_broker_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """It drives the applies as well."""

    def sleep(seconds: float) -> None:
        raise AssertionError(f"it sleeps for {seconds} s")

    monkeypatch.setattr("kombu.utils.functional.sleep", sleep)
    away = current_app.connection_for_write(f"redis://127.0.0.1:{fresh_port()}/0")
    with pytest.raises(OperationalError):
        tasks.evaluate_waiting.apply_async(("alpha",), retry=False, connection=away)


def test_waiting_ends_before_the_web_process_is_given_up(
    alpha: ApiClient, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.EVALUATION_JOIN_SECONDS = 1
    slow = Slow(monkeypatch)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(in_thread)
        assert slow.inside.wait(10)
        with pytest.raises(EvaluationInProgress):
            pool.submit(in_thread, wait=True).result(5)
        slow.go.set()
        assert first.result(10)
