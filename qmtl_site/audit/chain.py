"""Recording acts and verifying the chain."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from django.db.models import Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.models import AuditEntry
from qmtl_site.ledger.models import SYSTEM_STREAM, Ledger, append
from qmtl_site.ledger.transactions import Staged, stage

log = structlog.get_logger(__name__)


def record(
    actor: Actor,
    action: str,
    *,
    object_type: str,
    object_id: str,
    world_id: str | None = None,
    **details: Any,
) -> None:
    """Stage one audit entry for the transaction of the current use case."""
    entry = AuditEntry(
        stream=world_id or SYSTEM_STREAM,
        at=timezone.now(),
        actor_id=actor.user_id,
        actor=actor.name,
        actor_label=actor.label,
        action=action,
        object_type=object_type,
        object_id=object_id,
        details=canonical(details).decode(),
        request_id=actor.request_id,
    )
    stage(Staged(stream=entry.stream, payload=entry, write=write_entries))


def write_entries(head: Ledger, entries: Sequence[AuditEntry]) -> None:
    for entry in entries:
        head.audit_sequence += 1
        entry.sequence = head.audit_sequence
        entry.previous_hash = head.audit_head
        entry.hash = head.audit_head = digest(entry)
    append(entries)


def canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z, default=str)


def digest(entry: AuditEntry) -> str:
    """sha256 over all columns but the hash itself, in canonical JSON."""
    names = [f.attname for f in AuditEntry._meta.concrete_fields if f.attname not in {"id", "hash"}]
    return hashlib.sha256(canonical({name: getattr(entry, name) for name in names})).hexdigest()


@dataclass(frozen=True)
class Break:
    stream: str
    sequence: int
    reason: str


def verify(stream: str) -> Iterator[Break]:
    """Every place where a stream's chain does not hold: a changed, removed, inserted or cut-off row.

    The head is read first and the entries up to it: what is written meanwhile is left to the next time.
    """
    head = Ledger.objects.filter(stream=stream).first() or Ledger(stream=stream)
    entries = AuditEntry.objects.filter(stream=stream).order_by("sequence")
    expected, previous = 1, ""
    for entry in entries.filter(sequence__lte=head.audit_sequence).iterator(chunk_size=2000):
        if entry.sequence != expected:
            yield Break(stream, expected, f"entry {expected} is missing (found {entry.sequence})")
        if entry.previous_hash != previous:
            yield Break(stream, entry.sequence, "does not continue from the entry before it")
        if digest(entry) != entry.hash:
            yield Break(stream, entry.sequence, "its content does not match its hash")
        expected, previous = entry.sequence + 1, entry.hash
    if head.audit_sequence >= expected:
        yield Break(stream, expected, f"the tail is cut: the ledger knows {head.audit_sequence} entries")
    elif head.audit_head != previous:
        yield Break(stream, head.audit_sequence, "the end is not the one that the ledger knows")
    for entry in entries.filter(sequence__gt=newest_known(stream)):
        yield Break(stream, entry.sequence, "the ledger does not know it")


def newest_known(stream: str) -> Coalesce:
    """The head's sequence at the moment of the statement that asks."""
    known = Ledger.objects.filter(stream=stream).values("audit_sequence")
    return Coalesce(Subquery(known), 0)


def streams() -> list[str]:
    """Every stream that has a head, or entries without one."""
    known = Ledger.objects.values_list("stream", flat=True)
    return sorted(known.union(AuditEntry.objects.values_list("stream", flat=True)))
