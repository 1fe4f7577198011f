"""What runners say: lines on the terminal and in files, their states in a file, and a table at the end."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import typer

from qmtl.cli.failures import CommandError, UsageError
from qmtl.cli.files import require_folder, write_file
from qmtl.cli.runners_file import Plan
from qmtl.cli.session import as_json
from qmtl.cli.supervisor import Watched
from qmtl.cli.tables import printable

STATUS_EVERY = 1.0
COLUMNS = ("strategy", "world", "ended", "mode", "bars", "orders", "fills", "restarts")


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
        require_folder(Path(path))
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
