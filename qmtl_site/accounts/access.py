"""Who may call what: declared on the view per method, checked in one place, walked by the permission matrix."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from rest_framework.permissions import BasePermission

from qmtl_site.accounts.models import Role
from qmtl_site.http.refusals import Forbidden, MethodNotAllowed, NotFound, Unauthenticated


class Kind(Enum):
    PUBLIC = "anybody"
    TOKEN = "any valid token"
    PERMISSION = "user permission"
    WORLD = "role in the world"
    SUPERUSER = "superuser"


@dataclass(frozen=True)
class Access:
    kind: Kind
    roles: frozenset[str] = frozenset()
    permission: str = ""

    def admits(self, *, roles: frozenset[str], is_superuser: bool) -> bool:
        return is_superuser or not self.roles.isdisjoint(roles)


PUBLIC = Access(Kind.PUBLIC)
TOKEN = Access(Kind.TOKEN)
SUPERUSER = Access(Kind.SUPERUSER)
READ = Access(Kind.WORLD, frozenset(Role))


def roles(*names: Role) -> Access:
    """Any of these roles; an owner does what an operator does."""
    implied = {Role.OWNER} if Role.OPERATOR in names else set()
    return Access(Kind.WORLD, frozenset(names) | implied)


def permission(name: str) -> Access:
    return Access(Kind.PERMISSION, permission=name)


class DeclaredAccess(BasePermission):
    """Reads `view.access[method]`. A view without a declaration is closed."""

    def has_permission(self, request: Any, view: Any) -> bool:
        method = "GET" if request.method == "HEAD" else request.method
        if method not in view.access:
            raise MethodNotAllowed(f"{request.method} is not allowed here")
        access: Access = view.access[method]
        if access.kind is Kind.PUBLIC:
            return True
        if request.user is None:
            raise Unauthenticated()
        check(access, request)
        return True


def check(access: Access, request: Any) -> None:
    """Refuse what the token does not allow: 404 without any role in the world, 403 with the wrong ones."""
    superuser = request.user.is_superuser
    if access.kind is Kind.WORLD:
        grant = request.auth
        if not grant.world_exists or not (superuser or grant.roles):
            raise NotFound("There is no such world, or you have no role in it")
        if not access.admits(roles=grant.roles, is_superuser=superuser):
            wanted = ", ".join(sorted(access.roles))
            raise Forbidden(f"This needs one of the roles {wanted} in the world")
    elif access.kind is Kind.PERMISSION and not (superuser or request.user.has_perm(access.permission)):
        raise Forbidden(f"This needs the permission {access.permission}")
    elif access.kind is Kind.SUPERUSER and not superuser:
        raise Forbidden("This needs a superuser")
