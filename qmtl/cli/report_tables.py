"""Reports to look at, in 80 columns: what matters of them; all of it is in `--as md` and `--as html`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qmtl.cli.tables import cell, entries, facts, heading, paragraph, table

if TYPE_CHECKING:
    from rich.console import Console

    from qmtl.client.documents import LiveReport, ValidationReport

Row = Mapping[str, Any]
BOUNDS = ("sharpe_min", "max_drawdown_min", "decay_min")
FIGURES = ("sharpe", "max_drawdown", "volatility", "es_p05", "decay")
URGENCY = {
    "at_once": "at once: the next evaluation demotes it",
    "counts": "counts as a failure: {failures} so far, out after {needed}",
    "review": "the policy only warns: look at it",
}


# --- of a run -----------------------------------------------------------------------------------------------
def show_validation(out: Console, report: ValidationReport) -> None:
    paragraph(out, str(report.verdict.get("headline", "")))
    out.print()
    facts(out, identity_of(report))
    show_rules(out, report.rules)
    heading(out, "Where the evidence ends")
    for line in limit_lines(report.limits) or ["(nothing is missing)"]:
        paragraph(out, line)
    heading(out, "Evidence")
    facts(out, evidence_of(report))
    heading(out, "History after the verdict")
    rows = [
        ((row.get("revision"), row.get("kind"), row.get("author")), (row.get("document"),))
        for row in report.revisions
    ]
    entries(out, ("", "kind", "by"), rows, empty="nothing was appended")


def identity_of(report: ValidationReport) -> dict[str, Any]:
    run, policy, verdict = report.run, report.policy, report.verdict
    return {
        "world": report.world_id,
        "strategy": report.strategy_id,
        "run": report.run_id,
        "stage": run.get("stage"),
        "status": run.get("status"),
        "verdict": verdict.get("status"),
        "gating": verdict.get("gating"),
        "recommended": verdict.get("recommended_stage"),
        "policy": policy_words(policy),
        "rule set": policy.get("ruleset_hash"),
        "submitted by": run.get("submitted_by"),
        "judged": moment(run.get("evaluated_at")),
        "model card": run.get("model_card_version"),
        "data": run.get("dataset_fingerprint"),
        "code": run.get("code_hash"),
        "error": report.error,
    }


def moment(text: Any) -> Any:
    """A time as all tables show it."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return text


def policy_words(policy: Row) -> str:
    if policy.get("version") is None:
        return "none was active"
    profile = policy.get("profile")
    return f"version {policy['version']}" + (f", profile {profile}" if profile else "")


def show_rules(out: Console, rules: Sequence[Row]) -> None:
    heading(out, "Rules")
    rows = [
        (
            rule.get("rule"),
            rule.get("status"),
            rule.get("severity"),
            rule.get("owner"),
            None if rule.get("mode") == "active" else rule.get("mode"),
        )
        for rule in rules
    ]
    table(out, ("rule", "result", "severity", "owner", "mode"), rows, empty="no rule is about it")
    checks = [
        (
            check.get("metric"),
            check.get("value"),
            bound_words(check),
            check.get("margin"),
            check.get("status"),
        )
        for rule in rules
        for check in rule.get("checks") or ()
    ]
    if checks:
        out.print()
        table(out, ("metric", "value", "bound", "margin", "result"), checks)
    told = [f"- {rule['rule']}: {rule.get('reason')}" for rule in rules if rule.get("status") != "pass"]
    if told:
        out.print()
    for line in told:
        paragraph(out, line)


def bound_words(check: Row) -> str:
    return f"{check.get('op') or ''} {cell(check.get('bound'))}".strip()


def limit_lines(limits: Sequence[Row]) -> list[str]:
    """One line each; metrics that are missing for the same reason share one."""
    missing: dict[str, list[str]] = defaultdict(list)
    lines = []
    for limit in limits:
        if limit.get("kind") == "missing_metric":
            missing[str(limit.get("words"))].append(str(limit.get("subject")))
        else:
            lines.append(f"- {cell(limit.get('subject'))}: {limit.get('words')}")
    return lines + [f"- missing, {reason}: {', '.join(names)}" for reason, names in missing.items()]


def evidence_of(report: ValidationReport) -> dict[str, Any]:
    evidence = report.evidence
    returns, snapshot = evidence.get("returns") or {}, evidence.get("snapshot") or {}
    return {
        "returns": returns.get("source"),
        "window": str(returns.get("window") or "").replace("/", " to "),
        "points": returns.get("sample_count"),
        "snapshot": snapshot.get("snapshot_id"),
        "snapshot hash": snapshot.get("sha256"),
        "metrics hash": (evidence.get("metrics") or {}).get("sha256"),
    }


# --- of live strategies -------------------------------------------------------------------------------------
def show_live(out: Console, report: LiveReport) -> None:
    paragraph(out, report.summary.headline)
    out.print()
    facts(
        out,
        {
            "world": f"{report.world_id}, {report.world.get('state', '')}",
            "as of": report.as_of,
            "policy": "no active one" if report.policy is None else f"version {report.policy.get('version')}",
            "bounds": bounds_of(report.policy),
            "Sharpe trends": {name: count for name, count in report.summary.sharpe_trends.items() if count},
        },
    )
    if not report.bindings:
        return
    heading(out, "Last 30, 60 and 90 days")
    columns = ("strategy", "status", "days", "sharpe", "max dd", "vol", "es 5%", "decay")
    table(out, columns, [row for binding in report.bindings for row in window_rows(binding)])
    show_problems(out, report.bindings)
    show_candidates(out, report.demotion_candidates)


def bounds_of(policy: Row | None) -> str:
    section = (policy or {}).get("live_monitoring")
    if not section:
        return "none: the policy has no live_monitoring"
    told = [f"{name} {section[name]:g}" for name in BOUNDS if section.get(name) is not None]
    cut = (section.get("risk_cut") or {}).get("max_drawdown_min")
    told += [] if cut is None else [f"risk cut at drawdown {cut:g}"]
    return f"{', '.join(told) or 'none is set'} ({section.get('severity')})"


def window_rows(binding: Row) -> Iterator[tuple[Any, ...]]:
    """One per window; `~` stands by the days of one that the record does not cover."""
    named = (binding.get("strategy_id"), binding.get("status"))
    windows: Mapping[str, Row] = binding.get("windows") or {}
    for name, window in windows.items():
        days = name.removesuffix("d") + ("" if window.get("is_covered") else "~")
        yield (*named, days, *(window.get(figure) for figure in FIGURES))
    if not windows:
        yield (*named, None, *[None] * len(FIGURES))


def show_problems(out: Console, bindings: Sequence[Row]) -> None:
    told = [binding for binding in bindings if binding.get("problems")]
    if any(not window["is_covered"] for row in bindings for window in (row.get("windows") or {}).values()):
        out.print()
        paragraph(out, "~ the record does not cover the window: figures of fewer days, which prove nothing.")
    if not told:
        return
    heading(out, "What is wrong")
    for binding in told:
        paragraph(out, f"- {binding.get('strategy_id')}: {'; '.join(binding['problems'])}")


def show_candidates(out: Console, rows: Sequence[Row]) -> None:
    if not rows:
        return
    heading(out, "Candidates for demotion")
    for row in rows:
        words = URGENCY.get(str(row.get("urgency")), str(row.get("urgency")))
        follows = words.format(failures=row.get("consecutive_failures"), needed=row.get("demote_after"))
        paragraph(out, f"- {row.get('strategy_id')}: {follows}")
