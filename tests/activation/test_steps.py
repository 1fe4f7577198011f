"""The steps of an apply: who is waited for, what silence does, and what happens between the steps."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.models import Activation, Apply, Binding, GateClient
from tests.activation.acting import (
    asked,
    breaker,
    decided,
    drive,
    gate,
    go,
    open_gates,
    put,
    run_out,
    state,
    step,
    told,
)
from tests.api import ApiClient, body


def command(client: ApiClient, name: str, verb: str = "deactivate") -> Any:
    return client.post(f"/strategies/{name}/{verb}", {"world_id": "alpha", "reason": "a test"})


def test_an_apply_goes_through_its_phases_and_tells_each(gates: ApiClient) -> None:
    apply = asked("one", opens={"a": 0.5})
    seen = [apply.phase]
    while apply.settled_at is None:
        seen.append(step(apply).phase)
    assert seen == ["requested", "freeze", "switch", "unfreeze", "completed"]
    changes = [(each["before"], each["after"]) for each in told(gates, "apply.phase_changed")]
    assert changes == list(zip([None, *seen], seen, strict=False))
    mine = [(each["phase"], each["active"], each["freeze"], each["requires_ack"]) for each in told(gates)]
    assert mine == [
        ("freeze", False, True, True),
        ("switch", True, True, False),
        ("unfreeze", True, False, True),
    ]


def test_how_positions_are_treated_is_told(gates: ApiClient) -> None:
    go("one", opens={"a": 0.5})
    go("two", closes=["a"])
    assert {each["position_policy"] for each in told(gates)[:3]} == {"flat_then_enable"}
    assert told(gates)[-1]["position_policy"] == "disable_then_flat"


def test_the_freeze_waits_for_every_holder(gates: ApiClient, holder: Any) -> None:
    first, second = holder("g1", "a"), holder("g2", "a", "b")
    holder("g3", "c")  # holds nothing that moves
    apply = drive(asked("one", opens={"a": 0.5}))
    assert (apply.phase, gate(gates)["freeze"], gate(gates)["requires_ack"]) == ("freeze", True, True)
    assert first.ack(apply).status_code == 200
    assert (drive(apply).phase, first.waits(apply), second.waits(apply)) == ("freeze", False, True)
    second.ack(apply)
    assert (drive(apply).phase, open_gates(gates)) == ("unfreeze", ["a"])
    assert (first.waits(apply), second.waits(apply)) == (True, True)
    for each in (first, second):
        each.ack(apply)
    assert (drive(apply).phase, apply.outcome) == ("completed", "")
    acks = [(ack["client_id"], ack["phase"]) for ack in body(gates.get("/worlds/alpha/applies/one"))["acks"]]
    assert acks == [("g1", "freeze"), ("g2", "freeze"), ("g1", "unfreeze"), ("g2", "unfreeze")]


def test_who_comes_while_a_gate_is_frozen_is_waited_for_too(gates: ApiClient, holder: Any) -> None:
    first = holder("g1", "a")
    apply = drive(asked("one", opens={"a": 0.5}))
    late = holder("g2", "a")
    first.ack(apply)
    assert drive(apply).phase == "freeze"
    late.ack(apply)
    assert drive(apply).phase == "unfreeze"


@pytest.mark.parametrize("end", ["lapse", "revoke"])
def test_who_has_no_lease_any_more_is_not_waited_for(gates: ApiClient, holder: Any, end: str) -> None:
    first = holder("g1", "a")
    apply = drive(asked("one", opens={"a": 0.5}))
    if end == "lapse":
        first.lapse()
    else:
        gates.delete("/worlds/alpha/gates/g1")
    assert (drive(apply).phase, open_gates(gates)) == ("completed", ["a"])


# --- silence ----------------------------------------------------------------------------------------------
def test_silence_in_the_freeze_abandons_the_openings_and_keeps_the_closings(
    live: ApiClient, holder: Any
) -> None:
    loud, silent = holder("g1", "b"), holder("g2", "b")
    apply = drive(asked("second", opens={"b": 0.5}, closes=["a"]))
    loud.ack(apply)
    assert run_out(apply).phase == "rolled_back"
    a, b = gate(live, "a"), gate(live, "b")
    assert (a["active"], a["effective_mode"], b["active"], b["freeze"], b["effective_mode"]) == (
        False,
        "paper",
        False,
        False,
        "paper",
    )
    assert "silent" in apply.outcome
    revoked = dict(GateClient.objects.values_list("client_id", "revoked_reason"))
    assert (revoked["g1"], revoked["g2"]) == ("", "silent in the freeze of second")
    assert silent.beat().status_code == 409


def test_silence_after_the_switch_completes_and_names_the_silent(gates: ApiClient, holder: Any) -> None:
    first = holder("g1", "a")
    apply = drive(asked("one", opens={"a": 0.5}))
    first.ack(apply)
    assert drive(apply).phase == "unfreeze"
    assert (run_out(apply).phase, apply.outcome) == ("completed", "no receipt from g1")
    assert open_gates(gates) == ["a"]
    assert first.beat().status_code == 200


# --- between the steps ------------------------------------------------------------------------------------
BETWEEN: dict[str, Any] = {
    "paused": lambda client: state(client, "PAUSED"),
    "restricted": lambda client: state(client, "EVALUATION_ONLY"),
    "halted": lambda client: breaker(client, engaged=True),
    "forbidden": lambda client: client.patch("/worlds/alpha", {"allow_live": False}),
}
BACK: dict[str, Any] = {
    "paused": lambda client: state(client, "ACTIVE"),
    "restricted": lambda client: state(client, "ACTIVE"),
    "halted": lambda client: breaker(client, engaged=False),
    "forbidden": lambda client: client.patch("/worlds/alpha", {"allow_live": True}),
}


@pytest.mark.parametrize("frozen", [False, True], ids=["requested", "frozen"])
@pytest.mark.parametrize("change", BETWEEN)
def test_what_was_asked_for_before_a_standstill_never_opens_after_it(
    gates: ApiClient, holder: Any, change: str, frozen: bool
) -> None:
    first = holder("g1", "a")
    apply = asked("one", opens={"a": 0.5})
    if frozen:
        drive(apply)
    assert BETWEEN[change](gates).status_code == 200
    assert BACK[change](gates).status_code == 200
    assert first.ack(apply, "freeze").status_code == 409
    assert (drive(apply).phase, gate(gates)["freeze"], open_gates(gates)) == ("rolled_back", False, [])
    assert Binding.objects.get(strategy_id="a").state == "dry_run"


def test_an_apply_that_only_closes_outlives_a_standstill(live: ApiClient) -> None:
    apply = asked("second", closes=["a"])
    state(live, "PAUSED")
    assert drive(apply).phase == "completed"


def test_a_halt_between_switch_and_opening_wins(gates: ApiClient) -> None:
    apply = step(step(asked("one", opens={"a": 0.5, "b": 0.5})))
    breaker(gates, engaged=True)
    breaker(gates, engaged=False)
    assert (drive(apply).phase, open_gates(gates)) == ("completed", [])
    assert not Activation.objects.filter(freeze=True).exists()


def test_nobody_is_waited_for_whose_gate_was_closed_before_it_opened(gates: ApiClient, holder: Any) -> None:
    first, second = holder("g1", "a"), holder("g2", "b")
    apply = drive(asked("one", opens={"a": 0.5, "b": 0.5}))
    for each in (first, second):
        each.ack(apply)
    step(apply)
    put(gates, "b", active=False)
    assert (drive(apply).phase, first.waits(apply), second.waits(apply)) == ("unfreeze", True, False)
    first.ack(apply)
    assert (drive(apply).phase, apply.outcome, open_gates(gates)) == ("completed", "", ["a"])


def test_who_is_stopped_while_frozen_stays_stopped_and_takes_the_others_with_him(
    gates: ApiClient, holder: Any
) -> None:
    """All openings or none."""
    first = holder("g1", "a", "b")
    apply = drive(asked("one", opens={"a": 0.5, "b": 0.5}))
    assert command(gates, "b").status_code == 200
    first.ack(apply)
    assert (drive(apply).phase, apply.outcome) == ("rolled_back", "b is inactive by now")
    assert not Activation.objects.filter(freeze=True).exists()
    assert dict(Binding.objects.values_list("strategy_id", "state")) == {
        "a": "dry_run",
        "b": "inactive",
        "c": "dry_run",
    }


def test_who_is_stopped_before_the_freeze_stays_stopped(gates: ApiClient) -> None:
    apply = asked("one", opens={"a": 0.5})
    command(gates, "a")
    assert (drive(apply).phase, open_gates(gates)) == ("rolled_back", [])


def test_a_gate_that_an_operator_closed_meanwhile_abandons_the_openings(live: ApiClient, holder: Any) -> None:
    put(live, active=False)
    first = holder("g1", "a", "b")
    apply = drive(asked("second", opens={"a": 0.7, "b": 0.3}))
    put(live, active=False)
    first.ack(apply)
    assert (drive(apply).phase, apply.outcome) == ("rolled_back", "a was told otherwise meanwhile")
    assert (gate(live, "a")["epoch"][1], gate(live, "b")["freeze"]) == (apply.number + 1, False)


def test_foreign_code_that_comes_meanwhile_abandons_the_openings(gates: ApiClient, holder: Any) -> None:
    first = holder("g1", "a")
    apply = drive(asked("one", opens={"a": 0.5}))
    Binding.objects.update(judged_code_hash="judged")
    other = holder("g2", "c").register(a="foreign")
    for each in (first, other):
        each.ack(apply)
    assert (drive(apply).phase, open_gates(gates)) == ("rolled_back", [])
    assert "other code" in apply.outcome


def test_a_decision_that_grows_stale_meanwhile_abandons_the_openings(gates: ApiClient, holder: Any) -> None:
    first = holder("g1", "a")
    apply = drive(asked("one", opens={"a": 0.5}))
    decided(hours=-1)
    first.ack(apply)
    assert (drive(apply).phase, open_gates(gates)) == ("rolled_back", [])


def test_a_hit_of_another_context_meanwhile_abandons_the_openings(gates: ApiClient, holder: Any) -> None:
    first = holder("g1", "a")
    apply = drive(asked("one", opens={"a": 0.5}))
    first.beat(cross_context_cache_hits=1)
    first.ack(apply)
    assert (drive(apply).phase, open_gates(gates)) == ("rolled_back", [])


def test_a_switch_that_fails_opens_nothing(gates: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = step(asked("one", opens={"a": 0.5, "b": 0.5}))

    def fail(**given: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("strategies.services.apply_steps.set_edges", fail)
    assert drive(apply).phase == "rolled_back"
    assert set(Binding.objects.values_list("state", flat=True)) == {"dry_run"}
    assert not Activation.objects.filter(freeze=True).exists()


# --- weights ----------------------------------------------------------------------------------------------
def test_who_stays_is_weighed_anew_and_never_frozen(live: ApiClient, holder: Any) -> None:
    first = holder("g1", "b")
    apply = drive(asked("second", opens={"b": 0.75}, weights={"a": 0.25}))
    assert (gate(live)["freeze"], gate(live)["weight"]) == (False, 0.5)
    first.ack(apply)
    drive(apply)
    assert (gate(live, "a")["weight"], gate(live, "b")["weight"]) == (0.25, 0.75)
    assert (gate(live, "a")["requires_ack"], gate(live, "b")["requires_ack"]) == (False, True)


def test_nobody_is_asked_to_acknowledge_a_closing(live: ApiClient, holder: Any) -> None:
    holder("g1", "b")
    drive(asked("second", opens={"b": 0.75}, closes=["a"]))
    assert (gate(live, "a")["requires_ack"], gate(live, "b")["requires_ack"]) == (False, True)


def test_a_settled_apply_takes_no_step(gates: ApiClient) -> None:
    apply = go("one", opens={"a": 0.5})
    before = (Apply.objects.get().phase_since, len(told(gates)))
    assert drive(apply).phase == "completed"
    assert (Apply.objects.get().phase_since, len(told(gates))) == before
