"""What the ladder of a world shows: its strategies on their rungs, and what each of them needs to climb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.admin.decision_page import explained
from evaluation.admin.standing import counters, hysteresis_of, next_step
from evaluation.domain.charts_spark import sparkline
from evaluation.models import Decision, Promotion
from evaluation.selectors.ladder import (
    RUNGS,
    NewestRun,
    counts_by_state,
    ladder_bindings,
    newest_runs,
)
from evaluation.selectors.shown import newest_decision, pending_promotions
from qmtl_site.pages.scope import list_url, named_url
from strategies.models import Binding
from strategies.selectors.shown import standings_of
from worlds.domain.policy.selection import Hysteresis
from worlds.models import World
from worlds.selectors import active_policy

TITLES = {
    "submitted": "Submitted",
    "dry_run": "Dry run",
    "live": "Live",
    "stopped": "Inactive, rejected",
}
EMPTY = {
    "submitted": "Nothing waits for its first verdict.",
    "dry_run": "Nobody trades on paper.",
    "live": "Nobody is live.",
    "stopped": "Nobody was stopped.",
}


def ladder_page(world: World) -> dict[str, Any]:
    bindings, counts = ladder_bindings(world.pk), counts_by_state(world.pk)
    runs, waiting = newest_runs(world.pk, bindings), pending_promotions(world.pk)
    active, newest = active_policy(world.pk), newest_decision(world.pk)
    gates = standings_of([row.pk for row in bindings if row.state == Binding.State.LIVE])
    terms = hysteresis_of(None if active is None else active.policy)
    mode = "" if active is None else active.policy.governance.live_promotion.mode
    cards = [
        card(row, runs.get(row.strategy_id), waiting.get(row.strategy_id), terms, newest, mode)
        | {"gate": gates.get(row.pk, "")}
        for row in bindings
    ]
    pending = sum(row.state == Promotion.State.PENDING for row in waiting.values())
    return {
        "world": world,
        "active": active,
        "newest": newest,
        "pending": pending,
        "promotions_url": list_url("evaluation.promotion", world=world.pk, state="pending"),
        "gates_url": named_url("strategies.gateauthority", world.pk),
        "decisions_url": list_url("evaluation.decision", world=world.pk),
        "rungs": [rung(name, states, world.pk, counts, cards) for name, states in RUNGS.items()],
    }


def rung(
    name: str,
    states: Sequence[str],
    world_id: str,
    counts: Mapping[str, int],
    cards: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    shown = [each for each in cards if each["binding"].state in states]
    total = sum(counts.get(state, 0) for state in states)
    return {
        "name": name,
        "title": TITLES[name],
        "empty": EMPTY[name],
        "total": total,
        "more": total - len(shown),
        "states": [
            (state, counts.get(state, 0), list_url("strategies.binding", world=world_id, state=state))
            for state in states
        ],
        "cards": shown,
    }


def card(
    binding: Binding,
    run: NewestRun | None,
    promotion: Promotion | None,
    terms: Hysteresis,
    newest: Decision | None,
    mode: str,
) -> dict[str, Any]:
    judged = binding.state in {Binding.State.DRY_RUN, Binding.State.LIVE}
    return {
        "binding": binding,
        "spark": None if run is None or run.returns is None else sparkline(run.returns),
        "run_url": "" if run is None else named_url("evaluation.evaluationrun", run.key),
        "latest": getattr(binding, "latest", None),
        "judged": judged,
        "score": "–" if binding.last_score is None else f"{binding.last_score:.4g}",
        "counters": counters(binding.state, binding.consecutive_passes, binding.consecutive_failures, terms),
        "next": next_step(binding, terms, promotion, mode),
        "promotion": promotion,
        "why_url": explained(newest, binding.strategy_id) if judged and binding.last_outcome else "",
    }
