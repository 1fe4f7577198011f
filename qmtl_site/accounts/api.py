"""HTTP of tokens and roles."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.http import HttpResponse

from qmtl_site.accounts import schemas, services
from qmtl_site.accounts.access import READ, TOKEN, roles
from qmtl_site.accounts.models import Role, WorldRole
from qmtl_site.accounts.views import ServiceView
from qmtl_site.http.openapi import operation
from qmtl_site.http.refusals import Invalid


def user_named(name: str) -> User:
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise Invalid.at("/user", f"there is no user {name!r}")
    return user


class Tokens(ServiceView):
    access: ClassVar = {"POST": TOKEN}

    @operation("Issue a token", request=schemas.TokenCreate, response=schemas.TokenDocument, status=201)
    def post(self, request: Any) -> HttpResponse:
        wanted = self.body(schemas.TokenCreate)
        user = user_named(wanted.user or request.user.username)
        token, text = services.issue_token(
            user=user, actor=self.actor, expires=timedelta(days=wanted.expires_days)
        )
        return self.reply(
            {"user": user.username, "token": text, "token_key": token.token_key, "expires_at": token.expiry},
            status=201,
        )


class TokenItem(ServiceView):
    access: ClassVar = {"DELETE": TOKEN}

    @operation("Revoke a token", status=204)
    def delete(self, request: Any, token_key: str) -> HttpResponse:
        services.revoke_token(token_key=token_key, actor=self.actor)
        return HttpResponse(status=204)


class Roles(ServiceView):
    access: ClassVar = {"GET": READ, "POST": roles(Role.OWNER), "DELETE": roles(Role.OWNER)}

    @operation("Who has which roles in a world", response=schemas.RoleList)
    def get(self, request: Any, world_id: str) -> HttpResponse:
        held: dict[str, list[str]] = defaultdict(list)
        rows = WorldRole.objects.filter(world_id=world_id).order_by("user__username", "role")
        for username, role in rows.values_list("user__username", "role"):
            held[username].append(role)
        return self.reply({"items": [{"user": user, "roles": names} for user, names in held.items()]})

    @operation("Give a role", request=schemas.RoleChange, response=schemas.RoleList, status=201)
    def post(self, request: Any, world_id: str) -> HttpResponse:
        change = self.body(schemas.RoleChange)
        services.grant_role(
            user=user_named(change.user), world_id=world_id, role=Role(change.role), actor=self.actor
        )
        response = self.get(request, world_id)
        response.status_code = 201
        return response

    @operation("Take a role away", request=schemas.RoleChange, response=schemas.RoleList)
    def delete(self, request: Any, world_id: str) -> HttpResponse:
        change = self.body(schemas.RoleChange)
        services.revoke_role(
            user=user_named(change.user), world_id=world_id, role=Role(change.role), actor=self.actor
        )
        return self.get(request, world_id)
