"""Reads of users and their roles."""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth.models import User

from qmtl_site.accounts.models import WorldRole
from qmtl_site.audit.actor import Actor


def roles_in(user_id: int | None, world_id: str) -> frozenset[str]:
    if user_id is None:
        return frozenset()
    rows = WorldRole.objects.filter(user_id=user_id, world_id=world_id)
    return frozenset(rows.values_list("role", flat=True))


def actor_in_world(user: User, world_id: str) -> Actor:
    """A user with the roles that he has in a world now."""
    return Actor(
        user_id=user.pk,
        name=user.username,
        is_superuser=user.is_superuser,
        roles=roles_in(user.pk, world_id),
    )


def in_world(actor: Actor, world_id: str) -> Actor:
    """The same actor, where the world stands in the body and not in the URL."""
    return replace(actor, roles=roles_in(actor.user_id, world_id))
