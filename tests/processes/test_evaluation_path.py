"""From a submission to its verdict through real processes: the driver's relay, the broker, a worker."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection

from evaluation.models import EvaluationRun, RunResult
from evaluation.services import evaluate_waiting
from qmtl_site.outbox.models import DeliveryCursor
from tests import nursery, waiting
from tests.api import ApiClient, results, returns
from tests.conftest import client_of
from tests.events import processes
from tests.ports import fresh_port

DRIVER = "python manage.py driver"
WORKER = "celery -A qmtl_site worker --pool solo -Q evaluation -l WARNING"
wait_for = partial(waiting.wait_for, seconds=40.0)


@pytest.fixture
def api(committed: None) -> ApiClient:
    """A world with a strategy, really committed."""
    root = client_of(User.objects.create_superuser("root"))
    root.make_world()
    root.make_strategy()
    return root


@contextmanager
def running(command: str, **changes: str) -> Iterator[None]:
    process = nursery.start(command, processes.environment(**changes))
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def is_judged() -> bool:
    return RunResult.objects.count() == EvaluationRun.objects.count()


def test_a_submission_is_judged_by_the_worker_that_the_relay_asked(api: ApiClient) -> None:
    with ExitStack() as both:
        both.enter_context(running(WORKER))
        both.enter_context(running(DRIVER, QMTL_DRIVER_MAKES_UP_AFTER="1h"))
        api.submit("alpha", "mom", results())
        wait_for(is_judged)


def test_without_a_broker_the_driver_judges_by_itself(api: ApiClient) -> None:
    api.submit("alpha", "mom", results())
    with running(DRIVER, REDIS_URL=f"redis://127.0.0.1:{fresh_port()}/0", QMTL_DRIVER_MAKES_UP_AFTER="1h"):
        wait_for(is_judged)


def test_what_a_worker_lost_the_driver_makes_up(api: ApiClient) -> None:
    api.submit("alpha", "mom", results())
    with running(DRIVER, QMTL_DRIVER_MAKES_UP_AFTER="0.5s"):
        wait_for(is_judged)


def test_events_committed_while_no_driver_ran_are_handled_by_the_next_one(api: ApiClient) -> None:
    api.submit("alpha", "mom", results())
    with running(DRIVER, QMTL_DRIVER_MAKES_UP_AFTER="0.5s"):
        wait_for(lambda: relay_is_done("alpha"))


def relay_is_done(stream: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_sequence FROM ledger_ledger WHERE stream = %s", [stream])
        (head,) = cursor.fetchone()
    return DeliveryCursor.objects.filter(stream=stream, sequence=head).exists()


def test_many_deliveries_of_the_same_work_judge_each_run_once(api: ApiClient) -> None:
    for number in range(6):
        api.submit("alpha", "mom", results(returns(seed=number)), run_id=f"r{number}")

    def deliver(_: int) -> int:
        try:
            return evaluate_waiting(world_id="alpha")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        judged = list(threads.map(deliver, range(4)))
    assert (sum(judged), RunResult.objects.count()) == (6, 6)


def test_submitting_while_the_world_is_judged_does_not_deadlock(api: ApiClient) -> None:
    def submit(number: int) -> int:
        try:
            answer = api.submit("alpha", "mom", results(returns(seed=number)), run_id=f"s{number}")
            evaluate_waiting(world_id="alpha")
            return answer.status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(submit, range(12)))
    assert answers == [202] * 12
    assert is_judged()
