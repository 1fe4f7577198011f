"""Gate clients: registered with a lease, renewed, heard, revoked; and what of theirs is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone

from strategies.models import ApplyAck, Binding, GateClient
from tests.activation.acting import Holder, asked, drive, gate, go, is_open, places, told
from tests.api import ApiClient, body
from tests.conftest import client_of
from tests.problem import nothing_written, refusal
from worlds.models import World

GATES = "/worlds/alpha/gates"


def register(client: ApiClient, name: str = "g1", **fields: Any) -> Any:
    return client.post(GATES, {"client_id": name, "strategies": [{"id": "a"}], **fields})


@pytest.fixture
def runner(gates: ApiClient, someone: Any) -> ApiClient:
    client: ApiClient = someone("ron", world="alpha", roles=["runner"])
    return client


def test_a_registration_is_a_lease_with_a_secret(runner: ApiClient) -> None:
    answer = register(runner, executor="paper-broker")
    lease = body(answer)
    assert (answer.status_code, answer["Location"], lease["client_id"]) == (201, f"{GATES}/g1", "g1")
    assert (lease["lease_seconds"], len(lease["lease_secret"]) > 40, lease["epoch"]) == (15.0, True, [1, 0])
    assert told(runner, "gate.registered")[-1]["strategies"] == ["a"]
    assert lease["lease_secret"] not in runner.get(f"{GATES}/g1").content.decode()
    shown = body(runner.get(f"{GATES}/g1"))
    assert (shown["user"], shown["executor"], shown["holds_lease"]) == ("ron", "paper-broker", True)


def test_a_client_is_told_where_the_world_stands(live: ApiClient, holder: Any) -> None:
    lease = body(register(holder("g0", "a").api))
    assert lease["epoch"] == gate(live)["epoch"]
    newest = body(live.get("/worlds/alpha/events?limit=500"))["next"]
    assert (
        newest - 1 <= lease["sequence"] <= newest
    )  # its own registration is told at the end of its transaction


BAD: dict[str, tuple[Any, str]] = {
    "an unknown strategy": ({"strategies": [{"id": "a"}, {"id": "nobody"}]}, "/strategies/1/id"),
    "nothing": ({"strategies": []}, "/strategies"),
    "twice": ({"strategies": [{"id": "a"}, {"id": "a"}]}, ""),
    "no name": ({"client_id": ""}, "/client_id"),
    "an unknown field": ({"lease_seconds": 3600}, "/lease_seconds"),
    "a long hash": ({"strategies": [{"id": "a", "code_hash": "x" * 129}]}, "/strategies/0/code_hash"),
}


def test_bad_registrations_are_refused_with_the_place(runner: ApiClient) -> None:
    with nothing_written():
        answers = {name: register(runner, **fields) for name, (fields, _) in BAD.items()}
    assert places(answers) == {name: place for name, (_, place) in BAD.items()}


def test_only_runners_hold_gates(gates: ApiClient, someone: Any) -> None:
    sam = someone("sam", world="alpha", roles=["viewer", "submitter", "operator", "risk", "owner"])
    assert refusal(register(sam)) == (403, "E_FORBIDDEN")


# --- heartbeats -------------------------------------------------------------------------------------------
def test_a_heartbeat_renews_the_lease_and_is_no_event(gates: ApiClient, holder: Any) -> None:
    first: Holder = holder("g1", "a")
    GateClient.objects.update(lease_until=Now() + timedelta(seconds=1))
    with nothing_written():
        assert first.beat().status_code == 200
    assert GateClient.objects.get().lease_until > timezone.now() + timedelta(seconds=5)


def test_a_heartbeat_tells_how_the_gates_stand_and_for_how_long(live: ApiClient, holder: Any) -> None:
    first: Holder = holder("g1", "a")
    assert body(first.beat())["gates"] == [gate(live)]
    World.objects.update(decision_stale_at=Now() + timedelta(seconds=30))
    answer = body(first.beat())
    assert answer["decision_seconds"] == pytest.approx(30, abs=25)
    assert is_open(answer["gates"][0])
    World.objects.update(decision_stale_at=Now() - timedelta(seconds=30))
    answer = body(first.beat())
    assert (answer["decision_seconds"], answer["gates"][0]["effective_mode"]) == (0.0, "compute-only")
    World.objects.update(decision_stale_at=None)
    assert body(first.beat())["decision_seconds"] is None


def test_a_lease_runs_out_by_the_clock_of_the_database(gates: ApiClient, holder: Any) -> None:
    """However wrong the clock of a web process is."""
    first: Holder = holder("g1", "a")
    with time_machine.travel(timezone.now() + timedelta(minutes=9)):
        assert first.beat().status_code == 200
    first.lapse()
    with time_machine.travel(timezone.now() - timedelta(hours=9)):
        assert refusal(first.beat()) == (409, "E_GATE_CLOSED")
    assert first.register("a").beat().status_code == 200


def test_what_has_run_out_is_not_renewed_and_counts_for_nothing(gates: ApiClient, holder: Any) -> None:
    first: Holder = holder("g1", "a")
    first.lapse()
    assert refusal(first.beat()) == (409, "E_GATE_CLOSED")
    assert body(gates.get(f"{GATES}/g1"))["holds_lease"] is False
    assert go("one", opens={"a": 0.5}).phase == "completed"


def test_a_wrong_secret_renews_nothing(gates: ApiClient, holder: Any) -> None:
    first: Holder = holder("g1", "a")
    first.secret = "another"
    assert refusal(first.beat()) == (409, "E_GATE_CLOSED")
    assert refusal(first.ack(drive(asked("one", opens={"a": 0.5})))) == (409, "E_STALE_ACK")


def test_a_lease_is_bound_to_the_token_that_took_it(gates: ApiClient, holder: Any, someone: Any) -> None:
    first: Holder = holder("g1", "a")
    apply = drive(asked("one", opens={"a": 0.5}))
    own = first.api
    strangers = [
        someone("eve", world="alpha", roles=["runner"]),
        client_of(User.objects.get(username="user-of-g1")),
    ]
    for stranger in strangers:
        first.api = stranger
        assert refusal(first.beat()) == (409, "E_GATE_CLOSED")
        assert refusal(first.ack(apply)) == (409, "E_STALE_ACK")
    first.api = own
    assert first.beat().status_code == 200


def test_a_revoked_role_or_token_ends_the_say(gates: ApiClient, holder: Any) -> None:
    first: Holder = holder("g1", "a")
    User.objects.get(username="user-of-g1").world_roles.all().delete()
    assert refusal(first.beat()) == (404, "E_NOT_FOUND")


# --- registering anew, and revoking -----------------------------------------------------------------------
def test_registering_anew_ends_the_former_lease(gates: ApiClient, holder: Any) -> None:
    first: Holder = holder("g1", "a")
    former = first.secret
    first.register("b")
    second, first.secret = first.secret, former
    assert refusal(first.beat()) == (409, "E_GATE_CLOSED")
    first.secret = second
    assert first.beat().status_code == 200
    assert told(gates, "gate.revoked")[-1]["reason"] == "registered anew"
    assert body(gates.get(f"{GATES}/g1"))["strategies"] == [{"id": "b", "code_hash": None}]


def test_another_users_name_is_taken(gates: ApiClient, holder: Any, someone: Any) -> None:
    holder("g1", "a")
    eve = someone("eve", world="alpha", roles=["runner"])
    assert refusal(register(eve)) == (403, "E_FORBIDDEN")
    assert refusal(eve.delete(f"{GATES}/g1")) == (403, "E_FORBIDDEN")


def test_an_operator_or_its_own_user_revokes_a_lease(gates: ApiClient, holder: Any, someone: Any) -> None:
    operator = someone("olga", world="alpha", roles=["operator"])
    for caller in (operator, None):
        first: Holder = holder("g1", "a")
        answer = (caller or first.api).delete(f"{GATES}/g1")
        assert (answer.status_code, body(answer)["holds_lease"]) == (200, False)
        assert refusal(first.beat()) == (409, "E_GATE_CLOSED")
        assert refusal(operator.delete(f"{GATES}/g1")) == (404, "E_NOT_FOUND")


def test_clients_are_listed(gates: ApiClient, holder: Any) -> None:
    holder("g1", "a")
    holder("g2", "a", "b")
    items = body(gates.get(f"{GATES}?limit=1"))["items"]
    assert [(each["client_id"], len(each["strategies"])) for each in items] == [("g2", 2)]


# --- acknowledgements -------------------------------------------------------------------------------------
@pytest.fixture
def frozen(gates: ApiClient, holder: Any) -> tuple[Any, Holder, Holder]:
    """An apply that waits for two holders; the second one stays silent, so that it goes on waiting."""
    first, second = holder("g1", "a"), holder("g2", "a")
    return drive(asked("one", opens={"a": 0.5})), first, second


STALE: dict[str, Any] = {
    "a lower sequence": lambda apply: {"sequence": apply.freeze_sequence - 1},
    "a newer epoch": lambda apply: {"epoch": [apply.incarnation, apply.number + 1]},
    "an older epoch": lambda apply: {"epoch": [apply.incarnation, apply.number - 1]},
    "another incarnation": lambda apply: {"epoch": [apply.incarnation + 1, apply.number]},
    "a phase that is to come": lambda apply: {"phase": "unfreeze"},
    "an unknown client": lambda apply: {"client_id": "g9"},
    "another client's name": lambda apply: {"client_id": "g2"},
}


def test_a_stale_acknowledgement_is_refused(frozen: Any) -> None:
    """Also after an honest one."""
    apply, first, _ = frozen
    stale = {name: changes(apply) for name, changes in STALE.items()}
    for _ in range(2):
        with nothing_written():
            answers = {name: refusal(first.ack(apply, **changes)) for name, changes in stale.items()}
        assert answers == dict.fromkeys(STALE, (409, "E_STALE_ACK"))
        assert drive(apply).phase == "freeze"
        first.ack(apply)


MISSHAPEN: list[dict[str, Any]] = [
    {"phase": "switch"},
    {"sequence": -1},
    {"sequence": 1.5},
    {"sequence": 2**63},
    {"epoch": [1]},
    {"epoch": [1, 2, 3]},
    {"epoch": 1},
    {"lease_secret": ""},
]


def test_a_misshapen_acknowledgement_is_refused_with_the_place(frozen: Any) -> None:
    apply, first, _ = frozen
    with nothing_written():
        answers = {str(changes): first.ack(apply, **changes) for changes in MISSHAPEN}
    assert [place.split("/")[1] for place in places(answers).values()] == [*map(min, MISSHAPEN)]


def test_who_answers_the_word_of_the_phase_or_of_his_own_gates_has_seen_enough(
    gates: ApiClient, holder: Any
) -> None:
    """However many gates of others are frozen after his; and he need not know the number that the apply keeps."""
    first, second = holder("g1", "a"), holder("g2", "b")
    apply = drive(asked("first", opens={"a": 0.5, "b": 0.5}))
    frozen = {each["strategy_id"]: each["sequence"] for each in told(gates)}
    assert frozen["a"] < frozen["b"] == apply.freeze_sequence
    assert refusal(first.ack(apply, sequence=frozen["a"] - 1)) == (409, "E_STALE_ACK")
    assert first.ack(apply, sequence=frozen["a"]).status_code == 200
    assert second.ack(apply, sequence=phase_told(gates)).status_code == 200
    apply = drive(apply)
    assert apply.phase == "unfreeze"
    answers = [each.ack(apply, sequence=phase_told(gates)) for each in (first, second)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (drive(apply).phase, apply.outcome) == ("completed", "")


def phase_told(client: ApiClient) -> int:
    """Sequence of the newest word about a phase."""
    events = body(client.get("/worlds/alpha/events?limit=500"))["events"]
    return max(event["sequence"] for event in events if event["type"] == "apply.phase_changed")


def test_the_same_word_twice_is_one(frozen: Any) -> None:
    apply, first, _ = frozen
    answers = [first.ack(apply) for _ in range(3)]
    answers.append(first.ack(apply, sequence=apply.freeze_sequence + 5))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert ApplyAck.objects.count() == 1


def test_a_late_word_is_refused_and_a_late_repetition_is_not(frozen: Any) -> None:
    apply, first, second = frozen
    first.ack(apply)
    second.lapse()
    assert drive(apply).phase == "unfreeze"
    second.register("a")
    assert refusal(second.ack(apply, "freeze")) == (409, "E_STALE_ACK")
    assert first.ack(apply, "freeze").status_code == 200
    first.ack(apply)
    second.ack(apply)
    assert drive(apply).phase == "completed"


def test_who_registers_anew_is_asked_anew(frozen: Any) -> None:
    apply, first, second = frozen
    first.ack(apply)
    second.ack(apply)
    first.register("a")
    assert drive(apply).phase == "freeze"
    first.ack(apply)
    assert drive(apply).phase == "unfreeze"


def test_who_holds_none_of_its_gates_has_nothing_to_say(frozen: Any, holder: Any) -> None:
    apply, _, _ = frozen
    assert refusal(holder("g3", "b").ack(apply)) == (409, "E_STALE_ACK")


def test_a_word_for_another_world_is_refused(frozen: Any, gates: ApiClient) -> None:
    apply, first, _ = frozen
    gates.make_world("beta", allow_live=True)
    assert refusal(first.ack(apply, world="beta")) == (404, "E_NOT_FOUND")  # he has no role there
    first.api = gates
    assert refusal(first.ack(apply, world="beta")) == (404, "E_NOT_FOUND")  # nor is there such an apply


def test_an_apply_that_was_abandoned_hears_nobody(frozen: Any, gates: ApiClient) -> None:
    apply, first, _ = frozen
    gates.post("/worlds/alpha/circuit-breaker", {"engaged": True, "reason": "a test"})
    assert refusal(first.ack(apply, "freeze")) == (409, "E_STALE_ACK")


# --- the code that is run ---------------------------------------------------------------------------------
CODES = [("judged", "judged", "live"), ("judged", "foreign", "compute-only"), ("", "foreign", "live")]


@pytest.mark.parametrize(("judged", "run", "mode"), [*CODES, ("judged", "", "live")])
def test_code_that_was_not_judged_only_computes(
    live: ApiClient, holder: Any, judged: str, run: str, mode: str
) -> None:
    Binding.objects.update(judged_code_hash=judged)
    holder("g1", "b").register(a=run)
    assert gate(live)["effective_mode"] == mode


def test_other_code_only_computes_until_the_judged_one_runs_or_it_is_judged_itself(
    live: ApiClient, holder: Any
) -> None:
    """Neither saying nothing of one's code, nor letting the lease run out, makes it the judged one."""

    def mode() -> str:
        return str(gate(live)["effective_mode"])

    Binding.objects.update(judged_code_hash="judged")
    other: Holder = holder("g1", "b").register(a="other")
    other.register("a")
    assert mode() == "compute-only"
    other.lapse()
    assert mode() == "compute-only"
    honest: Holder = holder("g2", "b").register(a="judged")
    assert mode() == "live"
    other.register(a="other")
    honest.register(a="judged")
    assert mode() == "compute-only"  # somebody runs the other code beside it
    honest.beat()
    assert mode() == "compute-only"
    other.lapse()
    honest.beat()
    assert mode() == "live"  # and has gone
    other.register(a="other")
    Binding.objects.update(judged_code_hash="other")
    assert mode() == "live"
