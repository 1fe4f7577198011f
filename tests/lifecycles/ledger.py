"""What an act left behind, and why it was refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.models import AuditEntry
from qmtl_site.http.problems import refusal_of
from qmtl_site.http.refusals import Refusal
from qmtl_site.outbox.models import OutboxEvent

# What `evaluation` writes about bindings is counted apart from what it writes about runs.
SMALL = settings(
    max_examples=20, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
ACTOR = Actor(user_id=None, name="service:test")


def written(object_type: str, event_type: str, *, stream: str = "alpha") -> tuple[int, int]:
    """How many audit entries and events there are about a kind of thing."""
    entries = AuditEntry.objects.filter(stream=stream, object_type=object_type)
    events = OutboxEvent.objects.filter(stream=stream, type__startswith=event_type)
    return entries.count(), events.count()


def refused(act: Callable[[], Any]) -> Refusal:
    """The refusal that HTTP would answer, in a savepoint like each use case's own transaction."""
    with pytest.raises(Exception) as caught, transaction.atomic():
        act()
    return refusal_of(caught.value)


class RolledBack(RuleBasedStateMachine):
    """Each example in a savepoint of the test's transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)
