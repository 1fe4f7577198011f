"""`qmtl report`: reports that the service makes, to look at or to hand on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from qmtl.cli.command import World, command
from qmtl.cli.failures import UsageError
from qmtl.cli.files import write_file
from qmtl.cli.options import Run, Strategy
from qmtl.cli.report_tables import show_live, show_validation
from qmtl.cli.session import Session

app = typer.Typer(help="Reports of live performance and of validation.", no_args_is_help=True)

Text = Literal["md", "html"]
As = Annotated[
    Text | None,
    typer.Option(
        "--as",
        metavar="FORM",
        help="The whole report as a text: md (Markdown) or html; else as the name of --output ends.",
        show_default=False,
    ),
]
ENDINGS: dict[str, Text] = {".md": "md", ".markdown": "md", ".html": "html", ".htm": "html"}


@command(app, "live", example="qmtl report live alpha --output live.html")
def live(session: Session, world: World, as_: As = None) -> None:
    """Report how a world's live strategies do against their backtests and the policy's bounds."""
    text = chosen_text(session, as_)
    if text is not None:
        write(session, session.client.live_monitoring_text(world, format=text), f"{world}-live.{text}")
        return
    found = session.client.live_monitoring(world)
    session.answer(found.raw, lambda out: show_live(out, found))


@command(
    app, "validation", example="qmtl report validation alpha --strategy mom --run latest --output report.md"
)
def validation(
    session: Session, world: World, strategy: Strategy, run: Run = "latest", as_: As = None
) -> None:
    """Report how a run was validated: each rule, its figures and bounds, and where the evidence ends."""
    session.strategy, session.run = strategy, run
    text = chosen_text(session, as_)
    if text is not None:
        told = session.client.run_report_text(world, strategy, run, format=text)
        write(session, told, f"{world}-{strategy}-{run}.{text}")
        return
    found = session.client.run_report(world, strategy, run)
    session.answer(found.raw, lambda out: show_validation(out, found))


def chosen_text(session: Session, named: Text | None) -> Text | None:
    """Markdown or HTML, by `--as` or by the name of the file; None: a table, or JSON."""
    if named is not None and session.format is not None:
        raise UsageError(f"--as {named} and --format {session.format} are two formats", next_step="Say one.")
    if named is None and session.format is None and session.output is not None:
        return ENDINGS.get(Path(session.output).suffix.lower())
    return named


def write(session: Session, text: str, called: str) -> None:
    """To where answers go; `called`: the file's name where that is a folder."""
    if session.output is None:
        session.write(text)
    else:
        session.note(f"written to {write_file(session.output, text, called=called)}")
