"""What the pages of decisions, ladders and promotions read: a constant number of statements each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from django.db.models import QuerySet

from evaluation.models import Decision, EvaluationRun, Promotion
from strategies.models import Binding
from worlds.domain.policy import Policy
from worlds.models import PolicyVersion
from worlds.selectors import compiled


def listed_decisions() -> QuerySet[Decision]:
    """Without their documents, which are long."""
    return Decision.objects.select_related("world").defer("document")


def listed_promotions() -> QuerySet[Promotion]:
    related = ("world", "strategy", "strategy__owner", "decision", "decided_by")
    return Promotion.objects.select_related(*related).defer("decision__document")


def newest_decision(world_id: str) -> Decision | None:
    return listed_decisions().filter(world_id=world_id).order_by("-number").first()


def policy_of(decision: Decision) -> tuple[PolicyVersion, Policy] | None:
    """The version that decided, and what it says."""
    rows = PolicyVersion.objects.select_related("text", "world")
    found = rows.filter(world_id=decision.world_id, version=decision.policy_version).first()
    return None if found is None else (found, compiled(found.pk, found.text.checksum))


def binding_keys(world_id: str, strategies: Iterable[str]) -> dict[str, int]:
    """Keys of bindings by strategy."""
    rows = Binding.objects.filter(world_id=world_id, strategy_id__in=list(strategies))
    return dict(rows.values_list("strategy_id", "pk"))


def run_keys(world_id: str, runs: Mapping[str, str]) -> dict[str, int]:
    """Keys of runs by strategy; `runs`: the id of one run for each strategy."""
    rows = EvaluationRun.objects.filter(
        world_id=world_id, strategy_id__in=list(runs), run_id__in=set(runs.values())
    )
    found = rows.values_list("strategy_id", "run_id", "pk")
    return {strategy: key for strategy, run_id, key in found if runs[strategy] == run_id}


def keys_of_runs(world_id: str, runs: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Keys of runs by (strategy, run id), several of one strategy among them."""
    rows = EvaluationRun.objects.filter(
        world_id=world_id,
        strategy_id__in={strategy for strategy, _ in runs},
        run_id__in={run_id for _, run_id in runs},
    )
    found = rows.values_list("strategy_id", "run_id", "pk")
    wanted = set(runs)
    return {(strategy, run_id): key for strategy, run_id, key in found if (strategy, run_id) in wanted}


def pending_promotions(world_id: str) -> dict[str, Promotion]:
    """What waits for a person, and what waits for the apply after him, by strategy."""
    rows = Promotion.objects.filter(world_id=world_id, state__in=["pending", "approved"])
    return {row.strategy_id: row for row in rows}
