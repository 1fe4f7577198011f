"""What another policy would change, to look at; and where that is too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qmtl.cli.failures import CommandError
from qmtl.cli.session import Session
from qmtl.cli.tables import facts, heading, table

if TYPE_CHECKING:
    from rich.console import Console

RATIO = Annotated[
    float | None,
    typer.Option(
        "--fail-impact-ratio",
        min=0.0,
        max=1.0,
        metavar="X",
        help="End with 1 where more than this share changes.",
    ),
]
MOST_ROWS = 30


def impact_shown(session: Session, impact: Mapping[str, Any]) -> None:
    session.answer(impact, lambda out: show_impact(out, impact))


def end_above(session: Session, ratio: float, allowed: float | None) -> None:
    if allowed is not None and ratio > allowed:
        raise CommandError(f"the impact ratio {ratio:.4f} is above {allowed:g}")


def show_impact(out: Console, impact: Mapping[str, Any]) -> None:
    policy = impact["policy"]
    facts(
        out,
        {
            "world": impact.get("world_id"),
            "old policy": named(policy["old"]),
            "new policy": named(policy["new"]),
            "impact ratio": f"{impact['impact_ratio']:.1%}",
        },
    )
    if (runs := impact.get("runs")) is not None:
        show_runs(out, "Runs", runs, ("strategy_id", "run_id"))
    if (scenarios := impact.get("scenarios")) is not None:
        show_scenarios(out, scenarios)
    if (bindings := impact.get("bindings")) is not None:
        heading(out, "Who would move at the next evaluation")
        rows = [
            (name, bindings["old"][name], bindings["new"][name]) for name in ("promote", "demote", "live")
        ]
        table(out, ("", "old", "new"), rows)


def named(policy: int | str | None) -> str:
    return "none" if policy is None else f"version {policy}" if isinstance(policy, int) else policy


def show_runs(out: Console, title: str, part: Mapping[str, Any], identity: Sequence[str]) -> None:
    changed = part["changed"]
    heading(out, f"{title}: {part['runs']}, of which {changed['impacted']} change")
    verdicts = [
        (name, pair["old"], pair["new"]) for name, pair in part["verdicts"].items() if any(pair.values())
    ]
    table(out, ("verdict", "old", "new"), verdicts, empty="no run")
    rows = [
        (
            "/".join(str(change.get(name)) for name in identity),
            change["old"]["verdict"],
            change["new"]["verdict"],
            change["new"]["reasons"],
        )
        for change in part["changes"]
    ]
    if rows:
        out.print()
        table(out, ("run", "old", "new", "because"), rows[:MOST_ROWS])
    more = len(rows[MOST_ROWS:]) + part.get("changes_omitted", 0)
    if more:
        out.print(f"... and {more} more (--format json has up to 500)")


def show_scenarios(out: Console, scenarios: Mapping[str, Any]) -> None:
    heading(out, f"Scenarios: {scenarios['runs']}")
    rows = [
        (
            name,
            part["runs"],
            part["changed"]["impacted"],
            f"{part['impact_ratio']:.1%}",
            part["misjudged"]["new"],
        )
        for name, part in scenarios["sets"].items()
    ]
    table(out, ("set", "runs", "changed", "ratio", "misjudged by the new one"), rows)
