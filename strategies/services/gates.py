"""Gate clients: registered by a lease that is bound to their token, renewed, heard, revoked."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from qmtl_site.accounts.services import acting_user
from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.database import native_cursor
from qmtl_site.http.refusals import Forbidden, Invalid, NotFound
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from strategies.errors import GateClosed
from strategies.events import GateRegistered, GateRevoked
from strategies.models import Binding, GateAuthority, GateClient, GateHold
from strategies.selectors.activation import held_documents
from strategies.selectors.tallies import CACHE_HITS
from strategies.services.bindings import locked_bindings
from worlds.services import lock_world

# One statement, on the database's clock; nothing is renewed that has run out.
RENEW = """
UPDATE strategies_gateclient SET lease_until = now() + %(lease)s
WHERE world_id = %(world)s AND client_id = %(client)s AND revoked_at IS NULL AND lease_until > now()
  AND user_id = %(user)s AND secret_hash = %(secret)s AND token_digest = %(token)s
RETURNING id
"""
RUNNING = """
UPDATE strategies_binding b SET running_code_hash = told.code
FROM unnest(%(keys)s::bigint[], %(codes)s::text[]) AS told (key, code)
WHERE b.id = told.key AND told.code NOT IN ('', b.judged_code_hash)
"""
# The judged code runs, and whoever ran another has gone.
RUNS_AS_JUDGED = """
UPDATE strategies_binding b SET running_code_hash = ''
FROM strategies_gatehold mine
WHERE mine.client_id = %(client)s AND b.world_id = %(world)s AND b.strategy_id = mine.strategy_id
  AND b.running_code_hash <> '' AND mine.code_hash <> '' AND mine.code_hash = b.judged_code_hash AND NOT EXISTS (
    SELECT FROM strategies_gatehold h JOIN strategies_gateclient c ON c.id = h.client_id
    WHERE c.world_id = b.world_id AND h.strategy_id = b.strategy_id AND c.revoked_at IS NULL
      AND c.lease_until > now() AND h.code_hash NOT IN ('', b.judged_code_hash))
"""
STANDING = """
SELECT COALESCE(l.event_sequence, 0), g.incarnation, g.number,
       EXTRACT(EPOCH FROM w.decision_stale_at - now())::float8
FROM worlds_world w JOIN strategies_gateauthority g ON g.world_id = w.id LEFT JOIN ledger_ledger l ON l.stream = w.id
WHERE w.id = %s
"""


@dataclass(frozen=True)
class Held:
    """A strategy whose gate a client wants to hold, and the code that it runs ("": not told)."""

    strategy_id: str
    code_hash: str = ""


@use_case
def register_client(
    *, world_id: str, client_id: str, held: Sequence[Held], executor: str, token_digest: str, actor: Actor
) -> dict[str, Any]:
    """Give a client a lease on gates of the world, with a secret that is told once.

    The same client of the same user registers anew: its former lease ends. Forbidden where another user holds the
    name.
    """
    world = lock_world(world_id)
    rows = locked_bindings(world_id, [each.strategy_id for each in held])
    bound = {name: row for name, row in rows.items() if row.state != Binding.State.ARCHIVED}
    for index, each in enumerate(held):
        if each.strategy_id not in bound:
            raise Invalid.at(f"/strategies/{index}/id", f"{each.strategy_id!r} is not bound in this world")
    former = GateClient.objects.select_for_update(no_key=True).filter(
        world=world, client_id=client_id, revoked_at=None
    )
    for row in former:
        if row.user_id != actor.user_id:
            raise Forbidden(f"Somebody else holds the gate client {client_id}")
        revoke_client(key=row.pk, reason="registered anew", actor=actor)
    secret = secrets.token_urlsafe(32)
    client = GateClient.objects.create(
        world=world,
        client_id=client_id,
        user=acting_user(actor),
        token_digest=token_digest,
        secret_hash=hash_of(secret),
        executor=executor,
        registered_at=Now(),
        lease_until=Now() + lease(),
    )
    GateHold.objects.bulk_create(
        GateHold(client=client, strategy_id=each.strategy_id, code_hash=each.code_hash) for each in held
    )
    note_code(client, {bound[each.strategy_id].pk: each.code_hash for each in held})
    names = [each.strategy_id for each in held]
    record(
        actor,
        "gate.register",
        object_type="gate",
        object_id=f"{world_id}/{client_id}",
        world_id=world_id,
        strategies=names,
        executor=executor,
    )
    emit(GateRegistered(world_id=world_id, client_id=client_id, strategies=names))
    return {"client_id": client_id, "lease_secret": secret, **standing(world_id, client.pk)}


def renew_lease(
    *, world_id: str, client_id: str, secret: str, token_digest: str, cross_context_hits: int, actor: Actor
) -> dict[str, Any]:
    """A heartbeat: data, not an event. GateClosed where the lease has run out, was revoked or is not this one."""
    with native_cursor() as cursor:
        found = cursor.execute(
            RENEW,
            {
                "lease": lease(),
                "world": world_id,
                "client": client_id,
                "user": actor.user_id,
                "secret": hash_of(secret),
                "token": token_digest,
            },
        ).fetchone()
        if found is not None:
            cursor.execute(RUNS_AS_JUDGED, {"client": found[0], "world": world_id})
    if found is None:
        raise GateClosed(f"{client_id} holds no such lease in {world_id}: register again")
    if cross_context_hits:
        report_hits(world_id=world_id, client_id=client_id, hits=cross_context_hits, actor=actor)
    return standing(world_id, found[0])


@use_case
def report_hits(*, world_id: str, client_id: str, hits: int, actor: Actor) -> None:
    """A runner read a cache of another context: nothing opens until an operator has cleared it."""
    authority = GateAuthority.objects.select_for_update(no_key=True).get(world_id=world_id)
    authority.cross_context_hits += hits
    authority.save(update_fields=["cross_context_hits"])
    transaction.on_commit(partial(CACHE_HITS.count, world_id, by=hits))
    record(
        actor,
        "cross_context.report",
        object_type="gate",
        object_id=f"{world_id}/{client_id}",
        world_id=world_id,
        hits=hits,
    )


@use_case
def clear_hits(*, world_id: str, reason: str, actor: Actor) -> None:
    """An operator has looked at the cross-context hits and lets gates open again."""
    lock_world(world_id)
    authority = GateAuthority.objects.select_for_update(no_key=True).get(world_id=world_id)
    hits, authority.cross_context_hits = authority.cross_context_hits, 0
    authority.save(update_fields=["cross_context_hits"])
    record(
        actor,
        "cross_context.clear",
        object_type="world",
        object_id=world_id,
        world_id=world_id,
        hits=hits,
        reason=reason,
    )


@dataclass(frozen=True)
class Claim:
    """Who says that he holds a lease, and what shows it."""

    client_id: str
    secret: str
    token_digest: str


def leased(world_id: str, claim: Claim, actor: Actor) -> GateClient | None:
    """The client of a valid lease, when secret, user and token are its own."""
    rows = GateClient.objects.filter(
        world_id=world_id, client_id=claim.client_id, revoked_at=None, lease_until__gt=Now()
    )
    client = rows.filter(user_id=actor.user_id or 0, token_digest=claim.token_digest).first()
    if client is None or not hmac.compare_digest(client.secret_hash, hash_of(claim.secret)):
        return None
    return client


@use_case
def revoke_lease(*, world_id: str, client_id: str, reason: str, actor: Actor) -> GateClient:
    """End a client's lease: by an operator, or by whoever registered it."""
    rows = GateClient.objects.select_for_update(no_key=True).filter(world_id=world_id, client_id=client_id)
    client = rows.filter(revoked_at=None).first()
    if client is None:
        raise NotFound(f"World {world_id} has no gate client {client_id}")
    if not actor.has_any_role("operator", "owner") and not actor.is_user(client.user_id):
        raise Forbidden("An operator revokes a lease, or whoever registered it")
    revoke_client(key=client.pk, reason=reason, actor=actor)
    client.refresh_from_db()
    return client


@use_case
def revoke_client(*, key: int, reason: str, actor: Actor) -> None:
    """The client closes by itself when its lease does not go on, and nobody waits for it any more."""
    client = GateClient.objects.select_for_update(no_key=True).get(pk=key)
    if client.revoked_at is not None:
        return
    client.revoked_at, client.revoked_reason = Now(), reason[:500]
    client.save(update_fields=["revoked_at", "revoked_reason"])
    names = sorted(client.holds.values_list("strategy_id", flat=True))
    record(
        actor,
        "gate.revoke",
        object_type="gate",
        object_id=f"{client.world_id}/{client.client_id}",
        world_id=client.world_id,
        reason=reason,
    )
    emit(GateRevoked(world_id=client.world_id, client_id=client.client_id, strategies=names, reason=reason))


# --- parts of the use cases above -------------------------------------------------------------------------
def note_code(client: GateClient, hashes: Mapping[int, str]) -> None:
    """Keep which code is run, by binding, until the judged one runs again or this one is judged.

    Who says nothing of his code changes nothing, nor does the judged code beside a holder who runs another.
    """
    with native_cursor() as cursor:
        cursor.execute(RUNNING, {"keys": list(hashes), "codes": list(hashes.values())})
        cursor.execute(RUNS_AS_JUDGED, {"client": client.pk, "world": client.world_id})


def lease() -> timedelta:
    return timedelta(seconds=settings.GATE_LEASE_SECONDS)


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def standing(world_id: str, client: int) -> dict[str, Any]:
    """What a lease holder compares himself with: read in this order, so that no event is older than an envelope."""
    with native_cursor() as cursor:
        rows = cursor.execute(STANDING, [world_id]).fetchall()
    ((sequence, incarnation, number, seconds),) = rows
    return {
        "lease_seconds": settings.GATE_LEASE_SECONDS,
        "sequence": sequence,
        "epoch": [incarnation, number],
        "decision_seconds": None if seconds is None else max(seconds, 0.0),
        "gates": held_documents(world_id, client),
    }
