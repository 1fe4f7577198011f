"""`qmtl world events` and `qmtl world audit`: what happened, and who did what."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qmtl.cli.command import World, command
from qmtl.cli.options import Limit
from qmtl.cli.session import Session, items
from qmtl.cli.tables import cell, entries, printable
from qmtl.cli.worlds import app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qmtl.client.documents import Event

PAGE = 500


@command(app, "events", example="qmtl world events alpha --follow")
def events(
    session: Session,
    world: World,
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Go on as they happen, until Ctrl-C; through restarts of the service."),
    ] = False,
    after: Annotated[
        int | None, typer.Option(min=0, metavar="SEQUENCE", help="Those after this one; else the last ones.")
    ] = None,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Only of this type, like decision.made.")
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", "-n", metavar="N", min=1, help="At most so many; with --follow before it goes on."
        ),
    ] = 50,
) -> None:
    """Show what happened in a world, oldest first; as JSON one event a line when it follows."""
    known = list(after_it(session, world, after) if after is not None else last_ones(session, world, limit))
    found = [each for each in known if is_of(each, type_)]
    found = found[:limit] if after is not None and not follow else found[-limit:]
    if not follow:
        rows = [((each.sequence, each.time, each.type), (facts_of(each),)) for each in found]
        session.answer(items(found), lambda out: entries(out, ("#", "time", "type"), rows, empty="no event"))
        return
    if session.output is not None:
        raise typer.BadParameter("--follow prints and has no end: leave --output out and redirect it")
    for event in found:
        tell(session, event)
    for event in session.client.events(world, after=known[-1].sequence if known else after or 0):
        if is_of(event, type_):
            tell(session, event)


@command(app, "audit", example="qmtl world audit alpha --limit 20")
def audit(
    session: Session,
    world: World,
    limit: Limit = 30,
    action: Annotated[
        str | None, typer.Option(metavar="ACTION", help="Only this action, like policy.activate.")
    ] = None,
    object_id: Annotated[
        str | None, typer.Option("--object", metavar="ID", help="Only about this object.")
    ] = None,
) -> None:
    """Show who did what and why, newest first. Each entry carries the hash of the one before it."""
    kept = session.client.audit(world, object_id=object_id, action=action, limit=min(limit, PAGE))
    found = list(islice(kept, limit))
    rows = [
        ((each.sequence, each.at, each.actor, each.action), (each.object_id, each.details.get("reason")))
        for each in found
    ]
    columns = ("#", "time", "who", "action")
    session.answer(items(found), lambda out: entries(out, columns, rows, empty="no entry"))


# --- words ----------------------------------------------------------------------------------------------------
def after_it(session: Session, world: str, after: int) -> Iterator[Event]:
    """All events after a sequence, page by page."""
    while (page := session.client.event_page(world, after=after, limit=PAGE)).events:
        yield from page.events
        after = page.events[-1].sequence


def last_ones(session: Session, world: str, wanted: int) -> list[Event]:
    """The newest events. Sequences have no gaps, so the newest is found by halving."""
    low, high = 0, 1
    while is_before_newest(session, world, high):
        low, high = high, high * 2
    while low < high:  # the newest sequence is not below `low` and not above `high`
        middle = (low + high) // 2
        if is_before_newest(session, world, middle):
            low = middle + 1
        else:
            high = middle
    return list(after_it(session, world, max(0, low - wanted)))


def is_before_newest(session: Session, world: str, sequence: int) -> bool:
    """Whether something comes after it; the service refuses to look beyond its newest event."""
    from qmtl.client.errors import Invalid

    try:
        return bool(session.client.event_page(world, after=sequence, limit=1).events)
    except Invalid:
        return False


def is_of(event: Event, wanted: str | None) -> bool:
    return wanted is None or event.type == wanted or event.type.endswith(f".{wanted}")


def facts_of(event: Event) -> str:
    """What it says, in a line; what stands in its subject is not said again."""
    subject = event.subject or ""
    told = {event.data.get("world_id"), subject, *subject.split("/")}
    parts = [subject] if subject else []
    parts += [
        f"{name}={short(value)}"
        for name, value in event.data.items()
        if is_short(value) and value not in told
    ]
    return " ".join(printable(part) for part in parts)


def is_short(value: Any) -> bool:
    return isinstance(value, str | int | float) and value != "" and len(short(value)) <= 60


def short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def tell(session: Session, event: Event) -> None:
    text = f"{event.sequence:>6}  {cell(event.time)}  {printable(event.type)}  {facts_of(event)}"
    session.line(event.raw, text)
