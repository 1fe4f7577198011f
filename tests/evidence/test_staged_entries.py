"""One change, one audit entry, one event: all of them or none."""

from __future__ import annotations

from contextlib import suppress

import orjson
import pytest
from django.contrib.auth.models import User

from qmtl_site.audit.chain import record
from qmtl_site.audit.models import AuditEntry
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from qmtl_site.outbox.models import OutboxEvent
from tests.evidence.notes import ACTOR, ChangedMyMind, Noted, note, on_note


def texts(stream: str = "alpha") -> tuple[list[str], list[str]]:
    """What the audit and the outbox know, in order."""
    entries = AuditEntry.objects.filter(stream=stream).order_by("sequence")
    events = OutboxEvent.objects.filter(stream=stream).order_by("sequence")
    told = [orjson.loads(document)["data"]["text"] for document in events.values_list("document", flat=True)]
    return list(entries.values_list("object_id", flat=True)), told


def refuse(event: Noted) -> None:
    raise ChangedMyMind


def test_a_change_writes_one_entry_and_one_event(db: None) -> None:
    note("alpha", "one")
    assert texts() == (["one"], ["one"])


def test_a_change_that_fails_writes_neither(db: None) -> None:
    with pytest.raises(ChangedMyMind):
        note("alpha", "one", fail=True)
    assert texts() == ([], [])


def test_the_number_of_a_failed_change_is_used_again(db: None) -> None:
    for text, fail in [("one", False), ("two", True), ("three", False)]:
        with suppress(ChangedMyMind):
            note("alpha", text, fail=fail)
    assert list(OutboxEvent.objects.values_list("sequence", flat=True)) == [1, 2]
    assert texts() == (["one", "three"],) * 2


@pytest.mark.parametrize(
    "stage",
    [
        lambda: emit(Noted(world_id="alpha", text="one")),
        lambda: record(ACTOR, "test.note", object_type="note", object_id="one"),
    ],
    ids=["event", "audit entry"],
)
def test_nothing_is_staged_outside_a_use_case(db: None, stage: object) -> None:
    with pytest.raises(RuntimeError, match="inside a use case"):
        stage()  # type: ignore[operator]


def test_nothing_is_staged_after_a_use_case_that_failed(db: None) -> None:
    with suppress(ChangedMyMind):
        note("alpha", fail=True)
    with pytest.raises(RuntimeError, match="inside a use case"):
        emit(Noted(world_id="alpha", text="one"))


def test_an_inner_use_case_that_fails_drops_only_its_own_entries(db: None) -> None:
    @use_case
    def outer() -> None:
        note("alpha", "before")
        with suppress(ChangedMyMind):
            note("alpha", "inner", fail=True)
        note("alpha", "after")

    outer()
    assert texts() == (["before", "after"],) * 2


def test_an_outer_use_case_that_fails_drops_the_inner_entries_too(db: None) -> None:
    @use_case
    def outer() -> None:
        note("alpha", "inner")
        raise ChangedMyMind

    with pytest.raises(ChangedMyMind):
        outer()
    assert texts() == ([], [])


def test_a_subscriber_inside_can_refuse_the_whole_change(db: None, listening: None) -> None:
    @use_case
    def rename() -> None:
        User.objects.filter(username="ann").update(first_name="Anna")
        note("alpha", "renamed")

    User.objects.create(username="ann")
    on_note.append(refuse)
    with pytest.raises(ChangedMyMind):
        rename()
    assert (User.objects.get().first_name, texts()) == ("", ([], []))


def test_a_subscriber_inside_may_change_and_note_more(db: None, listening: None) -> None:
    on_note.append(lambda event: None if event.text == "follows" else note("alpha", "follows"))
    note("alpha", "first")
    assert texts() == (["first", "follows"],) * 2


def test_what_belongs_to_no_world_goes_to_the_system(db: None) -> None:
    @use_case
    def note_for_all() -> None:
        emit(Noted(world_id=None, text="for all"))

    note_for_all()
    assert texts("_system") == ([], ["for all"])
