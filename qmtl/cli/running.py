"""`qmtl run`: strategies that trade as their worlds allow, each in a process of its own."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from qmtl.cli.command import command
from qmtl.cli.options import moment
from qmtl.cli.run_output import COLUMNS, Log, StatusFile, row
from qmtl.cli.runners_file import Plan, read_plans, unlike
from qmtl.cli.session import Session
from qmtl.cli.supervisor import Supervisor, Terms, Watched, exit_status
from qmtl.cli.tables import table
from qmtl.cli.verdicts import end

Strategies = Annotated[
    list[str] | None, typer.Argument(metavar="MODULE:CLASS...", help="What to run; or say --file.")
]
World = Annotated[
    str | None,
    typer.Option(
        "--world",
        "-w",
        metavar="WORLD",
        help="World id; else QMTL_WORLD.",
        envvar="QMTL_WORLD",
        show_envvar=False,
    ),
]
File = Annotated[
    str | None,
    typer.Option(
        "--file",
        "-F",
        metavar="FILE",
        help="runners.yaml: `runners:` with a `strategy:` and what else is said below, each.",
    ),
]
Preset = Annotated[str | None, typer.Option(metavar="PRESET", help="One of the world's data presets.")]
Replay = Annotated[bool, typer.Option("--replay", help="Replay history instead of waiting for new bars.")]
Speed = Annotated[
    float | None,
    typer.Option(min=0.0, metavar="BARS", help="Bars a second of a replay; else as fast as it goes."),
]
Start = Annotated[
    str | None, typer.Option(metavar="DATE", help="From this day on; else where the last run ended.")
]
Executor = Annotated[str | None, typer.Option(metavar="NAME", help="What the orders' executor is called.")]
MaxFailures = Annotated[
    int, typer.Option(min=0, metavar="N", help="Give up after so many failures one after the other.")
]
Backoff = Annotated[
    float, typer.Option(min=0.01, metavar="SECONDS", help="Before the first restart; doubled up to a minute.")
]
Grace = Annotated[float, typer.Option(min=0.0, metavar="SECONDS", help="For stopping in order.")]
LogDir = Annotated[str | None, typer.Option(metavar="DIR", help="Also write what each says to a file here.")]
StatusPath = Annotated[str | None, typer.Option(metavar="FILE", help="Keep how they are, as JSON, here.")]


def register(app: typer.Typer) -> None:
    command(app, "run", example="qmtl run mine.py:Mine --world alpha --replay --start 2021-01-01 --speed 4")(
        run
    )


def run(
    session: Session,
    strategies: Strategies = None,
    world: World = None,
    file: File = None,
    data_preset: Preset = None,
    replay: Replay = False,
    speed: Speed = None,
    start: Start = None,
    executor: Executor = None,
    max_failures: MaxFailures = 10,
    backoff: Backoff = 1.0,
    grace: Grace = 30.0,
    log_dir: LogDir = None,
    status_file: StatusPath = None,
) -> None:
    """Run strategies: on paper, or live behind their gates, until Ctrl-C or the end of their data.

    Each has a process of its own, which is started again with backoff where it fails or ends without a report; code that
    fails in the same way at the same bar twice is not. Ends with 1 where one failed.
    """
    moment(start, "--start")
    shared = {
        "data_preset": data_preset,
        "replay": replay or None,
        "speed": speed,
        "start": start,
        "executor": executor,
    }
    given = {name: value for name, value in shared.items() if value is not None}
    plans = plans_of(strategies or [], file, world, given)
    require_worlds(session, plans)
    terms = Terms(max_failures=max_failures, first=backoff, grace=grace)
    watched = watch(session, plans, terms, log_dir=log_dir, status_file=status_file)
    document = {"items": [one.document() for one in watched]}
    session.answer(document, lambda out: table(out, COLUMNS, [row(one) for one in watched]))
    end(exit_status(watched))


def require_worlds(session: Session, plans: list[Plan]) -> None:
    """Nothing is started where a world is not there."""
    for name in dict.fromkeys(plan.world for plan in plans):
        session.world = name
        session.client.world(name)


def watch(
    session: Session, plans: list[Plan], terms: Terms, *, log_dir: str | None, status_file: str | None
) -> list[Watched]:
    """Start them and watch over them until all have ended."""
    access = {"url": session.client.url, "token": session.client.config.token}
    with ExitStack() as opened:
        supervisor = Supervisor(
            plans,
            access,
            terms=terms,
            log=Log(plans, log_dir, opened),
            on_change=StatusFile(status_file) if status_file else None,
        )
        stop_on_signals(supervisor, opened)
        return supervisor.run()


def plans_of(
    strategies: list[str], file: str | None, world: str | None, shared: dict[str, Any]
) -> list[Plan]:
    if (file is None) == (not strategies):
        raise typer.BadParameter("say MODULE:CLASS, or --file runners.yaml")
    if file is not None:
        return read_plans(file, world=world, shared=shared)
    if world is None:
        raise typer.BadParameter("say which world: --world WORLD, or QMTL_WORLD")
    return unlike([Plan(strategy=each, world=world, **shared) for each in strategies])


def stop_on_signals(supervisor: Supervisor, opened: ExitStack) -> None:
    """The first SIGINT or SIGTERM stops in order, the second at once."""

    def ask(number: int, frame: Any) -> None:
        if supervisor.stopping.is_set():
            supervisor.in_haste.set()
        supervisor.stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        opened.callback(signal.signal, number, signal.signal(number, ask))
