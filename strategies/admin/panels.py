"""What gates add to the pages of worlds and bindings."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from qmtl_site.accounts.admin_actor import admits
from qmtl_site.pages.panel import Panel, panel_on
from qmtl_site.pages.scope import list_url, named_url
from strategies.admin.gates import OPERATE
from strategies.admin.gates_page import gate_row, standing_of_world
from strategies.models import Binding, GateAuthority
from strategies.selectors.shown import holders, listed_gates, waiting_commands
from worlds.models import World


@panel_on("worlds.world", place=3)
def gates_of_a_world(request: HttpRequest, world: World) -> Panel:
    """First of all: whether anything trades, and what keeps it from trading."""
    hits = GateAuthority.objects.filter(world=world).values_list("cross_context_hits", flat=True)
    context: dict[str, Any] = {
        **standing_of_world(world, next(iter(hits), 0)),
        "gates_url": named_url("strategies.gateauthority", world.pk),
        "applies_url": list_url("strategies.apply", world=world.pk),
        "waiting": waiting_commands(world.pk).count(),
        "commands_url": list_url("strategies.queuedcommand", world=world.pk, state="waits"),
    }
    return Panel("Who may trade now", "pages/panels/gates.html", context)


@panel_on("strategies.binding", place=5)
def gate_of_a_binding(request: HttpRequest, binding: Binding) -> Panel | None:
    """Its gate, once it was told anything; commands that wait for its world."""
    gate = listed_gates().filter(pk=binding.pk).first()
    commands = waiting_commands(binding.world_id, binding.strategy_id)
    if gate is None and not commands:
        return None
    link = "" if gate is None else named_url("strategies.activation", gate.pk)
    row = None
    if gate is not None:
        held = holders(binding.world_id, [binding.strategy_id]).get(binding.strategy_id, [])
        row = gate_row(gate, held, may=admits(request, OPERATE, binding.world_id))
    context = {"shown": row, "commands": commands}
    return Panel("Its gate", "pages/panels/gate.html", context, link=link, link_text="The gate")
