"""`use_case`: one transaction whose staged entries are numbered and written last."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from django.db import transaction

from qmtl_site.database import native_cursor, pipelined
from qmtl_site.ledger.models import Ledger

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Staged:
    """Something to be numbered in a stream. `write` gets the locked ledger row and all staged of its
    kind; it only writes, with native cursors."""

    stream: str
    payload: Any
    write: Callable[[Ledger, Sequence[Any]], None]


_staged: ContextVar[list[Staged] | None] = ContextVar("staged", default=None)


def stage(entry: Staged) -> None:
    pending = _staged.get()
    if pending is None:
        raise RuntimeError("Audit entries and events are written inside a use case (qmtl_site.ledger).")
    pending.append(entry)


def staged_in(stream: str, write: Callable[[Ledger, Sequence[Any]], None]) -> int:
    """How many entries of a kind wait for their number in a stream."""
    return sum(entry.stream == stream and entry.write is write for entry in _staged.get() or ())


@contextmanager
def unit_of_change() -> Iterator[None]:
    """A transaction that ends by writing what was staged in it; inside another one it is a savepoint of that."""
    outer = _staged.get()
    if outer is not None:
        mark = len(outer)
        try:
            with transaction.atomic():
                yield
        except BaseException:
            del outer[mark:]
            raise
        return
    pending: list[Staged] = []
    token = _staged.set(pending)
    try:
        with transaction.atomic():
            yield
            write_staged(pending)
    finally:
        _staged.reset(token)


def use_case(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function as one unit of change."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with unit_of_change():
            return function(*args, **kwargs)

    return run


def write_staged(pending: Sequence[Staged]) -> None:
    if not pending:
        return
    streams = sorted({entry.stream for entry in pending})
    heads = lock_heads(streams)
    with pipelined():
        for stream in streams:
            writers = dict.fromkeys(entry.write for entry in pending if entry.stream == stream)
            for write in writers:
                write(heads[stream], [e.payload for e in pending if e.stream == stream and e.write is write])
    # By itself: psycopg ends a pipeline with a message that stops the server's clock of idle transactions, so that a
    # process that was stopped here would keep its locks for ever.
    move_heads(heads.values())


LOCK = """
INSERT INTO ledger_ledger AS known (stream, event_sequence, audit_sequence, audit_head)
SELECT stream, 0, 0, '' FROM unnest(%s::text[]) AS wanted (stream) ORDER BY stream
ON CONFLICT (stream) DO UPDATE SET stream = known.stream
RETURNING stream, event_sequence, audit_sequence, audit_head
"""
MOVE = """
UPDATE ledger_ledger SET event_sequence = events, audit_sequence = entries, audit_head = head
FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::text[]) AS moved (name, events, entries, head)
WHERE stream = name
"""


def lock_heads(streams: Sequence[str]) -> dict[str, Ledger]:
    """Ledger rows, made or locked one after the other in the order of their names: two transactions over several
    streams wait for each other in one direction only."""
    with native_cursor() as cursor:
        cursor.execute(LOCK, [sorted(streams)])
        return {row[0]: Ledger(*row) for row in cursor.fetchall()}


def move_heads(heads: Iterable[Ledger]) -> None:
    rows = [(head.stream, head.event_sequence, head.audit_sequence, head.audit_head) for head in heads]
    with native_cursor() as cursor:
        cursor.execute(MOVE, [list(column) for column in zip(*rows, strict=True)])
