"""`qmtl submit`: replay a strategy's history, post it, wait for the service's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from qmtl.cli.command import World, command
from qmtl.cli.options import moment
from qmtl.cli.session import Session
from qmtl.cli.tables import heading, paragraph
from qmtl.cli.verdicts import end

if TYPE_CHECKING:
    from rich.console import Console

    from qmtl.sdk import SubmitResult

WAIT = 120.0
TRADABLE = frozenset({"paper_only", "paper_ok_live_candidate"})

StrategyPlace = Annotated[
    str,
    typer.Argument(
        metavar="MODULE:CLASS", help="package.module:Class, or path/to/file.py:Class.", show_default=False
    ),
]
Preset = Annotated[
    str | None, typer.Option(metavar="PRESET", help="One of the world's data presets; else its first.")
]
Until = Annotated[str | None, typer.Option(metavar="DATE", help="Look at no history after this day.")]
Params = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter of the strategy; may be repeated."),
]
Keep = Annotated[bool, typer.Option("--snapshot", help="Keep the service's snapshot in .qmtl_snapshots/.")]
Validate = Annotated[
    bool, typer.Option("--validate/--no-validate", help="Have it judged; or only submit it.")
]
ForVerdict = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the verdict.")]
AtMost = Annotated[float, typer.Option(min=0.0, metavar="SECONDS", help="Wait at most so long.")]


def register(app: typer.Typer) -> None:
    command(app, "submit", example="qmtl submit mine.py:Mine --world alpha --snapshot")(submit)


def submit(
    session: Session,
    strategy: StrategyPlace,
    world: World,
    data_preset: Preset = None,
    until: Until = None,
    param: Params = None,
    snapshot: Keep = False,
    validate: Validate = True,
    wait: ForVerdict = True,
    timeout: AtMost = WAIT,
) -> None:
    """Submit a strategy: its history is replayed here, and judged by the service.

    Ends with 0 where it passes, 1 where it or its code fails, 3 where it is not judged, 4 where the service cannot be
    reached.
    """
    from qmtl.cli.parameters import parameters
    from qmtl.sdk import Runner, load_strategy

    moment(until, "--until")
    kind = load_strategy(strategy)
    result = Runner.submit(
        kind,
        world,
        params=parameters(param or (), kind),
        data_preset=data_preset,
        until=until,
        auto_validate=validate,
        wait=wait,
        snapshot=snapshot or None,
        client=session.client,
        timeout=timeout,
    )
    session.answer(result.document(), lambda out: show_result(out, result, strategy))
    end(result.exit_status)


def show_result(out: Console, result: SubmitResult, place: str) -> None:
    """The result in words, what is left of it, and which command is next. place: as the strategy was named."""
    paragraph(out, result.explain())
    heading(out, f"Run {result.evaluation_run_id}" if result.evaluation_run_id else "No run was made")
    if result.snapshot_path:
        paragraph(out, f"Snapshot: {result.snapshot_path}")
    if hint := next_command(result, place):
        paragraph(out, hint)


def next_command(result: SubmitResult, place: str) -> str:
    if result.recommended_stage in TRADABLE:
        return f"`qmtl run {place} --world {result.world_id}` trades it on paper."
    if result.status == "pending":
        return f"`qmtl world run-status {result.world_id} --strategy {result.strategy_id}` asks again."
    return ""
