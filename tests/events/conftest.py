"""A committed world, somebody who reads it, and use cases that only note."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from knox.models import AuthToken

from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role
from qmtl_site.audit.actor import Actor
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox import events
from tests.conftest import empty_database
from tests.evidence.notes import Noted
from worlds.schemas import WorldCreate
from worlds.services import create_world


@dataclass(frozen=True)
class Committed:
    """Rows that other processes see. Each test makes worlds of its own and disturbs nobody."""

    root: Actor
    token: str

    def world(self, world_id: str, notes: int = 0) -> int:
        """A new world; the sequence of its newest event, the last of the notes if there are any."""
        create_world(fields=WorldCreate(id=world_id), actor=self.root)
        if notes:
            tell(world_id, *map(str, range(notes)))
        return events.head(world_id)

    def reader(self, name: str, world_id: str, role: str = "viewer") -> tuple[User, str]:
        """Somebody with a role in a world, and his token."""
        user, _ = User.objects.get_or_create(username=name)
        grant_role(user=user, world_id=world_id, role=Role(role), actor=self.root)
        return user, AuthToken.objects.create(user)[1]


@use_case
def tell(world_id: str, *texts: str) -> None:
    """Events and nothing else, however many and long, in one transaction."""
    for text in texts:
        events.emit(Noted(world_id=world_id, text=text))


@pytest.fixture(scope="module")
def rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[Committed]:
    with django_db_blocker.unblock():
        root = User.objects.create_superuser("root")
        actor = Actor(user_id=root.pk, name="root", is_superuser=True)
        yield Committed(actor, AuthToken.objects.create(root)[1])
        empty_database()
