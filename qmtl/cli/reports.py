"""`qmtl report`: reports that the service makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import typer

from qmtl.cli.command import World, command
from qmtl.cli.failures import CommandError
from qmtl.cli.options import Run, Strategy
from qmtl.cli.session import Session
from qmtl.cli.tables import facts, heading, table

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(help="Reports of live performance and of validation.", no_args_is_help=True)


@command(app, "live", example="qmtl report live alpha --output live.json")
def live(session: Session, world: World) -> None:
    """Report how a world's live strategies do against their backtests."""
    from qmtl.client.errors import NotFound

    try:
        found = session.client.live_monitoring(world)
    except NotFound as refused:
        session.client.world(world)  # it may be the world that is not there
        raise CommandError(f"this service has no live report: {refused.detail}") from None
    session.answer(found, lambda out: show_document(out, found))


@command(
    app, "validation", example="qmtl report validation alpha --strategy mom --run latest --output report.json"
)
def validation(session: Session, world: World, strategy: Strategy, run: Run = "latest") -> None:
    """Report how a run was validated: each rule, its figures and its bounds."""
    from qmtl.client.errors import NotFound

    session.strategy, session.run = strategy, run
    try:
        found = session.client.run_report(world, strategy, run)
    except NotFound as refused:
        session.client.run(world, strategy, run)  # it may be the run that is not there
        raise CommandError(
            f"this service has no validation report: {refused.detail}",
            next_step=f"`qmtl world explain {world} --strategy {strategy}` says how the run was judged.",
        ) from None
    session.answer(found, lambda out: show_document(out, found))


def show_document(out: Console, document: Mapping[str, Any]) -> None:
    """A report of whatever shape: its plain values, then its parts."""
    facts(out, {name: value for name, value in document.items() if not isinstance(value, dict | list)})
    for name, part in document.items():
        if isinstance(part, dict):
            heading(out, name)
            facts(out, dict(plain(part)))
        elif isinstance(part, list) and part and all(isinstance(each, dict) for each in part):
            heading(out, name)
            columns = [key for key, value in part[0].items() if not isinstance(value, dict | list)][:6]
            table(out, columns, [[each.get(key) for key in columns] for each in part])
        elif isinstance(part, list):
            heading(out, name)
            facts(out, {str(place): each for place, each in enumerate(part)})


def plain(part: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in part.items():
        if isinstance(value, dict):
            yield from plain(value, f"{at}{name}.")
        else:
            yield f"{at}{name}", value
