"""What tests of gates do: apply plans, drive them, hold gates, look at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpResponse
from django.utils import timezone

from qmtl.contracts.activation import state_hash
from qmtl_site.audit.actor import Actor
from qmtl_site.outbox.relay import relay_all
from strategies import services
from strategies.domain.plans import Closing, Opening, Plan
from strategies.models import Apply, Binding, GateClient
from strategies.selectors import due_applies
from strategies.services.apply_steps import take_step
from tests.api import ApiClient, body
from tests.problem import pointer, refusal
from worlds.models import World

ACTOR = Actor.service("test")
WHY = {"reason": "a test"}


# --- applies ----------------------------------------------------------------------------------------------
def decided(*, hours: float = 24) -> None:
    """As if the newest decision were good for so long."""
    World.objects.update(decision_stale_at=timezone.now() + timedelta(hours=hours))


def asked(
    run_id: str, *, opens: Mapping[str, float] | None = None, closes: Iterable[str] = (), **terms: Any
) -> Apply:
    """An apply that nobody has driven yet; who is live is opened again."""
    states = dict(Binding.objects.filter(world_id="alpha").values_list("strategy_id", "state"))
    openings = [
        Opening(name, weight, "reopen" if states[name] == "live" else "promote")
        for name, weight in (opens or {}).items()
    ]
    plan = Plan(openings=openings, closings=[Closing(name) for name in closes], **terms)
    return services.request_apply(asked=services.Asked("alpha", run_id, plan), actor=ACTOR)


def drive(apply: Apply) -> Apply:
    services.drive_apply(apply_id=apply.pk)
    apply.refresh_from_db()
    return apply


def step(apply: Apply) -> Apply:
    take_step(apply_id=apply.pk, fence=services.hold_lease() or 0)
    apply.refresh_from_db()
    return apply


def go(run_id: str, **plan: Any) -> Apply:
    return drive(asked(run_id, **plan))


def run_out(apply: Apply) -> Apply:
    """The deadline of its phase passes, and the driver comes."""
    Apply.objects.filter(pk=apply.pk).update(deadline=Now() - timedelta(hours=1))
    return drive(apply)


def work() -> None:
    """What the driver does until nothing is left: events to their handlers, applies as far as they go."""
    while relay_all() or True in [moved(key) for key in due_applies()]:
        pass


def moved(key: int) -> bool:
    before = Apply.objects.values_list("phase", flat=True).get(pk=key)
    return before != services.drive_apply(apply_id=key)


@contextmanager
def undone() -> Iterator[None]:
    """One row of a table, after which everything is as it was before."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def phase_of(run_id: str) -> str:
    return str(Apply.objects.values_list("phase", flat=True).get(run_id=run_id))


def hear_of_an_apply(name: str, actor: Actor) -> Apply:
    """An apply that opens one gate and waits, and the acknowledgement of who holds it."""
    given: dict[str, Any] = {"world_id": "alpha", "client_id": "g1", "token_digest": "t", "actor": actor}
    lease = services.register_client(held=[services.Held(name)], executor="", **given)
    apply = drive(asked("first", opens={name: 0.5}))
    told = {"phase": "freeze", "sequence": apply.freeze_sequence or 0, "epoch": apply.epoch}
    receipt = services.Receipt(client_id="g1", secret=lease["lease_secret"], token_digest="t", **told)  # type: ignore[arg-type]
    services.acknowledge(world_id="alpha", run_id="first", receipt=receipt, actor=actor)
    return apply


# --- gates ------------------------------------------------------------------------------------------------
def gate(client: ApiClient, name: str = "a") -> dict[str, Any]:
    answer = client.get(f"/worlds/alpha/activation?strategy_id={name}")
    assert answer.status_code == 200, answer.content
    document: dict[str, Any] = body(answer)
    return document


def open_gates(client: ApiClient) -> list[str]:
    items = body(client.get("/worlds/alpha/activation"))["items"]
    return [each["strategy_id"] for each in items if is_open(each)]


def is_open(envelope: Mapping[str, Any]) -> bool:
    closed = envelope["freeze"] or envelope["drain"] or envelope["effective_mode"] != "live"
    return bool(envelope["active"]) and not closed


def put(client: ApiClient, name: str = "a", *, if_match: str | None = None, **fields: Any) -> HttpResponse:
    headers = {} if if_match is None else {"if_match": f'"{if_match}"'}
    return client.call("PUT", "/worlds/alpha/activation", {"strategy_id": name, **WHY, **fields}, **headers)


def state(client: ApiClient, wanted: str) -> HttpResponse:
    return client.post("/worlds/alpha/state", {"state": wanted, **WHY})


def breaker(client: ApiClient, *, engaged: bool) -> HttpResponse:
    return client.post("/worlds/alpha/circuit-breaker", {"engaged": engaged, **WHY})


def places(answers: Mapping[str, HttpResponse]) -> dict[str, str]:
    """Where each document was found bad."""
    assert {refusal(answer) for answer in answers.values()} == {(422, "E_VALIDATION")}
    return {name: pointer(answer) for name, answer in answers.items()}


# --- events -----------------------------------------------------------------------------------------------
def told(client: ApiClient, kind: str = "activation.updated") -> list[dict[str, Any]]:
    """The data of all events of a type, from the first one on."""
    found, after = [], 0
    while page := body(client.get(f"/worlds/alpha/events?after={after}&limit=500"))["events"]:
        found += [event["data"] for event in page if event["type"] == kind]
        after = page[-1]["sequence"]
    return found


def replayed(client: ApiClient) -> str:
    return state_hash({each["strategy_id"]: each for each in told(client)}.values())


# --- holders ----------------------------------------------------------------------------------------------
class Holder:
    """A gate client as it talks to the service."""

    def __init__(self, api: ApiClient, name: str) -> None:
        self.api, self.name, self.secret = api, name, ""

    def register(self, *strategies: str, **hashes: str) -> Holder:
        held = [{"id": name} for name in strategies]
        held += [{"id": name, "code_hash": code} for name, code in hashes.items()]
        answer = self.api.post("/worlds/alpha/gates", {"client_id": self.name, "strategies": held})
        assert answer.status_code == 201, answer.content
        self.secret = body(answer)["lease_secret"]
        return self

    def beat(self, **fields: Any) -> HttpResponse:
        told = {"lease_secret": self.secret, **fields}
        return self.api.post(f"/worlds/alpha/gates/{self.name}/heartbeat", told)

    def ack(
        self, apply: Apply, phase: str | None = None, *, world: str = "alpha", **changes: Any
    ) -> HttpResponse:
        """An honest acknowledgement of the present phase, but for the changes."""
        apply.refresh_from_db()
        phase = phase or apply.phase
        sequence = apply.freeze_sequence if phase == "freeze" else apply.unfreeze_sequence
        told = {
            "client_id": self.name,
            "lease_secret": self.secret,
            "phase": phase,
            "sequence": sequence or 0,
            "epoch": list(apply.epoch),
            **changes,
        }
        return self.api.post(f"/worlds/{world}/applies/{apply.run_id}/acks", told)

    def lapse(self) -> None:
        """Its lease runs out, by the database's clock."""
        GateClient.objects.filter(client_id=self.name, revoked_at=None).update(
            lease_until=Now() - timedelta(hours=1)
        )

    def waits(self, apply: Apply) -> bool:
        document = body(self.api.get(f"/worlds/alpha/applies/{apply.run_id}"))
        return self.name in document["waiting_for"]
