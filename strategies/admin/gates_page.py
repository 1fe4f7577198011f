"""What the page of a world's gates shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import admits
from qmtl_site.accounts.models import Role
from qmtl_site.pages.scope import list_url, named_url
from strategies.domain import standings
from strategies.models import Activation, Apply, EdgeOverride, GateAuthority, GateClient
from strategies.selectors.shown import (
    clients_now,
    count_standings,
    effective_of,
    gates_of,
    gates_with_standing,
    holders,
    never_told,
    objections,
    waiting_commands,
    why_not,
)
from worlds.models import World

GATES = 200
CLIENTS = 50
NEWEST = 8
FROM_WORLD = urlencode({"from": "world"})
# Who may revoke a lease; the same declaration as on the API's view.
REVOKE = roles(Role.RUNNER, Role.OPERATOR)


def gates_page(request: HttpRequest, row: GateAuthority, *, may: bool) -> dict[str, Any]:
    """`may`: whether whoever looks may move gates."""
    world = row.world
    gates = list(gates_of(world.pk)[: GATES + 1])
    clients = list(clients_now(world.pk)[:CLIENTS])
    return {
        "authority": row,
        "world": world,
        **standing_of_world(world, row.cross_context_hits),
        "gates": gate_rows(gates[:GATES], may=may),
        "more": len(gates) > GATES,
        "gates_url": list_url("strategies.activation", world=world.pk),
        "never_told": never_told(world.pk),
        "clients": client_rows(clients, may=admits(request, REVOKE, world.pk)),
        "clients_url": list_url("strategies.gateclient", world=world.pk),
        "applies": Apply.objects.filter(world=world).order_by("-created_at", "-id")[:NEWEST],
        "applies_url": list_url("strategies.apply", world=world.pk),
        "edges": EdgeOverride.objects.filter(world=world).order_by("-changed_at", "-id")[:NEWEST],
        "edges_url": list_url("strategies.edgeoverride", world=world.pk),
        "commands": waiting_commands(world.pk),
        "commands_url": list_url("strategies.queuedcommand", world=world.pk),
        "breaker_url": named_url("worlds.world", world.pk, "engage_breaker")
        if may and not world.circuit_breaker and not world.is_retired
        else "",
    }


def standing_of_world(world: World, hits: int) -> dict[str, Any]:
    """How many of its gates stand how, what speaks against opening, and what is in flight."""
    counts = count_standings(gates_with_standing().filter(binding__world=world))
    links = [
        (name, count, list_url("strategies.activation", world=world.pk, gate=name))
        for name, count in counts.items()
    ]
    return {
        "open_gates": counts[standings.OPEN],
        "counts": links,
        "objections": objections(world, hits),
        "in_flight": Apply.objects.filter(world=world, settled_at=None).first(),
    }


# --- gates ------------------------------------------------------------------------------------------------
def gate_rows(gates: Sequence[Activation], *, may: bool) -> list[dict[str, Any]]:
    if not gates:
        return []
    held = holders(gates[0].binding.world_id, [gate.binding.strategy_id for gate in gates])
    return [gate_row(gate, held.get(gate.binding.strategy_id, []), may=may) for gate in gates]


def gate_row(gate: Any, held: Sequence[GateClient], *, may: bool) -> dict[str, Any]:
    door = ""
    if may and gate.binding.state == "live":
        door = "close_gate" if gate.active else "reopen_gate"
    return {
        "gate": gate,
        "strategy": gate.binding.strategy_id,
        "why": "; ".join(why_not(gate)),
        "mode": effective_of(gate).mode,
        "weight": f"{100 * gate.weight:.1f} %",
        "epoch": f"{gate.incarnation}.{gate.number}",
        "holders": held,
        "door": door,
        "door_url": f"{named_url('strategies.activation', gate.pk, door)}?{FROM_WORLD}" if door else "",
    }


# --- clients ----------------------------------------------------------------------------------------------
def client_rows(clients: Iterable[GateClient], *, may: bool) -> list[dict[str, Any]]:
    return [
        {
            **client_row(client),
            "revoke_url": f"{named_url('strategies.gateclient', client.pk, 'revoke')}?{FROM_WORLD}"
            if may
            else "",
        }
        for client in clients
    ]


def client_row(client: Any) -> dict[str, Any]:
    return {
        "client": client,
        "strategies": sorted(hold.strategy_id for hold in client.holds.all()),
        **lease_of(client),
    }


def lease_of(client: Any) -> Mapping[str, str]:
    """The lease in a word, with its tone, and what is left of it."""
    if client.revoked_at is not None:
        return {"lease": "revoked", "tone": "mute", "left": client.revoked_reason}
    if not client.holds_lease:
        return {"lease": "ran out", "tone": "warn", "left": f"{spoken(-client.left)} ago"}
    return {"lease": "holds", "tone": "good", "left": f"{spoken(client.left)} left"}


def spoken(length: timedelta) -> str:
    """A short time in its own unit: 12 s, 5 min, 3 h, 2 days."""
    seconds = max(0.0, length.total_seconds())
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
