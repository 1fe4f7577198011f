"""One call of a command: which service and world it is about, and where its answer goes."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

import typer

from qmtl.cli.failures import UsageError
from qmtl.cli.files import file_called, require_folder, write_file

if TYPE_CHECKING:
    from rich.console import Console

    from qmtl.client import Client

TRIES = 4
Show = Callable[["Console"], None]


class Session:
    """`format` None: a table, or JSON into a file."""

    def __init__(self, *, format: str | None, output: str | None, url: str | None, token: str | None) -> None:
        self.format, self.output = format, output
        self.as_json = format == "json" or (format is None and output is not None)
        self.url, self.token = url, token
        self.world: str | None = None
        self.strategy: str | None = None
        self.run: str | None = None
        """What the command was asked about: a refusal may be about its name."""
        self._client: Client | None = None

    def check(self) -> None:
        """Before anything is asked or done: UsageError for an address or a token that says nothing, which would be taken
        from elsewhere, and for an answer's file that has no folder."""
        for name, given in (("--url", self.url), ("--token", self.token)):
            if given is not None and not given.strip():
                raise UsageError(
                    f"{name} is empty", next_step=f"Say which, or leave {name} out to use what is configured."
                )
        if self.output is not None:
            if not self.output:
                raise UsageError("--output is empty", next_step="Name a file, or leave it out.")
            require_folder(file_called(self.output, "answer.json"))

    # --- the service ------------------------------------------------------------------------------------------
    @cached_property
    def client(self) -> Client:
        from qmtl.client import Client, Retries, load_config

        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            config = load_config(url=self.url, token=self.token)
        for each in warned:
            self.note(f"qmtl: {each.message}")
        self._client = Client(config=config, retries=Retries(tries=TRIES), actor="qmtl-cli")
        return self._client

    def choose_world(self, placed: str | None, named: str | None, *, optional: bool = False) -> None:
        """By its place, by its option, or by QMTL_WORLD; two different ones are a mistake, and so is an empty one."""
        if "" in (placed, named):
            raise typer.BadParameter("the world's id is empty")
        if placed and named and placed != named:
            raise typer.BadParameter(f"two worlds are named: {placed!r} and --world {named!r}")
        self.world = placed or named or os.environ.get("QMTL_WORLD") or None
        if self.world is None and not optional:
            raise typer.BadParameter("say which world: as WORLD, as --world WORLD, or in QMTL_WORLD")

    def choose_strategy(self, placed: str | None, named: str | None) -> str:
        """By its place or by its option; two different ones are a mistake, and so is an empty one."""
        if "" in (placed, named):
            raise typer.BadParameter("the strategy's id is empty")
        if placed and named and placed != named:
            raise typer.BadParameter(f"two strategies are named: {placed!r} and --strategy {named!r}")
        self.strategy = placed or named
        if self.strategy is None:
            raise typer.BadParameter("say which strategy: as STRATEGY, or as --strategy STRATEGY")
        return self.strategy

    # --- the answer -------------------------------------------------------------------------------------------
    def answer(self, document: Any, show: Show) -> None:
        """Tell it: `document` as JSON, or what `show` prints, on the terminal or into the file."""
        if self.as_json:
            self.write(as_json(document))
        elif self.output is None and sys.stdout.isatty():
            show(console(sys.stdout))
        else:
            self.write(drawn(show))

    def write(self, text: str) -> None:
        """Text as it is, to where answers go."""
        if self.output is None:
            typer.echo(text, nl=not text.endswith("\n"))
        else:
            path = write_file(self.output, text)
            self.note(f"written to {path}")

    def line(self, document: Any, text: str) -> None:
        """One of many answers that come one by one: a line of JSON, or of text."""
        typer.echo(json.dumps(document, ensure_ascii=False) if self.as_json else text)

    def note(self, text: str) -> None:
        """What is said beside the answer."""
        typer.echo(text, err=True)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def as_json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n"


def items(documents: Iterator[Any] | list[Any]) -> dict[str, Any]:
    """A list as the service answers lists."""
    return {"items": [dict(each.raw) for each in documents]}


def console(file: IO[str], *, width: int | None = None) -> Console:
    """Plain text to look at: nothing in it is markup, and nothing is coloured but states."""
    from rich.console import Console

    return Console(file=file, width=width, highlight=False, markup=False, emoji=False)


def drawn(show: Show) -> str:
    """What `show` prints, as text of 80 columns, or as many as COLUMNS says, without blanks at the ends of lines."""
    import io

    file = io.StringIO()
    show(console(file))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())
