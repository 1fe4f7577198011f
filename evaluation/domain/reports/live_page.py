"""The live-monitoring report as a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.domain.reports.page import (
    MISSING,
    Block,
    Cell,
    Code,
    Curve,
    Facts,
    Page,
    Section,
    Table,
    Text,
    Word,
    figure,
    status,
    words,
)

Report = Mapping[str, Any]
URGENCIES = {
    "at_once": "at once: the next evaluation demotes it",
    "counts": "counts as a failure: {failures} in a row so far, demoted after {needed}",
    "review": "the policy only warns: a person should look",
}
ARROWS = {"rising": "↗ rising", "falling": "↘ falling", "steady": "→ steady", "unknown": "unknown"}


def live_page(report: Report) -> Page:
    summary = report["summary"]
    sections = [
        Section("Summary", [summary_facts(report)]),
        Section("Breached bounds", breaches_part(report)),
        Section("Candidates for demotion", candidates_part(report)),
    ]
    if bindings := report["bindings"]:
        sections += [
            Section("Live strategies", [standings_table(bindings), Text(COLUMNS)]),
            Section("Last 30, 60 and 90 days", [windows_table(bindings), Text(DECAY)]),
        ]
    title = f"Live monitoring of {report['world_id']}"
    return Page(title, status(summary["status"]), summary["headline"], sections)


COLUMNS = (
    "Sharpe trend: the last 30 days against the last 90; a change within one standard error is steady. "
    "The curve shows what became of one unit over the last 90 days."
)
DECAY = (
    "Decay is the live Sharpe as a share of the backtest's. A window that the record does not cover says so: its "
    "figures are those of fewer days, and meeting a bound in it proves nothing."
)


def summary_facts(report: Report) -> Facts:
    summary, world, policy = report["summary"], report["world"], report["policy"]
    held = [world["state"]]
    held += [] if world["allow_live"] else ["live trading is not allowed"]
    held += ["the circuit breaker is engaged"] if world["circuit_breaker"] else []
    return Facts(
        [
            ("As of", words(report["as_of"])),
            ("World", f"{report['world_id']}: {', '.join(held)}"),
            ("Policy", "no active policy" if policy is None else f"version {policy['version']}"),
            ("Rule set hash", MISSING if policy is None else Code(policy["ruleset_hash"])),
            ("Bounds", bounds_words(policy)),
            ("Live strategies", words(summary["live"])),
            ("Breached bounds", words(summary["breaches"])),
            ("Candidates for demotion", words(summary["demotion_candidates"])),
            ("Sharpe trends", counts(summary["sharpe_trends"])),
        ]
    )


def counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in found.items() if count) or MISSING


def bounds_words(policy: Mapping[str, Any] | None) -> str:
    section = None if policy is None else policy["live_monitoring"]
    if policy is None or section is None:
        return "the policy has no live_monitoring: nothing is bounded"
    set_bounds = [
        f"{name} {section[name]:g}"
        for name in ("sharpe_min", "max_drawdown_min", "decay_min")
        if section[name] is not None
    ]
    cut = section["risk_cut"]["max_drawdown_min"]
    set_bounds += [] if cut is None else [f"risk cut at a drawdown of {cut:g}"]
    if not set_bounds:
        return "the policy's live_monitoring sets none: nothing is bounded"
    windows = ", ".join(map(str, section["windows"]))
    how = section["severity"] + ("" if section["mode"] == "active" else f", {section['mode']}")
    return f"{', '.join(set_bounds)} over {windows} days ({how})"


def breaches_part(report: Report) -> list[Block]:
    if not report["breaches"]:
        return [Text(no_breach(report["summary"]))]
    rows = [
        (
            row["strategy_id"],
            Word("risk cut", "bad") if row["kind"] == "risk_cut" else Word("bound", "warn"),
            words(row["window"]),
            row["metric"].rpartition(".")[2],
            figure(row["value"], row["metric"]),
            figure(row["bound"], row["metric"]),
            figure(row["margin"], row["metric"]),
            row["severity"] + ("" if row["mode"] == "active" else f", {row['mode']}"),
        )
        for row in report["breaches"]
    ]
    columns = ("Strategy", "What", "Window", "Metric", "Value", "Bound", "Margin", "Severity")
    return [Table(columns, rows, frozenset({4, 5, 6}))]


def no_breach(summary: Mapping[str, Any]) -> str:
    """No breach is only good news of those that were measured and bounded."""
    known = summary["by_status"]["ok"]
    if known == summary["live"]:
        return "None."
    return f"None is known. Of {summary['live']} live, {known} could be told to be ok."


def candidates_part(report: Report) -> list[Block]:
    rows = report["demotion_candidates"]
    if not rows:
        return [Text("None.")]
    missed = bounds_by_strategy(report["breaches"])
    told = [
        (
            row["strategy_id"],
            status(row["urgency"]),
            URGENCIES[row["urgency"]].format(
                failures=row["consecutive_failures"], needed=words(row["demote_after"])
            ),
            missed.get(row["strategy_id"]) or "; ".join(row["reasons"]),
        )
        for row in rows
    ]
    return [Table(("Strategy", "Urgency", "What follows", "Why"), told)]


def bounds_by_strategy(breaches: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By strategy, which bounds it misses and in which windows: "risk cut (90d), sharpe_min (30d, 60d)"."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in breaches:
        name = "risk cut" if row["kind"] == "risk_cut" else row["key"].partition(" ")[0]
        found[row["strategy_id"]][name].append(words(row["window"]))
    return {
        strategy: ", ".join(f"{name} ({', '.join(windows)})" for name, windows in missed.items())
        for strategy, missed in found.items()
    }


def standings_table(bindings: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        (
            row["strategy_id"],
            status(row["status"]),
            row["owner"],
            newest(row["record"]),
            figure(row["backtest"]["sharpe"], "returns.sharpe"),
            ARROWS[row["trends"]["sharpe"]["direction"]],
            Curve(row["curve"]) if len(row["curve"]) > 1 else MISSING,
            wrong(row),
        )
        for row in bindings
    ]
    columns = (
        "Strategy", "Status", "Owner", "Newest point", "Backtest Sharpe", "Sharpe trend", "90 days", "What is wrong",
    )  # fmt: skip
    return Table(columns, rows, frozenset({4}))


def wrong(row: Mapping[str, Any]) -> str:
    """What is wrong in few words: which bounds are missed stands above."""
    missed = [check for check in row["checks"] if check["status"] == "fail"]
    is_cut = row["risk_cut"] is not None and row["risk_cut"]["status"] == "fail"
    told = ["below its risk cut"] if is_cut else []
    told += [f"{len(missed)} of {len(row['checks'])} bounds missed"] if missed else []
    return "; ".join([*told, *row["problems"][len(missed) + is_cut :]]) or MISSING


def newest(record: Mapping[str, Any] | None) -> str:
    return MISSING if record is None else words(record["last"])[:10]


def windows_table(bindings: Sequence[Mapping[str, Any]]) -> Table:
    rows: list[Sequence[Cell]] = []
    for row in bindings:
        rows += [
            (
                row["strategy_id"],
                name,
                *(figure(window[figured], f"live.{name}.{figured}") for figured in FIGURES),
                "covered" if window["is_covered"] else Word(window["shortfall"], "warn"),
            )
            for name, window in row["windows"].items()
        ] or [(row["strategy_id"], MISSING, *[MISSING] * len(FIGURES), Word("nothing was reported", "warn"))]
    columns = ("Strategy", "Window", "Sharpe", "Max drawdown", "Volatility", "ES 5 %", "Decay", "Record")
    return Table(columns, rows, frozenset({2, 3, 4, 5, 6}))


FIGURES = ("sharpe", "max_drawdown", "volatility", "es_p05", "decay")
