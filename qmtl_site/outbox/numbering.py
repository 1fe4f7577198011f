"""The number of an event before it is written, for rows that have to keep it."""

from __future__ import annotations

from qmtl_site.ledger.transactions import lock_heads, staged_in
from qmtl_site.outbox.events import write_events


def next_sequence(world_id: str) -> int:
    """The number that the next emitted event of the world will get, the one after it the next, and so on.

    It holds the world's ledger from here to the end of the transaction, so it is asked after every other lock.
    """
    return lock_heads([world_id])[world_id].event_sequence + staged_in(world_id, write_events) + 1
