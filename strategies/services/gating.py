"""Telling gates: the only place that changes an activation, with its history, its event and its audit entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.database import native_cursor, upsert_rows
from qmtl_site.ledger.models import append
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from qmtl_site.outbox.numbering import next_sequence
from strategies.domain.envelopes import Envelope
from strategies.domain.modes import Effective, effective_mode, is_stale
from strategies.events import ActivationUpdated
from strategies.models import Activation, ActivationRecord, Binding, GateAuthority
from worlds.models import World

GATE_FIELDS = [
    "side",
    "active",
    "weight",
    "freeze",
    "drain",
    "incarnation",
    "number",
    "sequence",
    "run_id",
    "changed_at",
]


MASKED = """
SELECT b.strategy_id, 'foreign_code' FROM strategies_binding b
WHERE b.world_id = %(world)s AND b.strategy_id = ANY(%(names)s) AND b.running_code_hash <> ''
  AND b.judged_code_hash <> '' AND b.running_code_hash <> b.judged_code_hash
UNION
SELECT b.strategy_id, 'node_error' FROM strategies_node n JOIN strategies_binding b ON b.id = n.binding_id
WHERE n.state = 'error' AND b.world_id = %(world)s AND b.strategy_id = ANY(%(names)s)
"""


class Masked(NamedTuple):
    """Strategies that are kept to computing by who runs them, and by what they run into."""

    foreign_code: frozenset[str] = frozenset()
    node_error: frozenset[str] = frozenset()


NOTHING_MASKED = Masked()


@dataclass(frozen=True)
class Act:
    """What the changes of one act share: who, why, by which apply and in which of its phases.

    `masked`: strategies that are kept to computing, as the telling finds them.
    """

    world: World
    epoch: tuple[int, int]
    actor: Actor
    reason: str
    run_id: str = ""
    decision_id: str = ""
    policy_version: int | None = None
    phase: str | None = None
    requires_ack: bool = False
    position_policy: str | None = None
    masked: Masked = NOTHING_MASKED

    def by(self, **changes: object) -> Act:
        return replace(self, **changes)  # type: ignore[arg-type]


def give_authority(world_id: str) -> None:
    """The counter of a new world's epochs."""
    GateAuthority.objects.create(world_id=world_id)


def lock_authority(world_id: str) -> GateAuthority:
    return GateAuthority.objects.select_for_update(no_key=True).get(world_id=world_id)


def next_epoch(world_id: str) -> tuple[int, int]:
    """A new act's epoch: newer than every other of the world."""
    authority = lock_authority(world_id)
    authority.number += 1
    authority.save(update_fields=["number"])
    return authority.incarnation, authority.number


def locked_gates(bindings: Sequence[Binding]) -> dict[int, Activation]:
    """Gates of bindings of a locked world by the binding's key; one that was never told anything is closed."""
    rows = Activation.objects.select_for_update(no_key=True).filter(binding__in=[b.pk for b in bindings])
    gates = {row.pk: row for row in rows.order_by("binding_id")}
    untold = [binding for binding in bindings if binding.pk not in gates]
    sides = sides_of(untold)
    gates |= {each.pk: Activation(binding=each, side=sides[each.strategy_id]) for each in untold}
    for binding in bindings:
        gates[binding.pk].binding = binding
    return gates


def sides_of(bindings: Sequence[Binding]) -> dict[str, str]:
    """What their strategies trade, by strategy."""
    if not bindings:
        return {}
    with native_cursor() as cursor:
        found = cursor.execute(
            "SELECT id, side FROM strategies_strategy WHERE id = ANY(%s)", [[b.strategy_id for b in bindings]]
        )
        return dict(found.fetchall())


def tell(act: Act, gates: Sequence[Activation]) -> list[int]:
    """Keep what gates were changed to; the sequences under which it was told, in the same order."""
    if not gates:
        return []
    act = act.by(
        masked=masked_among(act.world.pk, [gate.binding.strategy_id for gate in gates]),
        policy_version=act.policy_version or active_version(act.world),
    )
    first, now = next_sequence(act.world.pk), timezone.now()
    for offset, gate in enumerate(gates):
        gate.incarnation, gate.number = act.epoch
        gate.sequence, gate.run_id, gate.changed_at = first + offset, act.run_id, now
    upsert_rows(gates, GATE_FIELDS)
    append([history_of(act, gate) for gate in gates])
    for gate in gates:
        emit(event_of(act, gate))
    for gate in gates:
        record_change(act, gate)
    return [gate.sequence for gate in gates]


@use_case
def close_gates(*, world: World, reason: str, actor: Actor) -> int:
    """Close every gate of a locked world at once; how many were open or about to open.

    Positions may still be reduced (`drain`). What an apply had frozen is not its any more: the epoch is newer.
    No binding is locked: who judges runs holds bindings for a while, and a closing waits for nobody. The world's lock
    is enough, as nobody changes a gate without it.
    """
    rows = Activation.objects.select_for_update(no_key=True, of=("self",)).filter(binding__world=world)
    told = rows.select_related("binding__strategy").order_by("binding_id")
    gates = [gate for gate in told if gate.active or gate.freeze]
    if not gates:
        return 0
    for gate in gates:
        gate.active, gate.freeze, gate.drain = False, False, True
    tell(Act(world, next_epoch(world.pk), actor, reason, position_policy="disable_then_flat"), gates)
    return len(gates)


# --- parts of the use cases ------------------------------------------------------------------------------
def masked_among(world_id: str, names: Sequence[str]) -> Masked:
    """Of these strategies, those that are run by other code than the judged one, and those with a node in error."""
    found: dict[str, set[str]] = {"foreign_code": set(), "node_error": set()}
    with native_cursor() as cursor:
        for name, why in cursor.execute(MASKED, {"world": world_id, "names": list(names)}):
            found[why].add(name)
    return Masked(**{why: frozenset(them) for why, them in found.items()})


def active_version(world: World) -> int | None:
    """Version of the policy under which an act happens that names none."""
    return world.policies.filter(state="active").values_list("version", flat=True).first()


def mode_in(world: World, state: str, *, node_error: bool = False, foreign_code: bool = False) -> Effective:
    """The mode that a binding in that state has in a locked world."""
    return effective_mode(
        binding_state=state,
        world_state=world.state,
        allow_live=world.allow_live,
        circuit_breaker=world.circuit_breaker,
        stale=is_stale(world.decision_stale_at, timezone.now()),
        node_error=node_error,
        foreign_code=foreign_code,
    )


def mode_of_gate(act: Act, gate: Activation) -> str:
    name = gate.binding.strategy_id
    return mode_in(
        act.world,
        gate.binding.state,
        node_error=name in act.masked.node_error,
        foreign_code=name in act.masked.foreign_code,
    ).mode


def envelope_of(act: Act, gate: Activation) -> Envelope:
    return Envelope(
        world_id=act.world.pk,
        strategy_id=gate.binding.strategy_id,
        side=gate.side,
        active=gate.active,
        weight=gate.weight,
        freeze=gate.freeze,
        drain=gate.drain,
        effective_mode=mode_of_gate(act, gate),
        run_id=gate.run_id,
        ts=gate.changed_at,
        phase=act.phase,
        requires_ack=act.requires_ack,
        sequence=gate.sequence,
        epoch=act.epoch,
    )


def event_of(act: Act, gate: Activation) -> ActivationUpdated:
    document = envelope_of(act, gate).document()
    return ActivationUpdated(**document, position_policy=act.position_policy, reason=act.reason)


def history_of(act: Act, gate: Activation) -> ActivationRecord:
    return ActivationRecord(
        binding_id=gate.binding_id,
        mode=mode_of_gate(act, gate),
        policy_version=act.policy_version,
        decision_id=act.decision_id,
        actor=act.actor.name,
        reason=act.reason[:2000],
        **{name: getattr(gate, name) for name in GATE_FIELDS},
    )


def record_change(act: Act, gate: Activation) -> None:
    record(
        act.actor,
        "activation.update",
        object_type="activation",
        object_id=f"{act.world.pk}/{gate.binding.strategy_id}",
        world_id=act.world.pk,
        active=gate.active,
        weight=gate.weight,
        freeze=gate.freeze,
        drain=gate.drain,
        epoch=list(act.epoch),
        sequence=gate.sequence,
        run_id=act.run_id,
        reason=act.reason,
    )
