"""Whose rows a person sees: those of the worlds in which he has a role; a superuser sees all."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse

Row = TypeVar("Row", bound=Model)
Roles = dict[str, frozenset[str]]


def roles_by_world(request: HttpRequest) -> Roles:
    """Roles of whoever asks, read once per request."""
    held: Roles | None = getattr(request, "roles_by_world", None)
    if held is None:
        held = {}
        for world_id, role in world_roles(request).values_list("world_id", "role"):
            held[world_id] = held.get(world_id, frozenset()) | {role}
        request.roles_by_world = held  # type: ignore[attr-defined]
    return held


def world_roles(request: HttpRequest) -> Any:
    """Through the user, so that plumbing below accounts (audit, outbox) can ask as well."""
    if not request.user.is_authenticated:
        roles: Any = User.world_roles.rel.related_model
        return roles.objects.none()
    return request.user.world_roles


def roles_in(request: HttpRequest, world_id: str | None) -> frozenset[str]:
    return frozenset() if world_id is None else roles_by_world(request).get(world_id, frozenset())


def is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_superuser)


def visible(request: HttpRequest, rows: QuerySet[Row], world_path: str | None) -> QuerySet[Row]:
    """`world_path` leads from a row to its world's id; without one only a superuser sees the rows."""
    if is_superuser(request):
        return rows
    if world_path is None:
        return rows.none()
    return rows.filter(**{f"{world_path}__in": world_roles(request).values("world_id")})


def url_of(row: Model) -> str:
    """The row's admin page."""
    return named_url(row._meta.label_lower, row.pk)


def named_url(label: str, key: Any, page: str = "change") -> str:
    """An admin page of `app.model` by its key."""
    return reverse(f"admin:{label.replace('.', '_')}_{page}", args=[quote(key)])


def list_url(label: str, **filters: Any) -> str:
    """The list of `app.model`, filtered."""
    url = reverse(f"admin:{label.replace('.', '_')}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url
