"""`use_case`: one transaction whose staged entries are numbered and written last."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from django.db import transaction

from qmtl_site.ledger.models import Ledger

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Staged:
    """Something to be numbered in a stream. `write` gets the locked ledger row and all staged of its kind."""

    stream: str
    payload: Any
    write: Callable[[Ledger, Sequence[Any]], None]


_staged: ContextVar[list[Staged] | None] = ContextVar("staged", default=None)


def stage(entry: Staged) -> None:
    pending = _staged.get()
    if pending is None:
        raise RuntimeError("Audit entries and events are written inside a use case (qmtl_site.ledger).")
    pending.append(entry)


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
    for stream in streams:
        writers = dict.fromkeys(entry.write for entry in pending if entry.stream == stream)
        for write in writers:
            write(heads[stream], [e.payload for e in pending if e.stream == stream and e.write is write])
    Ledger.objects.bulk_update(heads.values(), ["event_sequence", "audit_sequence", "audit_head"])


def lock_heads(streams: Sequence[str]) -> dict[str, Ledger]:
    """Ledger rows locked in id order, so that two transactions over several streams cannot deadlock.

    New rows are made before any is locked: who waits for another's new row must not hold one that he needs.
    """
    named = Ledger.objects.filter(stream__in=streams)
    known = set(named.values_list("stream", flat=True))
    if new := [Ledger(stream=stream) for stream in streams if stream not in known]:
        Ledger.objects.bulk_create(new, ignore_conflicts=True)
    return {row.stream: row for row in named.select_for_update(no_key=True).order_by("stream")}
