"""However many gates: reading them takes one statement, an apply a number that does not grow with its plan."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from strategies.models import Activation, Binding, Strategy
from tests.activation.acting import asked, drive, told, work
from tests.api import ApiClient, body
from tests.statements import counted_statements

MANY = 100


@pytest.fixture
def many(gates: ApiClient) -> ApiClient:
    """A hundred strategies more, in dry run."""
    now, owner = timezone.now(), Strategy.objects.get(pk="a").owner
    names = [f"s{n:03}" for n in range(MANY)]
    common: dict[str, Any] = {"owner": owner, "created_at": now, "updated_at": now}
    Strategy.objects.bulk_create(Strategy(id=name, name=name, **common) for name in names)
    Binding.objects.bulk_create(
        Binding(world_id="alpha", strategy_id=name, state="dry_run", state_since=now, created_at=now)
        for name in names
    )
    return gates


def test_a_hundred_gates_are_read_like_one(many: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = counted_statements(monkeypatch)
    many.get("/worlds/alpha/activation?strategy_id=a")
    one = len(seen)
    assert len(body(many.get("/worlds/alpha/activation"))["items"]) == MANY + 3
    assert len(seen) == 2 * one <= 4


def applied(run_id: str, monkeypatch: pytest.MonkeyPatch, **plan: Any) -> int:
    """Statements of an apply from its request to its end; rows of events, audit and history go in batches."""
    with monkeypatch.context() as counting:
        seen = counted_statements(counting)
        assert drive(asked(run_id, **plan)).phase == "completed"
        return len(seen)


def test_an_apply_of_a_hundred_changes_takes_as_many_statements_as_one_of_one(
    many: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = [f"s{n:03}" for n in range(MANY // 2)]
    second = [f"s{n:03}" for n in range(MANY // 2, MANY)]
    drive(asked("one", opens={"a": 0.01}))
    small = applied("two", monkeypatch, opens={"b": 0.01}, closes=["a"])
    drive(asked("three", opens=dict.fromkeys(first, 0.01)))
    large = applied("four", monkeypatch, opens=dict.fromkeys(second, 0.01), closes=first)
    assert large <= small
    assert Activation.objects.filter(active=True).count() == MANY // 2 + 1
    assert len(told(many)) == 3 * 1 + 4 + 3 * 50 + 4 * 50


def test_the_kill_switch_closes_a_hundred_gates_like_one(
    many: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive(asked("one", opens={"a": 0.5}))
    few = switched(many, monkeypatch)
    drive(asked("two", opens=dict.fromkeys([f"s{n:03}" for n in range(MANY)], 0.01)))
    assert switched(many, monkeypatch) <= few
    assert not Activation.objects.filter(active=True).exists()
    work()


def switched(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> int:
    path, why = "/worlds/alpha/circuit-breaker", {"reason": "a test"}
    with monkeypatch.context() as counting:
        seen = counted_statements(counting)
        assert client.post(path, {"engaged": True, **why}).status_code == 200
        count = len(seen)
    assert client.post(path, {"engaged": False, **why}).status_code == 200
    return count
