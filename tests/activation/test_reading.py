"""Gates as they are read: from the database, with every mask, now and as they were."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.utils import timezone

from strategies.models import Binding, Strategy
from tests.activation.acting import Holder, breaker, gate, go, open_gates, put, replayed, state, undone
from tests.api import ApiClient, body
from tests.problem import pointer, refusal
from worlds.models import World

ALL = "/worlds/alpha/activation"
MEMBERS = [
    "world_id",
    "strategy_id",
    "side",
    "active",
    "weight",
    "freeze",
    "drain",
    "effective_mode",
    "execution_domain",
    "etag",
    "run_id",
    "ts",
    "phase",
    "requires_ack",
    "sequence",
    "epoch",
]


def at(moment: datetime) -> str:
    return "at=" + quote(moment.isoformat())


def test_one_gate_is_one_envelope(live: ApiClient) -> None:
    found = gate(live)
    assert found.keys() >= set(MEMBERS)
    told = {
        name: found[name] for name in ("active", "weight", "effective_mode", "execution_domain", "run_id")
    }
    assert told == {
        "active": True,
        "weight": 0.5,
        "effective_mode": "live",
        "execution_domain": "live",
        "run_id": "first",
    }
    assert (found["freeze"], found["drain"], found["phase"], found["requires_ack"]) == (
        False,
        False,
        None,
        False,
    )


def test_all_gates_are_a_list_in_the_order_of_their_names(live: ApiClient) -> None:
    items = body(live.get(ALL))["items"]
    assert [(each["strategy_id"], each["active"], each["effective_mode"]) for each in items] == [
        ("a", True, "live"),
        ("b", False, "paper"),
        ("c", False, "paper"),
    ]


def test_a_side_picks(live: ApiClient) -> None:
    Strategy.objects.filter(pk="b").update(side="short")
    assert [each["strategy_id"] for each in body(live.get(f"{ALL}?side=short"))["items"]] == ["b"]
    assert refusal(live.get(f"{ALL}?strategy_id=a&side=short")) == (404, "E_NOT_FOUND")


BAD = {
    "an unknown strategy": ("strategy_id=nobody", (404, "E_NOT_FOUND")),
    "an unknown strategy in the past": ("strategy_id=nobody&at=2026-01-01T00:00:00Z", (404, "E_NOT_FOUND")),
    "an unknown side": ("side=up", (422, "E_VALIDATION")),
    "no time": ("at=yesterday", (422, "E_VALIDATION")),
    "no zone": ("at=2026-01-01T00:00:00", (422, "E_VALIDATION")),
    "a strange year": ("at=0001-01-01T00:00:00Z", (422, "E_VALIDATION")),
}


def test_bad_questions_are_refused(gates: ApiClient) -> None:
    answers = {name: refusal(gates.get(f"{ALL}?{query}")) for name, (query, _) in BAD.items()}
    assert answers == {name: expected for name, (_, expected) in BAD.items()}


def test_a_bad_side_is_pointed_at(gates: ApiClient) -> None:
    assert pointer(gates.get(f"{ALL}?side=up")) == "?side"


# --- etags ------------------------------------------------------------------------------------------------
def test_the_etag_stays_while_nothing_changes_and_changes_with_anything(live: ApiClient) -> None:
    first = live.get(f"{ALL}?strategy_id=a")
    assert first["ETag"].strip('"') == body(first)["etag"] == gate(live)["etag"]
    seen = {body(first)["etag"]}
    for change in ({"weight": 0.25}, {"active": False}, {"active": True}):
        assert put(live, **change).status_code == 200
        seen.add(gate(live)["etag"])
    breaker(live, engaged=True)
    assert len(seen | {gate(live)["etag"]}) == 5


# --- masks ------------------------------------------------------------------------------------------------
def stale() -> None:
    World.objects.update(decision_stale_at=timezone.now() - timedelta(seconds=1))


def never_decided() -> None:
    World.objects.update(decision_stale_at=None)


MASKS = {
    "not allowed": (lambda: World.objects.update(allow_live=False), "paper"),
    "restricted": (lambda: World.objects.update(state="EVALUATION_ONLY"), "paper"),
    "paused": (lambda: World.objects.update(state="PAUSED", next_evaluation_at=None), "compute-only"),
    "breaker": (lambda: World.objects.update(circuit_breaker=True), "compute-only"),
    "stale": (stale, "compute-only"),
    "never decided": (never_decided, "compute-only"),
}


def test_a_mask_closes_where_it_is_read(live: ApiClient) -> None:
    """Even where nobody has told the gate: the row alone says so."""
    for mask, mode in MASKS.values():
        with undone():
            mask()
            found = gate(live)
            assert (found["active"], found["effective_mode"], open_gates(live)) == (False, mode, [])


def test_foreign_code_lowers_its_strategy_alone(live: ApiClient, holder: Any) -> None:
    go("second", opens={"b": 0.5})
    Binding.objects.update(judged_code_hash="judged")
    other: Holder = holder("g1", "c").register(a="foreign", b="judged")
    assert (gate(live)["effective_mode"], gate(live)["active"]) == ("compute-only", False)
    assert open_gates(live) == ["b"]
    other.register(a="judged", b="judged")
    assert open_gates(live) == ["a", "b"]


# --- as it was --------------------------------------------------------------------------------------------
def test_what_held_is_told_of_who_is_archived_and_not_of_the_future(live: ApiClient) -> None:
    then = timezone.now()
    assert live.call("DELETE", "/worlds/alpha?force=true").status_code in {200, 204}
    assert body(live.get(f"{ALL}?strategy_id=a&{at(then)}"))["active"]
    later = live.get(f"{ALL}?{at(then + timedelta(days=1))}")
    assert (refusal(later), pointer(later)) == ((422, "E_VALIDATION"), "?at")


def test_what_held_then_is_told_with_who_and_why(live: ApiClient) -> None:
    opened = timezone.now()
    time.sleep(0.002)
    put(live, weight=0.25, reason="too much")
    changed = timezone.now()
    time.sleep(0.002)
    breaker(live, engaged=True)
    then = body(live.get(f"{ALL}?strategy_id=a&{at(opened)}"))
    assert (then["active"], then["weight"], then["actor"]) == (True, 0.5, "service:driver")
    then = body(live.get(f"{ALL}?strategy_id=a&{at(changed)}"))
    told = ("active", "weight", "actor", "reason", "policy_version")
    assert [then[name] for name in told] == [True, 0.25, "root", "too much", 1]
    now = body(live.get(f"{ALL}?strategy_id=a&{at(timezone.now())}"))
    assert (now["active"], now["drain"], now["policy_version"]) == (False, True, 1)
    assert "circuit breaker" in now["reason"]


def test_before_the_first_word_there_is_no_gate(live: ApiClient) -> None:
    early = at(timezone.now() - timedelta(days=1))
    assert body(live.get(f"{ALL}?{early}"))["items"] == []
    assert refusal(live.get(f"{ALL}?strategy_id=a&{early}")) == (404, "E_NOT_FOUND")


def test_a_side_picks_in_the_past_too(live: ApiClient) -> None:
    now = at(timezone.now())
    assert len(body(live.get(f"{ALL}?side=long&{now}"))["items"]) == 1
    assert body(live.get(f"{ALL}?side=short&{now}"))["items"] == []


# --- the hash ---------------------------------------------------------------------------------------------
def test_a_replay_from_the_first_event_gives_the_state_hash(live: ApiClient) -> None:
    acts: list[Any] = [
        lambda: go("second", opens={"b": 1 / 3}, closes=["a"]),
        lambda: put(live, "b", weight=0.1),
        lambda: put(live, "b", active=False),
        lambda: go("third", opens={"b": 0.2}),
        lambda: state(live, "PAUSED"),
    ]
    for act in acts:
        act()
        answer = body(live.get(f"{ALL}/state_hash"))
        assert answer["state_hash"] == replayed(live)
        assert answer["sequence"] == max(each["sequence"] for each in body(live.get(ALL))["items"])
