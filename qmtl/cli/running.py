"""`qmtl run`: strategies that trade as their worlds allow, each in a process of its own."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from qmtl.cli.command import command
from qmtl.cli.failures import CommandError, UsageError
from qmtl.cli.files import write_file
from qmtl.cli.runners_file import Plan, read_plans, unlike
from qmtl.cli.session import Session, as_json
from qmtl.cli.supervisor import Supervisor, Terms, Watched, exit_status
from qmtl.cli.tables import printable, table
from qmtl.cli.verdicts import end

STATUS_EVERY = 1.0


def register(app: typer.Typer) -> None:
    command(app, "run", example="qmtl run mine.py:Mine --world alpha --replay --start 2021-01-01 --speed 4")(
        run
    )


def run(
    session: Session,
    strategies: Annotated[
        list[str] | None, typer.Argument(metavar="MODULE:CLASS...", help="What to run; or say --file.")
    ] = None,
    world: Annotated[
        str | None,
        typer.Option(
            "--world",
            "-w",
            metavar="WORLD",
            help="World id; else QMTL_WORLD.",
            envvar="QMTL_WORLD",
            show_envvar=False,
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            "-F",
            metavar="FILE",
            help="runners.yaml: `runners:` with a `strategy:` and what else is said below, each.",
        ),
    ] = None,
    data_preset: Annotated[
        str | None, typer.Option(metavar="PRESET", help="One of the world's data presets.")
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Replay history instead of waiting for new bars.")
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="BARS", help="Bars a second of a replay; else as fast as it goes."),
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="DATE", help="From this day on; else where the last run ended.")
    ] = None,
    executor: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the orders' executor is called.")
    ] = None,
    max_failures: Annotated[
        int, typer.Option(min=0, metavar="N", help="Give up after so many failures one after the other.")
    ] = 10,
    backoff: Annotated[
        float,
        typer.Option(min=0.01, metavar="SECONDS", help="Before the first restart; doubled up to a minute."),
    ] = 1.0,
    grace: Annotated[float, typer.Option(min=0.0, metavar="SECONDS", help="For stopping in order.")] = 30.0,
    log_dir: Annotated[
        str | None, typer.Option(metavar="DIR", help="Also write what each says to a file here.")
    ] = None,
    status_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Keep how they are, as JSON, here.")
    ] = None,
) -> None:
    """Run strategies: on paper, or live behind their gates, until Ctrl-C or the end of their data.

    Each has a process of its own, which is started again with backoff where it fails. Ends with 1 where one failed.
    """
    shared = {
        "data_preset": data_preset,
        "replay": replay or None,
        "speed": speed,
        "start": start,
        "executor": executor,
    }
    given = {name: value for name, value in shared.items() if value is not None}
    plans = plans_of(strategies or [], file, world, given)
    for name in dict.fromkeys(plan.world for plan in plans):
        session.world = name
        session.client.world(name)
    access = {"url": session.client.url, "token": session.client.config.token}
    with ExitStack() as opened:
        supervisor = Supervisor(
            plans,
            access,
            terms=Terms(max_failures=max_failures, first=backoff, grace=grace),
            log=Log(plans, log_dir, opened),
            on_change=StatusFile(status_file) if status_file else None,
        )
        stop_on_signals(supervisor, opened)
        watched = supervisor.run()
    document = {"items": [one.document() for one in watched]}
    session.answer(document, lambda out: table(out, COLUMNS, [row(one) for one in watched]))
    end(exit_status(watched))


COLUMNS = ("strategy", "world", "ended", "mode", "bars", "orders", "fills", "restarts")


def row(one: Watched) -> tuple[Any, ...]:
    report = one.report or {}
    return (
        one.plan.name,
        one.plan.world,
        one.state,
        report.get("mode"),
        report.get("bars"),
        sum((report.get("orders") or {}).values()),
        sum((report.get("fills") or {}).values()),
        one.restarts,
    )


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


class Log:
    """What runners say: on stderr after their names where there are several, and in a file for each."""

    def __init__(self, plans: list[Plan], folder: str | None, opened: ExitStack) -> None:
        self.width = max(len(plan.name) for plan in plans) if len(plans) > 1 else 0
        self.files: dict[int, IO[str]] = {}
        if folder is None:
            return
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            for plan in plans:
                path = Path(folder) / f"{plan.world}-{plan.name.replace('/', '_')}.log"
                self.files[id(plan)] = opened.enter_context(path.open("a", encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{folder} cannot be written to: {error.strerror}") from None

    def __call__(self, plan: Plan, line: str) -> None:
        text = printable(line)
        typer.echo(f"{plan.name:<{self.width}}  {text}" if self.width else text, err=True)
        if (file := self.files.get(id(plan))) is not None:
            with suppress(OSError):  # a full disk stops no trading
                file.write(f"{line}\n")
                file.flush()


class StatusFile:
    """How the runners are, at most once a second and where one ends."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.states: list[str] = []
        self.written = 0.0

    def __call__(self, documents: list[dict[str, Any]]) -> None:
        states = [each["state"] for each in documents]
        now = time.monotonic()
        if states == self.states and now - self.written < STATUS_EVERY:
            return
        self.states, self.written = states, now
        with suppress(CommandError):  # a full disk stops no trading
            write_file(self.path, as_json({"at": time.time(), "items": documents}))


def stop_on_signals(supervisor: Supervisor, opened: ExitStack) -> None:
    """The first SIGINT or SIGTERM stops in order, the second at once."""

    def ask(number: int, frame: Any) -> None:
        if supervisor.stopping.is_set():
            supervisor.in_haste.set()
        supervisor.stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        opened.callback(signal.signal, number, signal.signal(number, ask))
