"""One event on its way to many clients: framed once, whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass

HEARTBEAT = b": heartbeat\n\n"
# Sent first: the client knows that it is connected, and how soon to come back when it no longer is.
OPENING = b"retry: 1000\n: open\n\n"


@dataclass(frozen=True, slots=True)
class Entry:
    sequence: int
    document: bytes
    frame: bytes


def entry_of(sequence: int, event_type: str, document: str) -> Entry:
    """The CloudEvent as it is stored has no line breaks, so one `data:` line holds it."""
    data = document.encode()
    return Entry(sequence, data, b"id: %d\nevent: %s\ndata: %s\n\n" % (sequence, event_type.encode(), data))
