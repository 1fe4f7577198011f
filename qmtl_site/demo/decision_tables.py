"""Decisions on the console, 80 columns wide: the walk's moves, a funnel, why each strategy is where it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from qmtl_site.demo.walk import Step

TIGHT = (0, 1, 0, 0)
COLORS = {"promote": "green", "demote": "red"}
FUNNEL = ("candidates", "eligible", "passed_gates", "selected", "promoted")


def walk_table(steps: Sequence[Step]) -> Table:
    """The first step, the last one, and those in which somebody moved."""
    table = Table(
        title=f"The walk: {len(steps)} decisions, those without a move left out",
        box=box.SIMPLE_HEAD,
        padding=TIGHT,
    )
    for name in ("decided", "promoted", "demoted", "live from then on"):
        table.add_column(name, no_wrap=name == "decided")
    for step in steps:
        plan = step.document["plan"]
        if plan["promote"] or plan["demote"] or step in (steps[0], steps[-1]):
            table.add_row(
                step.day,
                colored("promote", plan["promote"]),
                colored("demote", plan["demote"]),
                " ".join(step.live) or "nobody",
            )
    return table


def colored(move: str, names: Sequence[str]) -> str:
    return f"[{COLORS[move]}]{' '.join(names)}[/]" if names else "-"


def funnel_line(document: dict[str, Any]) -> str:
    funnel = document["funnel"]
    return " -> ".join(f"{funnel[name]} {name.replace('_', ' ')}" for name in FUNNEL)


def reasons_table(document: dict[str, Any], *, title: str) -> Table:
    """One line per strategy, the best rank first; `+` counts passes in a row, `-` failures."""
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=TIGHT)
    for name in ("strategy", "state", "score", "in row", "decision", "why"):
        right = name in {"score", "in row"}
        table.add_column(name, no_wrap=name != "why", justify="right" if right else "left")
    last = len(document["candidates"])
    for told in sorted(document["candidates"], key=lambda c: (c["rank"] or last, -(c["score"] or 0.0))):
        table.add_row(
            told["strategy_id"],
            told["state"],
            "-" if told["score"] is None else f"{told['score']:.2f}",
            in_a_row(told),
            told["outcome"],
            escape("; ".join(told["reasons"])),
        )
    return table


def in_a_row(told: dict[str, Any]) -> str:
    """The counter that is above zero."""
    passes, failures = told["consecutive_passes"], told["consecutive_failures"]
    return f"+{passes}" if passes else f"-{failures}" if failures else "0"


def refused_table(rows: Iterable[tuple[str, float, float, str]]) -> Table:
    """Strategy, Sharpe of its backtest and since, and the bounds that stopped it."""
    table = Table(title="Never got here: stopped by the backtest profile", box=box.SIMPLE_HEAD, padding=TIGHT)
    table.add_column("strategy", no_wrap=True)
    table.add_column("Sharpe", justify="right")
    table.add_column("since", justify="right")
    table.add_column("stopped by")
    for name, then, since, bounds in rows:
        table.add_row(name, f"{then:.2f}", f"{since:.2f}", bounds)
    return table


def impact_table(impact: dict[str, Any]) -> Table:
    """Whom another policy would treat otherwise in the next evaluation that counts."""
    table = Table(box=box.SIMPLE_HEAD, padding=TIGHT)
    for name in ("strategy", "active policy", "draft"):
        table.add_column(name, no_wrap=name == "strategy")
    for change in impact["bindings"]["changes"]:
        table.add_row(change["strategy_id"], sentence(change["old"]), sentence(change["new"]))
    return table


def sentence(side: dict[str, Any]) -> str:
    move = side["outcome"]
    return f"[{COLORS.get(move, 'default')}]{move}[/]: {escape('; '.join(side['reasons']))}"


def listing(title: str, lines: Iterable[str]) -> Table:
    """Sentences below a title, the lines after the first one indented."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row("", f"[bold]{title}[/]")
    for line in lines:
        table.add_row("-", line)
    table.add_row("", "")
    return table
