"""A policy impact as a page to read: what a reviewer sees in a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evaluation.domain.policy_diff.moves import RISK

MOST_ROWS = 50
Lines = list[str]


def to_markdown(impact: Mapping[str, Any]) -> str:
    """The document of an impact; the parts that were not asked for are absent."""
    lines = ["# Policy impact", "", heading(impact), "", f"**Impact ratio {share(impact['impact_ratio'])}**"]
    if (runs := impact.get("runs")) is not None:
        lines += runs_part(runs, impact["days"])
    if (scenarios := impact.get("scenarios")) is not None:
        lines += scenarios_part(scenarios)
    if (bindings := impact.get("bindings")) is not None:
        lines += bindings_part(bindings)
    return "\n".join(lines) + "\n"


def heading(impact: Mapping[str, Any]) -> str:
    policy = impact["policy"]
    old = "no active policy" if policy["old"] is None else called(policy["old"])
    where = f"World `{impact['world_id']}`: " if impact.get("world_id") else ""
    return f"{where}{called(policy['new'])} instead of {old}."


def called(policy: int | str) -> str:
    return f"version {policy}" if isinstance(policy, int) else f"`{policy}`"


def runs_part(runs: Mapping[str, Any], days: int) -> Lines:
    cut = " (the newest ones only)" if runs.get("is_cut") else ""
    return [
        *("", f"## Stored runs of the last {days} days", ""),
        f"{runs['runs']} runs{cut}, {summary(runs)}.",
        *counts_table("verdict", runs["verdicts"]),
        *counts_table("recommended stage", runs["recommended_stages"]),
        *counts_table("reason", differing(runs["reasons"])),
        *changes_table(runs, ("strategy_id", "run_id", "stage")),
    ]


def scenarios_part(scenarios: Mapping[str, Any]) -> Lines:
    lines = ["", "## Scenarios", ""]
    columns = ("set", "runs", "pass or warn", "inconclusive", "fail", "change", "misjudged")
    lines += table(columns, [set_row(name, part) for name, part in scenarios["sets"].items()])
    parts = scenarios["sets"].values()
    whole = {
        "changes": [change for part in parts for change in part["changes"]],
        "changes_omitted": sum(part["changes_omitted"] for part in parts),
    }
    return lines + changes_table(whole, ("set", "scenario", "stage"))


def set_row(name: str, part: Mapping[str, Any]) -> Sequence[str]:
    verdicts, misjudged = part["verdicts"], part["misjudged"]
    passing = {side: verdicts["pass"][side] + verdicts["warn"][side] for side in ("old", "new")}
    return (
        name,
        str(part["runs"]),
        *(arrow(pair) for pair in (passing, verdicts["inconclusive"], verdicts["fail"])),
        share(part["impact_ratio"]),
        ", ".join(misjudged["new"]) or "none",
    )


def bindings_part(bindings: Mapping[str, Any]) -> Lines:
    lines = ["", "## Bindings at the next evaluation that counts", ""]
    sides = bindings["old"], bindings["new"]
    rows = [(name, *(names(side[name]) for side in sides)) for name in ("promote", "demote", "live")]
    lines += table(("", "old", "new"), [*rows, ("hold", *(str(len(side["hold"])) for side in sides))])
    lines += risk_table(bindings["portfolio_risk"])
    changes = [
        (
            c["strategy_id"],
            c["state"],
            c["old"]["outcome"],
            c["new"]["outcome"],
            "; ".join(c["new"]["reasons"]),
        )
        for c in bindings["changes"]
    ]
    return lines + listed(("strategy", "state", "old", "new", "why"), changes)


def risk_table(risk: Mapping[str, Any]) -> Lines:
    sides = ("old", "new", "change")
    rows = [(name, *(figure(risk[side], name) for side in sides)) for name in RISK]
    lines = ["", *table(("portfolio", *sides), rows)]
    told = f"Over {risk['points']} common points." if risk["reason"] is None else f"{risk['reason']}."
    return [*lines, "", told[:1].upper() + told[1:]]


def figure(figures: Mapping[str, float] | None, name: str) -> str:
    return "unknown" if figures is None else f"{figures[name]:.4f}"


def summary(part: Mapping[str, Any]) -> str:
    changed = part["changed"]
    return (
        f"{changed['impacted']} change ({share(part['impact_ratio'])}): "
        f"{changed['verdict']} verdicts, {changed['recommended_stage']} recommended stages; "
        f"{changed['reasons']} have other reasons"
    )


def counts_table(called: str, counts: Mapping[str, Mapping[str, int]]) -> Lines:
    rows = [(name, str(pair["old"]), str(pair["new"])) for name, pair in counts.items() if any(pair.values())]
    return ["", *table((called, "old", "new"), rows)] if rows else []


def differing(counts: Mapping[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    return {name: pair for name, pair in counts.items() if pair["old"] != pair["new"]}


def changes_table(part: Mapping[str, Any], identity: Sequence[str]) -> Lines:
    rows = [
        (
            *(str(change[name]) for name in identity),
            *(f"{change[side]['verdict']}, {change[side]['recommended_stage']}" for side in ("old", "new")),
            ", ".join(change["new"]["reasons"]) or "none",
        )
        for change in part["changes"]
    ]
    heads = [name.removesuffix("_id") for name in identity]
    return listed((*heads, "old", "new", "new reasons"), rows, omitted=part["changes_omitted"])


def listed(columns: Sequence[str], rows: Sequence[Sequence[str]], *, omitted: int = 0) -> Lines:
    """A table of the first rows, and how many more there are."""
    if not rows:
        return []
    more = len(rows) - MOST_ROWS + omitted if len(rows) > MOST_ROWS else omitted
    return ["", *table(columns, rows[:MOST_ROWS]), *(["", f"... and {more} more."] if more else [])]


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Lines:
    return [line(columns), line(["---"] * len(columns)), *(line(row) for row in rows)]


def line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def names(found: Sequence[str]) -> str:
    shown = ", ".join(found[:MOST_ROWS])
    return f"{shown} and {len(found) - MOST_ROWS} more" if len(found) > MOST_ROWS else shown or "nobody"


def arrow(pair: Mapping[str, int]) -> str:
    return str(pair["new"]) if pair["old"] == pair["new"] else f"{pair['old']} -> {pair['new']}"


def share(ratio: float) -> str:
    return f"{100 * ratio:.1f} %"
