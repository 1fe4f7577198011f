"""Reads of worlds and policies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from numpy.typing import NDArray

from qmtl_site.accounts.models import WorldRole
from qmtl_site.blobs import store
from qmtl_site.database import native_cursor
from qmtl_site.http.refusals import NotFound
from worlds.domain.broker import PaperTerms
from worlds.domain.policy import Policy, policy_from_document
from worlds.domain.series import Times, iso
from worlds.models import BrokerSettings, PolicyText, PolicyVersion, World


def visible_worlds(*, user_id: int, is_superuser: bool) -> QuerySet[World]:
    """Worlds in which the user has a role, with their owner and active policy version."""
    active = PolicyVersion.objects.filter(world=OuterRef("pk"), state=PolicyVersion.State.ACTIVE).values(
        "version"
    )
    worlds = World.objects.select_related("owner", "broker").annotate(
        active_policy_version=Subquery(active[:1])
    )
    mine = WorldRole.objects.filter(world=OuterRef("pk"), user_id=user_id)
    return worlds if is_superuser else worlds.filter(Exists(mine))


def get_world(world_id: str) -> World:
    active = PolicyVersion.objects.filter(world=OuterRef("pk"), state=PolicyVersion.State.ACTIVE).values(
        "version"
    )
    world = (
        World.objects.select_related("owner", "broker")
        .annotate(active_policy_version=Subquery(active[:1]))
        .filter(pk=world_id)
        .first()
    )
    if world is None:
        raise NotFound("There is no such world")
    return world


def world_document(world: World) -> dict[str, Any]:
    """As the API answers it; the world comes from one of the selectors above."""
    return {
        "id": world.id,
        "name": world.name,
        "description": world.description,
        "owner": world.owner.username,
        "labels": world.labels,
        "state": world.state,
        "state_since": world.state_since,
        "allow_live": world.allow_live,
        "circuit_breaker": world.circuit_breaker,
        "periods_per_year": world.periods_per_year,
        "risk_free_rate": world.risk_free_rate,
        "reference_capital": float(world.reference_capital),
        "reference_currency": world.reference_currency,
        "benchmark": None if world.benchmark_returns_id is None else {"sha256": world.benchmark_returns_id},
        "data_presets": world.data_presets,
        "broker": broker_document(world.pk, getattr(world, "broker", None)),
        "active_policy_version": getattr(world, "active_policy_version", None),
        "figures_frozen_at": world.figures_frozen_at,
        "last_evaluation_at": world.last_evaluation_at,
        "next_evaluation_at": world.next_evaluation_at,
        "created_at": world.created_at,
        "updated_at": world.updated_at,
    }


def broker_settings(world_id: str) -> BrokerSettings | None:
    """None: the world trades on paper, without costs."""
    return BrokerSettings.objects.filter(world=world_id).first()


def broker_document(world_id: str, settings: BrokerSettings | None) -> dict[str, Any]:
    """As everybody with a role may see it."""
    row = settings or BrokerSettings(world_id=world_id, kind="paper")
    return {
        "world_id": world_id,
        "kind": row.kind,
        "exchange": row.exchange or None,
        "sandbox": row.sandbox,
        "options": row.options,
        "paper": PaperTerms.model_validate(row.paper).model_dump(mode="json"),
        "credentials": {
            "names": row.credential_names,
            "fingerprint": row.credentials_fingerprint,
            "set_by": row.credentials_set_by,
            "set_at": row.credentials_set_at,
        }
        if row.credential_names
        else None,
        "updated_at": row.updated_at,
    }


def worlds_due(now: datetime, limit: int) -> list[tuple[str, datetime]]:
    """Worlds whose evaluation is due, with the moment since when, longest first; those that stand still are not."""
    due = World.objects.filter(next_evaluation_at__lte=now, state__in=World.EVALUATED)
    rows = due.order_by("next_evaluation_at", "id").values_list("id", "next_evaluation_at")[:limit]
    return [(world_id, since) for world_id, since in rows if since is not None]


def paused_total(world: World, now: datetime) -> timedelta:
    """How long the world has been paused until now, a pause that still lasts included; it never shrinks.

    Who keeps it beside a moment can tell later how much paused time has passed since.
    """
    if world.state != World.State.PAUSED:
        return world.paused_total
    return world.paused_total + max(now - world.state_since, timedelta(0))


@dataclass(frozen=True)
class Benchmark:
    times: Times
    returns: NDArray[np.float64]


def benchmark_of(world: World) -> Benchmark | None:
    if world.benchmark_returns_id is None or world.benchmark_times_id is None:
        return None
    blobs = store.get_many([world.benchmark_returns_id, world.benchmark_times_id])
    return Benchmark(
        times=store.integers(blobs[world.benchmark_times_id]),
        returns=store.floats(blobs[world.benchmark_returns_id]),
    )


def benchmark_summary(world: World) -> dict[str, Any] | None:
    benchmark = benchmark_of(world)
    if benchmark is None:
        return None
    return {
        "sha256": world.benchmark_returns_id,
        "points": int(benchmark.returns.size),
        "start": iso(int(benchmark.times[0])),
        "end": iso(int(benchmark.times[-1])),
    }


ACTIVE_POLICY = """
SELECT version, policy_id, checksum
FROM worlds_policyversion v JOIN worlds_policytext t ON t.policy_id = v.id
WHERE v.world_id = %s AND v.state = 'active'
"""


@dataclass(frozen=True)
class ActivePolicy:
    version: int
    checksum: str
    policy: Policy


@lru_cache(maxsize=256)
def compiled(policy_id: int, checksum: str) -> Policy:
    """The typed policy of a stored text, which is fetched once: a text never changes."""
    canonical = PolicyText.objects.values_list("canonical", flat=True).get(pk=policy_id, checksum=checksum)
    return policy_from_document(orjson.loads(canonical))


def active_policy(world_id: str) -> ActivePolicy | None:
    with native_cursor() as cursor:
        found = cursor.execute(ACTIVE_POLICY, [world_id]).fetchone()
    if found is None:
        return None
    version, key, checksum = found
    return ActivePolicy(version, checksum, compiled(key, checksum))


def policies_of(world_id: str) -> QuerySet[PolicyVersion]:
    return PolicyVersion.objects.filter(world_id=world_id).select_related("text", "created_by")


def get_policy(world_id: str, version: int) -> PolicyVersion:
    found = policies_of(world_id).filter(version=version).first()
    if found is None:
        raise NotFound(f"World {world_id} has no policy version {version}")
    return found


def policy_summary(policy: PolicyVersion) -> dict[str, Any]:
    return {
        "world_id": policy.world_id,
        "version": policy.version,
        "state": policy.state,
        "checksum": policy.text.checksum,
        "ruleset_hash": policy.text.ruleset_hash,
        "created_at": policy.created_at,
        "created_by": policy.created_by.username if policy.created_by else None,
        "activated_at": policy.activated_at,
    }


def policy_detail(policy: PolicyVersion) -> dict[str, Any]:
    return {
        **policy_summary(policy),
        "media": policy.text.media,
        "source": policy.text.source,
        "document": orjson.loads(policy.text.canonical),
    }
