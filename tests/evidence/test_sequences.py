"""Numbers of a stream have no gaps, however many write at once and however many of them fail."""

from __future__ import annotations

import random
from contextlib import suppress

import orjson
import pytest

from qmtl_site.audit.chain import verify
from qmtl_site.audit.models import AuditEntry
from qmtl_site.ledger.models import Ledger
from qmtl_site.outbox import events
from qmtl_site.outbox.models import OutboxEvent
from tests.evidence.notes import ChangedMyMind, at_once, note_in

WRITERS, EACH = 8, 25


def sequences(model: type[AuditEntry] | type[OutboxEvent], stream: str) -> list[int]:
    """In the order in which they were inserted."""
    return list(model.objects.filter(stream=stream).order_by("id").values_list("sequence", flat=True))


def write(number: int, streams: list[str], *, several: bool) -> None:
    chance = random.Random(number)
    for _ in range(EACH):
        chosen = chance.sample(streams, chance.randint(1, len(streams))) if several else streams
        with suppress(ChangedMyMind):
            note_in(chosen, fail=chance.random() < 0.3)


@pytest.mark.parametrize(
    ("streams", "several"),
    [(["one"], False), (["a", "b", "c", "d"], True)],
    ids=["one world", "several worlds"],
)
def test_sequences_have_no_gaps(committed_once: None, streams: list[str], several: bool) -> None:
    assert at_once(WRITERS, lambda number: write(number, streams, several=several)) == []
    for stream in streams:
        head = Ledger.objects.get(stream=stream)
        assert head.event_sequence > EACH
        assert sequences(OutboxEvent, stream) == list(range(1, head.event_sequence + 1))
        assert sequences(AuditEntry, stream) == list(range(1, head.audit_sequence + 1))
        assert list(verify(stream)) == []


def test_new_streams_that_are_written_together_do_not_deadlock(committed_once: None) -> None:
    """Some have the first entry of a stream to write while others already hold its neighbour."""
    for attempt in range(30):
        early, late = f"early-{attempt}", f"late-{attempt}"
        note_in([late])
        choices = [[early], [early, late], [late, early], [late]]
        assert at_once(8, lambda number, choices=choices: note_in(choices[number % 4])) == []
        assert sequences(OutboxEvent, early) == list(range(1, 7))


def test_the_stored_event_says_its_sequence(committed_once: None) -> None:
    for _ in range(3):
        note_in(["said"])
    documents, following = events.read("said", after=1, limit=10)
    assert ([orjson.loads(each)["sequence"] for each in documents], following) == ([2, 3], 3)


def test_readers_see_a_prefix_at_every_moment(committed_once: None) -> None:
    """Numbers commit in order: who has read up to n never finds something new below n."""
    seen: list[int] = []

    def write_or_read(number: int) -> None:
        while number == 0 and len(seen) < 4 * EACH:
            documents, _ = events.read("prefix", after=len(seen), limit=1000)
            seen.extend(orjson.loads(each)["sequence"] for each in documents)
        for _ in range(EACH if number else 0):
            note_in(["prefix"])

    assert at_once(5, write_or_read) == []
    assert seen == list(range(1, 4 * EACH + 1))
