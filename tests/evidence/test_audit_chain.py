"""The audit's chain holds under ordinary work, and breaks where somebody tampered with it."""

from __future__ import annotations

import itertools
import threading
from typing import Any, LiteralString

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from evaluation.models import EvaluationRun
from qmtl_site.audit.chain import Break, verify
from qmtl_site.audit.models import AuditEntry
from qmtl_site.ledger.models import Ledger
from tests.evidence.notes import at_once, note

COPY = (
    "INSERT INTO audit_auditentry (stream, sequence, at, actor_id, actor, actor_label, action, object_type,"
    " object_id, details, request_id, previous_hash, hash) SELECT stream, {}, at, actor_id, 'mallory',"
    " actor_label, action, object_type, object_id, details, request_id, previous_hash, hash"
    " FROM audit_auditentry WHERE stream = %(s)s AND sequence = {}"
)
LATER = "sequence > 2 AND stream = %(s)s"
MAKE_ROOM = [
    f"UPDATE audit_auditentry SET sequence = -sequence - 1 WHERE {LATER}",
    "UPDATE audit_auditentry SET sequence = -sequence WHERE sequence < 0 AND stream = %(s)s",
]
CONTENT, LINK = "its content does not match its hash", "does not continue from the entry before it"
_names = (f"history-{n}" for n in itertools.count())


@pytest.fixture
def stream(committed_once: None) -> str:
    """A stream of five entries."""
    name = next(_names)
    for number in range(1, 6):
        note(name, f"note {number}")
    return name


def tamper(stream: str, *statements: str) -> None:
    """As the owner, who first puts the triggers aside: what no application can do."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement, {"s": stream})
        cursor.execute("ALTER TABLE audit_auditentry ENABLE TRIGGER USER")


def set_at(sequence: int, change: LiteralString) -> str:
    return f"UPDATE audit_auditentry SET {change} WHERE stream = %(s)s AND sequence = {sequence}"


TAMPERED: list[tuple[str, list[str], list[tuple[int, str]]]] = [
    ("changed actor", [set_at(2, "actor = 'mallory'")], [(2, CONTENT)]),
    ("changed details", [set_at(5, "details = '{}'")], [(5, CONTENT)]),
    ("changed time", [set_at(1, "at = at + interval '1 microsecond'")], [(1, CONTENT)]),
    ("nobody instead of somebody", [set_at(3, "actor_id = 1")], [(3, CONTENT)]),
    ("changed hash", [set_at(2, "hash = repeat('0', 64)")], [(2, CONTENT), (3, LINK)]),
    (
        "removed",
        ["DELETE FROM audit_auditentry WHERE stream = %(s)s AND sequence = 3"],
        [(3, "entry 3 is missing (found 4)"), (4, LINK)],
    ),
    (
        "first removed",
        ["DELETE FROM audit_auditentry WHERE stream = %(s)s AND sequence = 1"],
        [(1, "entry 1 is missing (found 2)"), (2, LINK)],
    ),
    (
        "cut off",
        ["DELETE FROM audit_auditentry WHERE stream = %(s)s AND sequence >= 4"],
        [(4, "the tail is cut: the ledger knows 5 entries")],
    ),
    (
        "emptied",
        ["DELETE FROM audit_auditentry WHERE stream = %(s)s"],
        [(1, "the tail is cut: the ledger knows 5 entries")],
    ),
    (
        "swapped",
        [set_at(2, "sequence = 0"), set_at(3, "sequence = 2")],
        [(1, "entry 1 is missing (found 0)")],
    ),
    ("inserted", [*MAKE_ROOM, COPY.format(3, 2)], [(3, LINK), (3, CONTENT)]),
    ("inserted before the first", [COPY.format(0, 1)], [(1, "entry 1 is missing (found 0)"), (0, CONTENT)]),
    ("appended", [COPY.format(6, 5)], [(6, "the ledger does not know it")]),
    (
        "ledger set back with the tail",
        [
            "DELETE FROM audit_auditentry WHERE stream = %(s)s AND sequence = 5",
            "UPDATE ledger_ledger SET audit_sequence = 4 WHERE stream = %(s)s",
        ],
        [(4, "the end is not the one that the ledger knows")],
    ),
    (
        "ledger removed",
        ["DELETE FROM ledger_ledger WHERE stream = %(s)s"],
        [(1, "the ledger does not know it"), (5, "the ledger does not know it")],
    ),
]
each_tampering = pytest.mark.parametrize(
    ("statements", "places"), [case[1:] for case in TAMPERED], ids=[case[0] for case in TAMPERED]
)


@each_tampering
def test_tampering_is_found_where_it_was_done(
    stream: str, statements: list[str], places: list[tuple[int, str]]
) -> None:
    tamper(stream, *statements)
    found = list(verify(stream))
    assert {Break(stream, *place) for place in places} <= set(found)


@each_tampering
def test_the_command_fails_and_names_the_place(
    stream: str, statements: list[str], places: list[tuple[int, str]], capsys: Any
) -> None:
    tamper(stream, *statements)
    with pytest.raises(CommandError, match="breaks: the audit was tampered with"):
        call_command("verify_audit", stream)
    printed = capsys.readouterr().out
    assert all(f"{stream}#{sequence}: {reason}" in printed for sequence, reason in places)


def test_an_untouched_chain_holds(stream: str) -> None:
    assert list(verify(stream)) == []


def test_the_chain_holds_after_ordinary_work(judged: EvaluationRun) -> None:
    assert AuditEntry.objects.filter(stream="alpha").count() > 5
    assert list(verify("alpha")) == list(verify("_system")) == []


def test_the_command_succeeds_and_tells_the_head(stream: str, capsys: Any) -> None:
    call_command("verify_audit", stream)
    printed = capsys.readouterr().out
    assert f"{stream}: 5 entries, head {Ledger.objects.get(stream=stream).audit_head[:16]}" in printed
    assert "The audit is intact." in printed


def test_the_command_refuses_a_stream_that_it_does_not_know(committed_once: None) -> None:
    with pytest.raises(CommandError, match="There is no audit of 'nowhere'"):
        call_command("verify_audit", "nowhere")


def test_work_that_goes_on_meanwhile_is_no_tampering(stream: str) -> None:
    done = threading.Event()
    found: list[Break] = []

    def work_or_verify(number: int) -> None:
        if number:
            for _ in range(150):
                note(stream)
            done.set()
        while not done.is_set():
            found.extend(verify(stream))

    assert at_once(2, work_or_verify) == []
    assert found == []
