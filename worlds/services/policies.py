"""Use cases of policies: write, publish, roll back."""

from __future__ import annotations

from typing import Any, Literal

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.refusals import Fault, Invalid, NotFound
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from worlds.domain.policy import PolicyRefused, canonical_bytes, checksum, load_policy, ruleset_hash
from worlds.domain.ruleset import RULESET_VERSION
from worlds.events import PolicyUpdated
from worlds.models import PolicyText, PolicyVersion, World
from worlds.services.four_eyes import refuse_own_policy
from worlds.services.locking import lock_world
from worlds.services.schedule import follow_policy

Media = Literal["yaml", "json"]


@use_case
def write_policy(
    *, world_id: str, source: str | bytes, media: Media, actor: Actor, publish: bool
) -> PolicyVersion:
    """Keep a new version: a draft, or at once the active one. A policy that does not validate is refused."""
    try:
        policy = load_policy(source, media=media)
    except PolicyRefused as refused:
        raise refused_policy(refused) from None
    world = lock_world(world_id)
    newest = world.policies.order_by("-version").values_list("version", flat=True).first() or 0
    version = PolicyVersion.objects.create(
        world=world, version=newest + 1, created_by_id=actor.user_id, created_at=timezone.now()
    )
    PolicyText(
        policy=version,
        media=media,
        source=source if isinstance(source, str) else source.decode(),
        canonical=canonical_bytes(policy).decode(),
        checksum=checksum(policy),
        ruleset_hash=ruleset_hash(policy, None, RULESET_VERSION),
    ).save()
    record_policy(actor, "policy.write", version)
    if publish:
        return make_active(world, version, actor=actor, reason="")
    emit(policy_event(version))
    return version


@use_case
def publish_policy(*, world_id: str, version: int, actor: Actor, reason: str = "") -> PolicyVersion:
    """Make a draft, or again an older version (a rollback), the active one."""
    world = lock_world(world_id)
    policy = PolicyVersion.objects.select_for_update().filter(world_id=world_id, version=version).first()
    if policy is None:
        raise NotFound(f"World {world_id} has no policy version {version}")
    return make_active(world, policy, actor=actor, reason=reason)


def make_active(world: World, policy: PolicyVersion, *, actor: Actor, reason: str) -> PolicyVersion:
    refuse_own_policy(world, policy, actor)
    is_rollback = policy.state == PolicyVersion.State.DEPRECATED
    policy.activate()
    current = PolicyVersion.objects.select_for_update().filter(world=world, state="active").first()
    if current is not None:
        current.deprecate()
        current.save()
    now = timezone.now()
    policy.activated_at, policy.activated_by_id = now, actor.user_id
    policy.save()
    follow_policy(world, now=now)
    world.save(update_fields=["next_evaluation_at", "decision_stale_at"])
    record_policy(actor, "policy.rollback" if is_rollback else "policy.activate", policy, reason=reason)
    emit(policy_event(policy, rollback=is_rollback))
    return policy


# --- parts of the use cases above -------------------------------------------------------------------------
def record_policy(actor: Actor, action: str, policy: PolicyVersion, **details: Any) -> None:
    record(
        actor,
        action,
        object_type="policy",
        object_id=f"{policy.world_id}/{policy.version}",
        world_id=policy.world_id,
        version=policy.version,
        checksum=policy.text.checksum,
        ruleset_hash=policy.text.ruleset_hash,
        **details,
    )


def policy_event(policy: PolicyVersion, *, rollback: bool = False) -> PolicyUpdated:
    return PolicyUpdated(
        world_id=policy.world_id,
        version=policy.version,
        state=policy.state,
        checksum=policy.text.checksum,
        ruleset_hash=policy.text.ruleset_hash,
        rollback=rollback,
    )


def refused_policy(refused: PolicyRefused) -> Invalid:
    faults = [
        Fault(
            fault.pointer,
            f"{fault.path or 'policy'}: {fault.message}",
            tuple(fault.nearest),
            fault.line,
            fault.column,
        )
        for fault in refused.faults
    ]
    return Invalid(faults[0].detail, faults=faults)
