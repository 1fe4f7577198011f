"""What the driver does in one step."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from evaluation.models import EvaluationRun
from qmtl_site import driver
from tests.api import ApiClient, results


@pytest.fixture
def two_worlds_wait(ready: ApiClient, settings: Any) -> ApiClient:
    settings.DRIVER_MAKES_UP_AFTER = timedelta(seconds=-1)
    ready.make_world("beta")
    for world in ("alpha", "beta"):
        ready.submit(world, "mom", results())
    return ready


def waiting() -> list[str]:
    return list(EvaluationRun.objects.filter(status="evaluating").values_list("world_id", flat=True))


def test_what_no_worker_took_in_time_is_made_up(two_worlds_wait: ApiClient) -> None:
    driver.make_up()
    assert waiting() == []


def test_what_a_worker_may_still_take_is_left(two_worlds_wait: ApiClient, settings: Any) -> None:
    settings.DRIVER_MAKES_UP_AFTER = timedelta(minutes=1)
    driver.make_up()
    assert sorted(waiting()) == ["alpha", "beta"]


def test_one_world_s_fault_does_not_stop_the_others(
    two_worlds_wait: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = driver.evaluate_waiting

    def breaks_for_alpha(*, world_id: str) -> int:
        if world_id == "alpha":
            raise ZeroDivisionError("of one world")
        return genuine(world_id=world_id)

    monkeypatch.setattr(driver, "evaluate_waiting", breaks_for_alpha)
    driver.make_up()
    assert waiting() == ["alpha"]


def test_a_paused_world_is_not_made_up(two_worlds_wait: ApiClient) -> None:
    two_worlds_wait.post("/worlds/alpha/state", {"state": "PAUSED", "reason": "a test"})
    driver.make_up()
    assert waiting() == ["alpha"]
