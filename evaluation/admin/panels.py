"""What evaluation adds to the pages of worlds, strategies and bindings: decisions, and their newest runs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from evaluation.admin.decision_page import explained
from evaluation.models import EvaluationRun, Promotion
from evaluation.selectors.listed import listed_runs
from evaluation.selectors.shown import newest_decision, pending_promotions
from qmtl_site.pages.panel import Panel, panel_on
from qmtl_site.pages.scope import list_url, named_url, visible
from strategies.models import Binding, Strategy
from worlds.models import World

ROWS = 12


def newest(rows: Any) -> list[EvaluationRun]:
    return list(rows.order_by("-created_at", "-id")[:ROWS])


@panel_on("worlds.world", place=5)
def decisions_of_a_world(request: HttpRequest, world: World) -> Panel:
    """Links to what is about upper things: the ladder, the newest decision, what waits for a person."""
    waiting = pending_promotions(world.pk).values()
    context = {
        "newest": newest_decision(world.pk),
        "pending": sum(row.state == Promotion.State.PENDING for row in waiting),
        "ladder_url": named_url("evaluation.evaluationturn", world.pk),
        "decisions_url": list_url("evaluation.decision", world=world.pk),
        "promotions_url": list_url("evaluation.promotion", world=world.pk),
    }
    return Panel("Who should be live", "pages/panels/decisions.html", context)


@panel_on("strategies.binding", place=10)
def newest_word_about_a_binding(request: HttpRequest, binding: Binding) -> Panel | None:
    """What the newest decision says about it; nothing where none has."""
    if not binding.last_outcome:
        return None
    newest = newest_decision(binding.world_id)
    context = {
        "score": "–" if binding.last_score is None else f"{binding.last_score:.4g}",
        "ladder_url": named_url("evaluation.evaluationturn", binding.world_id),
    }
    link = explained(newest, binding.strategy_id)
    return Panel(
        "The newest decision about it", "pages/panels/standing.html", context, link=link, link_text="Why"
    )


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
