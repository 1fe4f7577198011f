"""Tokens: one SQL statement says who asks and what he is in the world of the URL."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication

from qmtl_site.audit.actor import Actor
from qmtl_site.database import native_cursor
from qmtl_site.http.refusals import Unauthenticated

TOKEN = re.compile(r"[0-9a-zA-Z]{16,256}")
LABEL = re.compile(r"[^\x00-\x1f\x7f]{0,150}")

WHO = """
    SELECT u.id, u.username, u.is_superuser, u.is_staff, w.id IS NOT NULL,
           ARRAY(SELECT r.role FROM accounts_worldrole r WHERE r.user_id = u.id AND r.world_id = w.id)
    FROM knox_authtoken t
    JOIN auth_user u ON u.id = t.user_id AND u.is_active
    LEFT JOIN worlds_world w ON w.id = %s
    WHERE t.digest = %s AND (t.expiry IS NULL OR t.expiry > now())
"""


@dataclass(frozen=True)
class Grant:
    """What a token gives in the world of the URL (`world_exists` False: no world in it, or an unknown one)."""

    digest: str
    roles: frozenset[str]
    world_exists: bool


def digest_of_header(header: str) -> str:
    """The stored digest of the token in an Authorization header; Unauthenticated when there is none."""
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() not in {"bearer", "token"} or not TOKEN.fullmatch(token):
        raise Unauthenticated("Send the header `Authorization: Bearer <token>`")
    return hashlib.sha512(token.encode()).hexdigest()


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Any) -> tuple[User, Grant] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        digest = digest_of_header(header)
        world_id = request.parser_context["kwargs"].get("world_id")
        with native_cursor() as cursor:
            cursor.execute(WHO, [world_id, digest])
            row = cursor.fetchone()
        if row is None:
            raise Unauthenticated("The token is unknown, expired or revoked")
        user_id, username, is_superuser, is_staff, world_exists, roles = row
        user = get_user_model()(id=user_id, username=username, is_superuser=is_superuser, is_staff=is_staff)
        return user, Grant(digest, frozenset(roles), world_exists)

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="qmtl"'


def actor_of(request: Any) -> Actor:
    """The actor of an API request."""
    label = request.META.get("HTTP_X_ACTOR", "")
    return Actor(
        user_id=request.user.id,
        name=request.user.username,
        is_superuser=request.user.is_superuser,
        roles=request.auth.roles,
        label=label if LABEL.fullmatch(label) else "",
        request_id=getattr(request, "request_id", ""),
    )
