"""How one live binding stands: its realised figures against its backtest and the policy's `live_monitoring`.

Fail closed: `ok` is who is measured in every window, currently, and meets every bound. What cannot be told is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from evaluation.domain.live import LiveWindow
from evaluation.domain.record import WEEKEND_DAYS, Record, WorldTerms
from evaluation.domain.rules.data_currency import in_words
from evaluation.domain.rules.live_monitoring import LiveMonitoring, cut_breach, deepest_fall
from evaluation.domain.rules.rule import Bound, Case, Figures, RuleResult, judge_bounds
from worlds.domain.policy import Policy
from worlds.domain.policy.watching import LiveMonitoring as LiveSection

STATUSES = ("risk_cut", "breached", "absent", "stale", "insufficient", "unbounded", "ok")
"""From what matters most to what needs nobody."""
DEFAULT_LAG = timedelta(days=WEEKEND_DAYS)
"""Where the policy has no `max_lag`: an older record says nothing of the last 30 days."""


@dataclass(frozen=True)
class LiveWorld:
    """The world that is reported on. `policy` None: it has no active one, so that nothing is bounded."""

    world_id: str
    state: str
    allow_live: bool
    circuit_breaker: bool
    terms: WorldTerms
    as_of: datetime
    policy: Policy | None = None
    policy_version: int | None = None

    @property
    def section(self) -> LiveSection | None:
        return None if self.policy is None else self.policy.live_monitoring

    @property
    def max_lag(self) -> timedelta:
        stated = None if self.policy is None else self.policy.data_currency.max_lag
        return DEFAULT_LAG if stated is None else stated.delta


@dataclass(frozen=True)
class LiveBinding:
    """A live binding and what is known of it.

    `record`: its realised performance of this stay, at least of the last 90 days; None: nothing was reported.
    `backtest`: run id and Sharpe of its newest evaluated backtest. `newest_run`: `{run_id, stage, verdict,
    evaluated_at}` of the run that was judged last.
    """

    strategy_id: str
    owner: str
    live_since: datetime
    consecutive_failures: int = 0
    record: Record | None = None
    backtest: tuple[str, float | None] | None = None
    newest_run: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Standing:
    """What the report says of one binding. `age`: milliseconds since its newest point; None: it has no points."""

    binding: LiveBinding
    windows: Mapping[str, LiveWindow]
    status: str
    problems: tuple[str, ...]
    age: int | None
    is_stale: bool
    rule: RuleResult | None
    checks: tuple[dict[str, Any], ...]
    cut: dict[str, Any] | None

    @property
    def breaches(self) -> list[dict[str, Any]]:
        """The bounds that are missed, and the risk cut where that is breached."""
        missed = [check for check in self.checks if check["status"] == "fail"]
        return [*([self.cut] if self.cut is not None and self.cut["status"] == "fail" else []), *missed]


def standing_of(world: LiveWorld, binding: LiveBinding, windows: Mapping[str, LiveWindow]) -> Standing:
    """`windows`: of its record, empty where it has none."""
    figures = {f"live.{w}.{name}": v for w, found in windows.items() for name, v in found.figures.items()}
    missing = {f"live.{w}.{name}": why for w, found in windows.items() for name, why in found.missing.items()}
    age = age_of(binding, world.as_of)
    is_stale = age is not None and age > milliseconds(world.max_lag)
    rule = judged(world, figures, missing)
    checks = checks_of(rule, windows)
    cut = cut_of(world.section, figures)
    lacking = lacking_words(world.section, windows, checks)
    status = status_of(
        is_cut=cut is not None and cut["status"] == "fail",
        is_breached=any(check["status"] == "fail" for check in checks),
        is_absent=not windows,
        is_stale=is_stale,
        is_lacking=bool(lacking),
        is_bounded=bool(checks) or cut is not None,
    )
    standing = Standing(binding, windows, status, (), age, is_stale, rule, checks, cut)
    missed = [str(check["reason"]) for check in standing.breaches]
    return replace(standing, problems=(*missed, *data_words(world, standing), *lacking))


def age_of(binding: LiveBinding, as_of: datetime) -> int | None:
    record = binding.record
    if record is None or record.times is None or not record.times.size:
        return None
    # A runner's clock may be a little ahead.
    return max(0, round(as_of.timestamp() * 1000) - int(record.times[-1]))


def judged(world: LiveWorld, figures: Figures, missing: Mapping[str, str]) -> RuleResult | None:
    """What the rule of decisions says of these figures; None where the policy has no such bounds."""
    section, rule = world.section, LiveMonitoring()
    if section is None or world.policy is None or not (bounds := rule.bounds(section)):
        return None
    case = Case("live", figures, missing or dict.fromkeys(metrics_of(bounds), "nothing was reported"))
    return judge_bounds(
        rule.name, bounds, case, section=section, on_missing=world.policy.effective_on_missing_metric
    )


def metrics_of(bounds: list[Bound]) -> list[str]:
    return [bound.metric for bound in bounds]


def checks_of(rule: RuleResult | None, windows: Mapping[str, LiveWindow]) -> tuple[dict[str, Any], ...]:
    """The bounds one by one. A bound that is met within a window that the record does not cover is no `pass`."""
    found = []
    for check in () if rule is None else rule.details["checks"]:
        name = check["metric"].split(".")[1]
        window = windows.get(name)
        is_uncovered = check["status"] == "pass" and window is not None and window.shortfall is not None
        found.append({**check, "window": name, "status": "insufficient" if is_uncovered else check["status"]})
    return tuple(found)


def cut_of(section: LiveSection | None, figures: Figures) -> dict[str, Any] | None:
    """The risk cut as a check; None where the policy has none."""
    bound = None if section is None else section.risk_cut.max_drawdown_min
    if section is None or bound is None:
        return None
    value, metric = deepest_fall(section, figures) or (None, "live.max_drawdown")
    breach = cut_breach(section, figures)
    status = "missing" if value is None else "fail" if breach is not None else "pass"
    return {
        "metric": metric,
        "key": "risk_cut.max_drawdown_min",
        "op": ">=",
        "value": value,
        "bound": bound,
        "margin": None if value is None else value - bound,
        "status": status,
        "reason": breach or ("no drawdown is known" if value is None else "above the risk cut"),
        "window": metric.split(".")[1] if metric.count(".") == 2 else None,
    }


def status_of(
    *, is_cut: bool, is_breached: bool, is_absent: bool, is_stale: bool, is_lacking: bool, is_bounded: bool
) -> str:
    """The first of `STATUSES` that holds."""
    holds = (is_cut, is_breached, is_absent, is_stale, is_bounded and is_lacking, not is_bounded, True)
    return next(status for status, held in zip(STATUSES, holds, strict=True) if held)


# --- in words -----------------------------------------------------------------------------------------------
def data_words(world: LiveWorld, standing: Standing) -> list[str]:
    if standing.age is None:
        since = f"{standing.binding.live_since:%Y-%m-%d}"
        return [f"it has reported no live performance since it went live on {since}"]
    if not standing.is_stale:
        return []
    stated = None if world.policy is None else world.policy.data_currency.max_lag
    allowed = (
        f"at most {stated} is allowed"
        if stated is not None
        else f"more than {WEEKEND_DAYS} days, and the policy has no max_lag"
    )
    return [f"stale: its newest point is {in_words(standing.age)} old, {allowed}"]


def lacking_words(
    section: LiveSection | None, windows: Mapping[str, LiveWindow], checks: tuple[dict[str, Any], ...]
) -> list[str]:
    """Windows of the policy that the record does not cover, and figures that a bound asks for and that are missing."""
    asked = () if section is None else section.windows
    short = [f"{days}d: {why}" for days in asked if (w := windows.get(f"{days}d")) and (why := w.shortfall)]
    absent = [check["reason"] for check in checks if check["status"] == "missing"] if windows else []
    return [*short, *absent]


def milliseconds(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)
