"""An operator closes and re-opens single gates, and sets weights; opening obeys every mask."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from qmtl_site.audit.models import AuditEntry
from strategies.models import ActivationRecord, Binding
from tests.activation.acting import (
    asked,
    breaker,
    drive,
    gate,
    go,
    open_gates,
    places,
    put,
    state,
    step,
    told,
    undone,
)
from tests.api import ApiClient, body
from tests.problem import nothing_written, refusal
from worlds.models import World


def test_closing_and_opening_again(live: ApiClient) -> None:
    closed = body(put(live, active=False))
    assert (closed["active"], closed["drain"], closed["weight"]) == (False, True, 0.5)
    opened = body(put(live, active=True, weight=0.3))
    assert (opened["active"], opened["drain"], opened["weight"]) == (True, False, 0.3)
    assert opened["epoch"][1] == closed["epoch"][1] + 1
    assert body(live.get("/worlds/alpha/bindings"))["items"][-1]["state"] == "live"


def test_each_act_is_one_event_one_audit_entry_and_one_record(live: ApiClient) -> None:
    before = (len(told(live)), AuditEntry.objects.count(), ActivationRecord.objects.count())
    put(live, weight=0.3)
    after = (len(told(live)), AuditEntry.objects.count(), ActivationRecord.objects.count())
    assert after == tuple(count + 1 for count in before)
    event, entry = told(live)[-1], AuditEntry.objects.order_by("-id")[0]
    assert (event["weight"], event["reason"], entry.action) == (0.3, "a test", "activation.update")


def test_a_gate_keeps_the_side_on_which_it_opened(live: ApiClient) -> None:
    """Until an apply opens it anew: an author who turns his strategy round turns no open gate."""
    live.call("PATCH", "/strategies/a", {"side": "short"})
    assert gate(live)["side"] == "long"
    assert places({"other": put(live, side="short", weight=0.3)}) == {"other": "/side"}
    assert put(live, side="long", weight=0.3).status_code == 200
    put(live, active=False)
    assert go("again", opens={"a": 0.5}).phase == "completed"
    assert gate(live)["side"] == "short"


def test_an_etag_that_moved_is_refused(live: ApiClient) -> None:
    etag = gate(live)["etag"]
    assert put(live, weight=0.3, if_match=etag).status_code == 200
    with nothing_written():
        assert refusal(put(live, weight=0.4, if_match=etag)) == (412, "E_PRECONDITION")
    assert gate(live)["weight"] == 0.3


def test_a_gate_that_the_breaker_closed_has_another_etag(live: ApiClient) -> None:
    etag = gate(live)["etag"]
    breaker(live, engaged=True)
    assert refusal(put(live, active=False, if_match=etag)) == (412, "E_PRECONDITION")


def test_only_the_gate_of_a_live_strategy_is_set(live: ApiClient) -> None:
    changes: list[dict[str, Any]] = [{"active": True}, {"active": False}, {"weight": 0.1}]
    assert {refusal(put(live, "b", **change)) for change in changes} == {(409, "E_NOT_LIVE")}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, ""),
    "no reason": ({"active": False, "reason": ""}, "/reason"),
    "too heavy": ({"weight": 1.01}, "/weight"),
    "too light": ({"weight": -0.01}, "/weight"),
    "no number": ({"weight": "1e400"}, "/weight"),
    "no flag": ({"active": "yes"}, "/active"),
    "an unknown side": ({"active": False, "side": "up"}, "/side"),
    "another side": ({"active": False, "side": "short"}, "/side"),
    "an unknown field": ({"active": False, "freeze": True}, "/freeze"),
}


def test_bad_changes_are_refused_with_the_place(live: ApiClient) -> None:
    with nothing_written():
        answers = {name: put(live, **fields) for name, (fields, _) in BAD.items()}
    assert places(answers) == {name: place for name, (_, place) in BAD.items()}


def test_an_unknown_strategy_is_not_found(live: ApiClient) -> None:
    assert refusal(put(live, "nobody", active=False)) == (404, "E_NOT_FOUND")


def test_only_operators_set_gates(live: ApiClient, someone: Any) -> None:
    sam = someone("sam", world="alpha", roles=["viewer", "submitter", "runner", "risk"])
    assert refusal(put(sam, active=False)) == (403, "E_FORBIDDEN")


# --- opening obeys every mask -----------------------------------------------------------------------------
def engage(client: ApiClient) -> None:
    breaker(client, engaged=True)


def forbid(client: ApiClient) -> None:
    client.patch("/worlds/alpha", {"allow_live": False})


def grow_stale(client: ApiClient) -> None:
    World.objects.update(decision_stale_at=timezone.now() - timedelta(seconds=1))


MASKS: dict[str, tuple[Any, str]] = {
    "restricted": (lambda client: state(client, "EVALUATION_ONLY"), "E_ILLEGAL_TRANSITION"),
    "paused": (lambda client: state(client, "PAUSED"), "E_ILLEGAL_TRANSITION"),
    "breaker": (engage, "E_BREAKER_ENGAGED"),
    "not allowed": (forbid, "E_LIVE_NOT_ALLOWED"),
    "stale": (grow_stale, "E_ILLEGAL_TRANSITION"),
}


def test_nothing_opens_under_a_mask_and_everything_closes(live: ApiClient) -> None:
    put(live, active=False)
    for mask, code in MASKS.values():
        with undone():
            mask(live)
            with nothing_written():
                assert refusal(put(live, active=True)) == (409, code)
            assert put(live, active=False).status_code == 200


def test_a_retired_world_takes_no_act(live: ApiClient) -> None:
    assert live.delete("/worlds/alpha?reason=over&force=true").status_code == 200
    assert refusal(put(live, active=False)) == (409, "E_WORLD_RETIRED")
    assert body(live.get("/worlds/alpha/activation"))["items"] == []


def test_nothing_opens_after_a_hit_of_another_context_until_it_was_looked_at(
    live: ApiClient, holder: Any
) -> None:
    put(live, active=False)
    assert holder("g1", "a").beat(cross_context_cache_hits=2).status_code == 200
    assert refusal(put(live, active=True)) == (409, "E_CROSS_CONTEXT")
    assert live.delete("/worlds/alpha/cross-context-hits").status_code == 200
    assert put(live, active=True).status_code == 200


def test_a_gate_that_foreign_code_holds_is_not_opened(live: ApiClient, holder: Any) -> None:
    put(live, active=False)
    Binding.objects.update(judged_code_hash="judged")
    other = holder("g1", "c").register(a="foreign")
    answer = put(live, active=True)
    assert (refusal(answer), body(answer)["current"]) == ((409, "E_ILLEGAL_TRANSITION"), "foreign_code")
    assert put(live, weight=0.3).status_code == 200
    other.register(a="judged")
    assert put(live, active=True).status_code == 200


# --- beside an apply --------------------------------------------------------------------------------------
def test_a_frozen_gate_is_closed_but_neither_opened_nor_weighed(live: ApiClient, holder: Any) -> None:
    put(live, active=False)
    holder("g1", "a")
    apply = drive(asked("second", opens={"a": 0.7}))
    assert (apply.phase, gate(live)["freeze"]) == ("freeze", True)
    for change in ({"active": True}, {"weight": 0.1}):
        with nothing_written():
            assert refusal(put(live, **change)) == (409, "E_APPLY_IN_PROGRESS")
    assert body(put(live, active=False))["freeze"] is False


def test_a_gate_that_is_switched_and_not_open_yet_is_closed_for_good(live: ApiClient) -> None:
    put(live, active=False)
    apply = step(step(asked("second", opens={"a": 0.7})))
    assert (apply.phase, gate(live)["active"], open_gates(live)) == ("switch", True, [])
    assert refusal(put(live, active=True)) == (409, "E_APPLY_IN_PROGRESS")
    put(live, active=False)
    assert (drive(apply).phase, open_gates(live)) == ("completed", [])
