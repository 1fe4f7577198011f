"""Policy impact: what a version of a policy would change, before it is published. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.utils import timezone

from evaluation.domain.decision import Decision, decide
from evaluation.domain.policy_diff import (
    Comparison,
    Scenario,
    as_if_counted,
    compare_decisions,
    judge_many,
    reads_series,
    try_scenarios,
)
from evaluation.domain.record import WorldTerms
from evaluation.selectors.scenarios import scenarios_named
from evaluation.services.candidates import Loaded, load_candidates, needs_backtest, situation_of
from evaluation.services.judged_runs import judged_keys, judged_runs
from evaluation.services.loading import world_terms
from worlds.domain.policy import Policy, checksum
from worlds.models import World
from worlds.selectors import ActivePolicy, active_policy, compiled, get_policy, get_world, paused_total

log = structlog.get_logger(__name__)

MOST_RUNS = 100_000
"""Of a world with more, the newest are judged; the answer says so."""

UNKEPT = 0
"""Stands for the version of a policy that has none yet; the first that is kept has 1."""


def policy_impact(
    *, world_id: str, version: int, days: int = 90, scenarios: Sequence[str] | None = None
) -> dict[str, Any]:
    """The version against the active policy: over stored runs of the last days, bindings, and scenario sets.

    Without an active policy everything was inconclusive and nobody moved. NotFound for an unknown version,
    Invalid for an unknown set. `impact_ratio` is the larger one of runs and scenarios.
    """
    labelled = scenarios_named(scenarios or [])
    world = get_world(world_id)
    return impact_in(world, stored_policy(world_id, version), days=days, scenarios=labelled)


def text_impact(*, world_id: str, policy: Policy, days: int = 90) -> dict[str, Any]:
    """The same of a policy that is not kept yet: the one that somebody is writing."""
    return impact_in(get_world(world_id), ActivePolicy(UNKEPT, checksum(policy), policy), days=days)


def impact_in(
    world: World, new: ActivePolicy, *, days: int, scenarios: Sequence[Scenario] = ()
) -> dict[str, Any]:
    now = timezone.now()
    old, terms = active_policy(world.id), world_terms(world)
    runs = impact_on_runs(world, old, new, terms, since=now - timedelta(days=days), until=now)
    impact = {
        "world_id": world.id,
        "as_of": now,
        "days": days,
        "policy": {"old": old.version if old else None, "new": new.version},
        "runs": runs,
        "bindings": impact_on_bindings(world, old, new, terms, now),
        "scenarios": try_scenarios(scenarios, policy_of(old), new.policy) if scenarios else None,
    }
    log.info("policy.impact", world_id=world.id, version=new.version, runs=runs["runs"])
    return with_ratio(impact)


def compare_policies(
    *, old: Policy, new: Policy, names: Mapping[str, str], scenarios: Sequence[str]
) -> dict[str, Any]:
    """Two policies without a world, over scenario sets: for those who keep policies in files."""
    labelled = scenarios_named(scenarios)
    return with_ratio({"policy": dict(names), "scenarios": try_scenarios(labelled, old, new)})


def with_ratio(impact: dict[str, Any]) -> dict[str, Any]:
    """The largest ratio of the parts: many untouched runs must not hide that all known bad ones would pass."""
    parts = [part for name in ("runs", "scenarios") if (part := impact.get(name)) is not None]
    return {"impact_ratio": max(part["impact_ratio"] for part in parts), **impact}


def policy_of(version: ActivePolicy | None) -> Policy | None:
    return None if version is None else version.policy


def stored_policy(world_id: str, version: int) -> ActivePolicy:
    """Any version, as if it were the active one."""
    text = get_policy(world_id, version).text
    return ActivePolicy(version, text.checksum, compiled(text.pk, text.checksum))


def impact_on_runs(
    world: World,
    old: ActivePolicy | None,
    new: ActivePolicy,
    terms: WorldTerms,
    *,
    since: datetime,
    until: datetime,
) -> dict[str, Any]:
    keys = judged_keys(world.id, since=since, until=until, most=MOST_RUNS + 1)
    policies = policy_of(old), new.policy
    comparison = Comparison()
    for runs in judged_runs(keys[:MOST_RUNS], with_series=any(map(reads_series, policies))):
        before, after = (judge_many(runs, policy, terms) for policy in policies)
        comparison.add(runs, before, after)
    return {**comparison.document(), "is_cut": len(keys) > MOST_RUNS}


def impact_on_bindings(
    world: World, old: ActivePolicy | None, new: ActivePolicy, terms: WorldTerms, now: datetime
) -> dict[str, Any]:
    """The evidence is read once: the backtests too, where either policy holds results against them."""
    asking = old if old is not None and needs_backtest(old) else new
    loaded = load_candidates(world, asking, now=now, paused=paused_total(world, now))
    before = None if old is None else next_decision(world, old, loaded, terms, now)
    return compare_decisions(before, next_decision(world, new, loaded, terms, now))


def next_decision(
    world: World, policy: ActivePolicy, loaded: Loaded, terms: WorldTerms, now: datetime
) -> Decision:
    situation = situation_of(world, policy, terms, now=now, slot=None)
    return decide(*as_if_counted(situation, loaded.candidates))
