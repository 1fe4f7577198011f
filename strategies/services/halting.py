"""The kill switch by hand, and what a restored backup must not carry on with."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.ledger.transactions import use_case
from strategies.models import Activation, GateClient
from strategies.services.gates import revoke_client
from strategies.services.gating import close_gates, lock_authority
from worlds.models import World
from worlds.services import ask_evaluation, lock_world, set_circuit_breaker


@dataclass(frozen=True)
class Halted:
    """What a halt found and did. `closed`: strategies whose gates were open, or about to open."""

    world_id: str
    engaged_before: bool
    closed: list[str]


@use_case
def halt_world(*, world_id: str, reason: str, actor: Actor) -> Halted:
    """Engage the circuit breaker, which closes every gate; needs nothing but the database.

    A breaker that is engaged already is no reason to trust that all is closed: the gates are closed again.
    """
    world = lock_world(world_id, writable=False)
    before, closing = world.circuit_breaker, gates_to_close(world_id)
    world = set_circuit_breaker(world_id=world_id, engaged=True, reason=reason, actor=actor)
    close_gates(world=world, reason=f"circuit breaker engaged: {reason}", actor=actor)
    return Halted(world_id, before, closing)


@dataclass(frozen=True)
class Restored:
    world_id: str
    incarnation: int
    closed: list[str]
    revoked: int


@use_case
def restore_world(*, world_id: str, actor: Actor) -> Restored:
    """After a backup was restored: nobody's epoch or lease from before counts, nothing is open, and an evaluation is
    asked for, whose apply opens again what still may.
    """
    world = lock_world(world_id, writable=False)
    # Before the closing, which holds the ledger: whoever ends a lease by hand locks it first, too.
    leases = GateClient.objects.select_for_update(no_key=True).filter(world=world, revoked_at=None)
    holders = [client.pk for client in leases.order_by("id")]
    authority, closing = lock_authority(world_id), gates_to_close(world_id)
    authority.incarnation += 1
    authority.save(update_fields=["incarnation"])
    close_gates(world=world, reason="a backup was restored", actor=actor)
    for key in holders:
        revoke_client(key=key, reason="a backup was restored", actor=actor)
    ask_evaluation(world=world, now=timezone.now())
    record(
        actor,
        "world.after_restore",
        object_type="world",
        object_id=world_id,
        world_id=world_id,
        incarnation=authority.incarnation,
        closed=closing,
        revoked=len(holders),
    )
    return Restored(world_id, authority.incarnation, closing, len(holders))


def restored_worlds() -> list[str]:
    """Every world, in the order in which they are taken up after a restore."""
    return list(World.objects.order_by("pk").values_list("pk", flat=True))


def gates_to_close(world_id: str) -> list[str]:
    rows = Activation.objects.filter(binding__world_id=world_id)
    names = (rows.filter(active=True) | rows.filter(freeze=True)).values_list(
        "binding__strategy_id", flat=True
    )
    return sorted(names)
