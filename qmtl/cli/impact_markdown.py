"""A comparison of policies as a page to read in a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MOST_ROWS = 50


def to_markdown(found: Mapping[str, Any]) -> str:
    policy, runs, scenarios = found["policy"], found["runs"], found["scenarios"]
    lines = [
        "# Policy diff",
        "",
        f"`{policy['new']}` instead of `{policy['old']}`.",
        "",
        f"**Impact ratio {found['impact_ratio']:.1%}**",
        "",
        f"## Runs: {runs['runs']}, of which {runs['changed']['impacted']} change",
    ]
    if found["lacks_series"]:
        lines += [
            "",
            "Gates ask for figures of the returns themselves, which stored runs lack: they were unknown.",
        ]
    counts = [
        (name, pair["old"], pair["new"]) for name, pair in runs["verdicts"].items() if any(pair.values())
    ]
    lines += table(("verdict", "old", "new"), counts)
    lines += table(
        ("run", "old", "new", "because"), [change_row(each) for each in runs["changes"][:MOST_ROWS]]
    )
    more = len(runs["changes"][MOST_ROWS:]) + runs["changes_omitted"]
    if more:
        lines += ["", f"... and {more} more."]
    if scenarios is not None:
        lines += ["", f"## Scenarios: {scenarios['runs']}"]
        rows = [
            (name, part["runs"], f"{part['impact_ratio']:.1%}", ", ".join(part["misjudged"]["new"]) or "none")
            for name, part in scenarios["sets"].items()
        ]
        lines += table(("set", "runs", "change", "misjudged by the new one"), rows)
    return "\n".join(lines) + "\n"


def change_row(change: Mapping[str, Any]) -> Sequence[str]:
    sides = [f"{change[side]['verdict']}, {change[side]['recommended_stage']}" for side in ("old", "new")]
    return (
        f"{change['strategy_id']}/{change['run_id']}",
        *sides,
        ", ".join(change["new"]["reasons"]) or "none",
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    found = [row(cells) for cells in rows]
    return ["", row(columns), row(["---"] * len(columns)), *found] if found else []


def row(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
