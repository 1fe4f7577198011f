"""Use cases of tokens and roles."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from knox.models import AuthToken

from qmtl_site.accounts.events import RoleChanged, TokenIssued, TokenRevoked
from qmtl_site.accounts.models import Role, WorldRole
from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.refusals import Forbidden, NotFound
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit

DEFAULT_EXPIRY = timedelta(days=90)


def acting_user(actor: Actor) -> User:
    """The user behind an actor; Forbidden for the service itself, which owns nothing."""
    user = None if actor.user_id is None else User.objects.filter(pk=actor.user_id).first()
    if user is None:
        raise Forbidden("Only a user may own this")
    return user


@use_case
def issue_token(*, user: User, actor: Actor, expires: timedelta = DEFAULT_EXPIRY) -> tuple[AuthToken, str]:
    """A new token of the user and its text, which is shown this once: only its digest is kept."""
    if not (actor.is_superuser or actor.is_service or actor.is_user(user.pk)):
        raise Forbidden("Only a superuser issues tokens for somebody else")
    token, text = AuthToken.objects.create(user, expiry=expires)
    record(actor, "token.issue", object_type="token", object_id=token.token_key, user=user.username)
    emit(TokenIssued(world_id=None, user=user.username, token_key=token.token_key))
    return token, text


@use_case
def revoke_token(*, token_key: str, actor: Actor) -> None:
    token = AuthToken.objects.select_related("user").filter(token_key=token_key).first()
    if token is None or not (actor.is_superuser or actor.is_service or actor.is_user(token.user_id)):
        raise NotFound("There is no such token of yours")
    token.delete()
    record(actor, "token.revoke", object_type="token", object_id=token_key, user=token.user.username)
    emit(TokenRevoked(world_id=None, user=token.user.username, token_key=token_key))


@use_case
def grant_role(*, user: User, world_id: str, role: Role, actor: Actor) -> WorldRole:
    """Give a role; giving it again changes nothing."""
    held, created = WorldRole.objects.get_or_create(user=user, world_id=world_id, role=role)
    if created:
        record_role(actor, "role.grant", held, granted=True)
    return held


@use_case
def revoke_role(*, user: User, world_id: str, role: Role, actor: Actor) -> None:
    held = WorldRole.objects.select_related("user").filter(user=user, world_id=world_id, role=role).first()
    if held is None:
        raise NotFound(f"{user.username} does not have the role {role} there")
    held.delete()
    record_role(actor, "role.revoke", held, granted=False)


def record_role(actor: Actor, action: str, held: WorldRole, *, granted: bool) -> None:
    username = held.user.username
    record(
        actor,
        action,
        object_type="role",
        object_id=f"{held.world_id}/{username}/{held.role}",
        world_id=held.world_id,
        user=username,
        role=held.role,
    )
    emit(RoleChanged(world_id=held.world_id, user=username, role=held.role, granted=granted))
