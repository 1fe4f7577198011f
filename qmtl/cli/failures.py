"""Failures in words: what is wrong, what to do next, and with which status the command ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from qmtl.cli.session import Session
    from qmtl.client import QmtlError, Refused

OK, REFUSED, USAGE, PENDING, UNREACHABLE = 0, 1, 2, 3, 4
INTERRUPTED = 130
MOST_NAMES = 2000


class CommandError(Exception):
    """The command cannot do what it was asked for."""

    status = REFUSED

    def __init__(self, text: str, next_step: str = "", *, status: int | None = None) -> None:
        super().__init__(text)
        self.next_step = next_step
        if status is not None:
            self.status = status


class UsageError(CommandError):
    """It was asked in a wrong way: a file that is not there, a value that is none."""

    status = USAGE


def told(session: Session, error: BaseException) -> int | None:
    """Say it on stderr. Returns the exit status; None for what is not ours to explain."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, CommandError):
        say(str(error), error.next_step)
        return error.status
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EIO}:
        say(f"it could not be written: {error.strerror}")
        return REFUSED
    if "qmtl.client.errors" not in sys.modules:  # whoever raises its errors has loaded it
        return None
    from qmtl.client.errors import QmtlError

    if not isinstance(error, QmtlError):
        return None
    say(*explained(session, error), trace=str(getattr(error, "trace", "")))
    return error_status(error)


def say(text: str, next_step: str = "", *, trace: str = "") -> None:
    """What is wrong; below it where in an author's code, and what to do."""
    typer.echo(f"qmtl: {text}", err=True)
    for line in trace.splitlines():
        typer.echo(f"  {line}", err=True)
    if next_step:
        typer.echo(f"  {next_step}", err=True)


def error_status(error: QmtlError) -> int:
    """That of its kind; what is only not judged yet is pending."""
    from qmtl.client.errors import EvaluationInProgress, RunNotEvaluated

    return PENDING if isinstance(error, RunNotEvaluated | EvaluationInProgress) else error.exit_status


def explained(session: Session, error: QmtlError) -> tuple[str, str]:
    """What went wrong and what to do; a name that is not there with the nearest one that is."""
    from qmtl.client.errors import Internal, NotFound, Refused, Unauthenticated

    if isinstance(error, Unauthenticated):
        return token_words(session)
    text = refusal(error) if isinstance(error, Refused) else str(error)
    next_step = error.next_step
    if isinstance(error, NotFound):
        with suppress(Exception):
            text, next_step = next(misspelt(session), (text, next_step))
    if isinstance(error, Internal) and error.request_id:
        text = f"{text} (request {error.request_id})"
    return text, next_step


def token_words(session: Session) -> tuple[str, str]:
    """Which token it was that the service does not take, and how one comes by another."""
    another = "`manage.py issue_token --user YOU` on the service makes one"
    if session.token:
        return "the service does not take the token that was given, or it has expired", f"{another}."
    if os.environ.get("QMTL_TOKEN"):
        return (
            "the service does not take the token in QMTL_TOKEN, or it has expired",
            f"Unset QMTL_TOKEN and run `qmtl login`, or set it to a valid one; {another}.",
        )
    from qmtl.client import config_path

    if session.client.config.token:
        return (
            f"the service does not take the token in {config_path()}, or it has expired",
            f"Run `qmtl login` with a valid one; {another}.",
        )
    return "the service wants to know who asks, and there is no token", f"Run `qmtl login`; {another}."


def refusal(error: Refused) -> str:
    """Its code and detail; and each fault with its place and the nearest names that there are."""
    code, detail = error.told_code or str(error.status), error.detail
    told = [each for each in error.document.get("errors") or () if isinstance(each, Mapping)]
    if len(told) == 1 and str(told[0].get("detail", "")) in detail:
        return f"{code}: {detail}{place_and_hint(told[0])}"
    if not told:
        return f"{code}: {detail}"
    return "\n  ".join([f"{code}: {len(told)} faults", *map(fault_words, told)])


def fault_words(fault: Mapping[str, Any]) -> str:
    text, pointer = str(fault.get("detail", "")), str(fault.get("pointer", ""))
    is_said = not pointer or fault.get("line") or pointer.rpartition("/")[2] in text
    return f"{'' if is_said else f'{pointer}: '}{text}{place_and_hint(fault)}"


def place_and_hint(fault: Mapping[str, Any]) -> str:
    line = f" (line {fault['line']}, column {fault.get('column')})" if fault.get("line") else ""
    nearest = [str(each) for each in fault.get("nearest") or ()]
    return line + (f"; did you mean {' or '.join(map(repr, nearest[:3]))}?" if nearest else "")


def misspelt(session: Session) -> Iterator[tuple[str, str]]:
    """Of the names that the command was given, the first one that is not there."""
    from qmtl.client import not_there

    client, world, strategy = session.client, session.world, session.strategy
    if world is not None:
        known = names(client.worlds(limit=500), lambda each: each.id)
        if world not in known:
            yield not_there("world", world, known), "`qmtl world list` shows the worlds that you may see."
            return
    if strategy is not None and world is not None:
        bound = names(client.bindings(world, limit=500), lambda each: each.strategy_id)
        if strategy not in bound:
            yield (
                not_there("strategy", strategy, bound, where=f"in world {world!r}"),
                f"`qmtl strategy list --world {world}` shows those that are bound there.",
            )
        elif session.run not in (None, "latest"):
            runs = names(client.runs(world, strategy, limit=500), lambda each: each.run_id)
            yield (
                not_there(
                    "run", str(session.run), runs, where=f"of strategy {strategy!r} in world {world!r}"
                ),
                f"`qmtl world run-status {world} --strategy {strategy}` shows the latest.",
            )
    elif strategy is not None:
        registered = names(client.strategies(limit=500), lambda each: each.id)
        if strategy not in registered:
            yield (
                not_there("strategy", strategy, registered),
                "`qmtl strategy list` shows those that you may see.",
            )


def names(documents: Iterable[object], name: Callable[..., str]) -> set[str]:
    return {name(each) for each in islice(documents, MOST_NAMES)}
