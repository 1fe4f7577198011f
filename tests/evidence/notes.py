"""The smallest use case there is: it notes something in a stream, in the audit and as an event."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import connections

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import Event, after, emit, inside

ACTOR = Actor.service("test")


@dataclass(frozen=True, kw_only=True)
class Noted(Event):
    type: ClassVar[str] = "test.noted"
    text: str


# What subscribers of `Noted` do in a test: the fixture `listening` empties both.
on_note: list[Callable[[Noted], None]] = []
on_delivery: list[Callable[[dict[str, Any]], None]] = []


@inside(Noted)
def call_those_inside(event: Noted) -> None:
    for listener in on_note:
        listener(event)


@after(Noted)
def call_those_after(event: dict[str, Any]) -> None:
    for listener in on_delivery:
        listener(event)


class ChangedMyMind(Exception):
    """Raised after the change was made, so that all of it must go."""


@use_case
def note(stream: str, text: str = "", *, fail: bool = False) -> None:
    note_in([stream], text, fail=fail)


@use_case
def note_in(streams: Sequence[str], text: str = "", *, fail: bool = False) -> None:
    for stream in streams:
        record(ACTOR, "test.note", object_type="note", object_id=text, world_id=stream, text=text)
        emit(Noted(world_id=stream, text=text))
    if fail:
        raise ChangedMyMind


def at_once(count: int, work: Callable[[int], None]) -> list[BaseException]:
    """Run `work(0)` ... `work(count - 1)` in threads that start together; what they raised."""
    gate, raised = threading.Barrier(count), []

    def run(number: int) -> None:
        try:
            gate.wait(timeout=20)
            work(number)
        except BaseException as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return raised
