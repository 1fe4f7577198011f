"""What evaluation adds to the pages of worlds, strategies and bindings: their newest runs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from evaluation.models import EvaluationRun
from evaluation.selectors.listed import listed_runs
from qmtl_site.pages.panel import Panel, panel_on
from qmtl_site.pages.scope import list_url, visible
from strategies.models import Binding, Strategy
from worlds.models import World

ROWS = 12


def newest(rows: Any) -> list[EvaluationRun]:
    return list(rows.order_by("-created_at", "-id")[:ROWS])


@panel_on("worlds.world", place=20)
def runs_of_a_world(request: HttpRequest, world: World) -> Panel:
    link = list_url("evaluation.evaluationrun", world=world.pk)
    shown = newest(listed_runs().filter(world=world))
    return Panel("Newest runs", "pages/panels/runs.html", {"runs": shown, "hide_world": True}, link=link)


@panel_on("strategies.strategy", place=20)
def runs_of_a_strategy(request: HttpRequest, strategy: Strategy) -> Panel:
    link = list_url("evaluation.evaluationrun", strategy=strategy.pk)
    shown = newest(visible(request, listed_runs().filter(strategy=strategy), "world_id"))
    return Panel("Newest runs", "pages/panels/runs.html", {"runs": shown, "hide_strategy": True}, link=link)


@panel_on("strategies.binding", place=20)
def runs_of_a_binding(request: HttpRequest, binding: Binding) -> Panel:
    link = list_url("evaluation.evaluationrun", world=binding.world_id, strategy=binding.strategy_id)
    shown = newest(listed_runs().filter(world_id=binding.world_id, strategy_id=binding.strategy_id))
    context = {"runs": shown, "hide_world": True, "hide_strategy": True}
    return Panel("Runs", "pages/panels/runs.html", context, link=link)
