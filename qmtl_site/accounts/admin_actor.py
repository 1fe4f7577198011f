"""Who acts through the admin, and what he may do there: the roles that the API asks for, asked the same way."""

from __future__ import annotations

from django.http import HttpRequest

from qmtl_site.accounts.access import Access
from qmtl_site.audit.actor import Actor
from qmtl_site.pages.scope import is_superuser, roles_by_world, roles_in


def actor_of_admin(request: HttpRequest, world_id: str | None = None) -> Actor:
    """The actor of an admin request, with his roles in the world concerned."""
    user = request.user
    return Actor(
        user_id=user.pk,
        name=user.get_username(),
        is_superuser=is_superuser(request),
        roles=roles_in(request, world_id),
        request_id=getattr(request, "request_id", ""),
    )


def admits(request: HttpRequest, access: Access, world_id: str | None) -> bool:
    """Whether the roles in that world are enough; without a world, whether those in any world are."""
    if world_id is None:
        held = frozenset().union(*roles_by_world(request).values())
        return access.admits(roles=held, is_superuser=is_superuser(request))
    return access.admits(roles=roles_in(request, world_id), is_superuser=is_superuser(request))


def worlds_admitting(request: HttpRequest, access: Access) -> list[str] | None:
    """Worlds in which one may; None: in all."""
    if is_superuser(request):
        return None
    held = roles_by_world(request)
    return sorted(w for w, roles in held.items() if access.admits(roles=roles, is_superuser=False))
