"""The live-monitoring report of a world: a pure function of its policy and of what its live bindings earned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from evaluation.domain.live import LiveWindow, live_windows
from evaluation.domain.reports.standing import STATUSES, LiveBinding, LiveWorld, Standing, standing_of
from evaluation.domain.reports.trends import DIRECTIONS, curve_of, trends_of
from worlds.domain.policy import ruleset_hash
from worlds.domain.ruleset import RULESET_VERSION
from worlds.domain.series import iso

PHRASES = {
    "risk_cut": ("breaches its risk cut", "breach their risk cut"),
    "breached": ("breaches a bound", "breach a bound"),
    "absent": ("has reported nothing", "have reported nothing"),
    "stale": ("is stale", "are stale"),
    "insufficient": ("has too little data", "have too little data"),
    "unbounded": ("is not bounded by the policy", "are not bounded by the policy"),
    "ok": ("meets every bound", "meet every bound"),
}


def live_report(world: LiveWorld, bindings: Sequence[LiveBinding]) -> dict[str, Any]:
    """The document: summary, breached bounds, demotion candidates, and each binding with windows and trends.

    The worst come first, then by id; the order of `bindings` decides nothing. All of them are measured together.
    """
    standings = standings_of(world, bindings)
    rows = [binding_row(world, standing) for standing in standings]
    breaches = [breach_row(world, standing, check) for standing in standings for check in standing.breaches]
    candidates = [row for standing in standings if (row := demotion_row(world, standing)) is not None]
    return {
        "report": "live_monitoring",
        "world_id": world.world_id,
        "as_of": world.as_of,
        "world": {
            "state": world.state,
            "allow_live": world.allow_live,
            "circuit_breaker": world.circuit_breaker,
        },
        "policy": policy_part(world),
        "summary": summary_of(standings, rows, len(breaches), len(candidates)),
        "breaches": breaches,
        "demotion_candidates": candidates,
        "bindings": rows,
    }


def standings_of(world: LiveWorld, bindings: Sequence[LiveBinding]) -> list[Standing]:
    reported = [binding for binding in bindings if has_points(binding)]
    records = [binding.record for binding in reported if binding.record is not None]
    measured = dict(zip(map(id, reported), live_windows(records, world.terms), strict=True))
    found = [standing_of(world, binding, measured.get(id(binding), {})) for binding in bindings]
    return sorted(found, key=lambda each: (STATUSES.index(each.status), each.binding.strategy_id))


def has_points(binding: LiveBinding) -> bool:
    return binding.record is not None and binding.record.times is not None and binding.record.times.size > 0


def policy_part(world: LiveWorld) -> dict[str, Any] | None:
    policy, section = world.policy, world.section
    if policy is None:
        return None
    profile = policy.profile_for("live")
    lag = policy.data_currency.max_lag
    return {
        "version": world.policy_version,
        "ruleset_hash": ruleset_hash(policy, profile.name if profile else None, RULESET_VERSION),
        "live_monitoring": None if section is None else section.model_dump(mode="json"),
        "max_lag": None if lag is None else str(lag),
        "on_missing_metric": policy.effective_on_missing_metric,
    }


# --- one binding --------------------------------------------------------------------------------------------
def binding_row(world: LiveWorld, standing: Standing) -> dict[str, Any]:
    binding, rule = standing.binding, standing.rule
    run_id, sharpe = binding.backtest or (None, None)
    return {
        "strategy_id": binding.strategy_id,
        "owner": binding.owner,
        "live_since": binding.live_since,
        "status": standing.status,
        "problems": list(standing.problems),
        "record": record_part(standing),
        "backtest": {"run_id": run_id, "sharpe": sharpe},
        "newest_run": None if binding.newest_run is None else dict(binding.newest_run),
        "windows": {name: window_part(window) for name, window in standing.windows.items()},
        "trends": trends_of(standing.windows, world.terms.periods_per_year),
        "rule": None
        if rule is None
        else {
            "status": rule.status,
            "severity": rule.severity,
            "owner": rule.owner,
            "mode": rule.mode,
            "reason_code": rule.reason_code,
            "reason": rule.reason,
        },
        "checks": list(standing.checks),
        "risk_cut": standing.cut,
        "consecutive_failures": binding.consecutive_failures,
        "curve": curve_of(binding.record),
    }


def record_part(standing: Standing) -> dict[str, Any] | None:
    """The part of the record that was looked at: at most its last 90 days."""
    if standing.age is None:
        return None
    longest = list(standing.windows.values())[-1]
    return {
        "points": longest.points,
        "first": moment(longest.first),
        "last": moment(longest.last),
        "age_seconds": standing.age / 1000,
        "is_stale": standing.is_stale,
    }


def window_part(window: LiveWindow) -> dict[str, Any]:
    return {
        "from": moment(window.first),
        "to": moment(window.last),
        "points": window.points,
        "expected_points": window.expected_points,
        "is_covered": window.shortfall is None,
        "shortfall": window.shortfall,
        **window.figures,
        "missing": dict(window.missing),
    }


def moment(time: int | None) -> str | None:
    return None if time is None else iso(time)


# --- who should be looked at --------------------------------------------------------------------------------
def breach_row(world: LiveWorld, standing: Standing, check: dict[str, Any]) -> dict[str, Any]:
    section = world.section
    is_cut = check is standing.cut
    return {
        "strategy_id": standing.binding.strategy_id,
        "kind": "risk_cut" if is_cut else "bound",
        **{name: check[name] for name in ("window", "metric", "key", "op", "value", "bound", "margin")},
        "severity": "blocking" if is_cut or section is None else section.severity,
        "mode": "active" if is_cut or section is None else section.mode,
        "reason": check["reason"],
    }


def demotion_row(world: LiveWorld, standing: Standing) -> dict[str, Any] | None:
    """Whom the next decisions may let go, or a person should: None for all others.

    `at_once`: the risk cut is breached, the next evaluation demotes. `counts`: the rule blocks, so that it counts
    as a failure towards `demote_after`. `review`: the policy only warns. A rule in shadow asks for nobody.
    """
    reasons = [check["reason"] for check in standing.breaches]
    urgency = urgency_of(standing)
    if urgency is None:
        return None
    rule = standing.rule
    selection = None if world.policy is None else world.policy.selection
    return {
        "strategy_id": standing.binding.strategy_id,
        "urgency": urgency,
        "reasons": reasons or [rule.reason if rule is not None else ""],
        "consecutive_failures": standing.binding.consecutive_failures,
        "demote_after": None if selection is None else as_written(selection.hysteresis.demote_after),
    }


def urgency_of(standing: Standing) -> str | None:
    if standing.status == "risk_cut":
        return "at_once"
    rule = standing.rule
    if rule is None or rule.mode == "shadow" or rule.status != "fail":
        return None
    if rule.severity == "blocking":
        return "counts"
    return "review" if standing.breaches else None


def as_written(value: Any) -> int | str:
    """A count stays a count, a duration is told as it was written."""
    return value if isinstance(value, int) else str(value)


# --- the whole ----------------------------------------------------------------------------------------------
def summary_of(
    standings: Sequence[Standing], rows: Sequence[dict[str, Any]], breaches: int, candidates: int
) -> dict[str, Any]:
    """`status` is the worst of the bindings, `empty` where nobody is live."""
    counts = Counter(standing.status for standing in standings)
    directions = Counter(row["trends"]["sharpe"]["direction"] for row in rows)
    return {
        "status": standings[0].status if standings else "empty",
        "headline": headline(len(standings), counts),
        "live": len(standings),
        "by_status": {status: counts[status] for status in STATUSES},
        "breaches": breaches,
        "demotion_candidates": candidates,
        "sharpe_trends": {direction: directions[direction] for direction in DIRECTIONS},
    }


def headline(live: int, counts: Counter[str]) -> str:
    """ "12 live strategies: 1 breaches its risk cut, 2 are stale, 9 meet every bound"."""
    if not live:
        return "No strategy is live."
    parts = [f"{counts[name]} {PHRASES[name][counts[name] > 1]}" for name in STATUSES if counts[name]]
    return f"{live} live {'strategy' if live == 1 else 'strategies'}: {', '.join(parts)}."
