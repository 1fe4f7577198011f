"""Use cases of a world: create, change, move along its lifecycle, engage the kill switch."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from qmtl.metrics import BadSeries, check_returns
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import acting_user, grant_role
from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.blobs import store
from qmtl_site.http.conditional import require_match
from qmtl_site.http.refusals import Forbidden, Invalid
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from worlds.domain.presets import DataPreset, PresetRefused, check_presets
from worlds.domain.series import SeriesInput, SeriesRefused, read_times
from worlds.errors import WorldExists
from worlds.events import WorldCreated, WorldStateChanged, WorldUpdated
from worlds.models import World
from worlds.schemas import WorldCreate, WorldFields, WorldPatch
from worlds.selectors import paused_total
from worlds.services.broker import write_broker
from worlds.services.four_eyes import refuse_own_live, refuse_own_reset
from worlds.services.locking import insist, lock_world
from worlds.services.schedule import follow_state, make_due

FROZEN_FIGURES = ("periods_per_year", "risk_free_rate", "reference_capital")
OF_THEIR_OWN = frozenset({"data_presets", "broker"})
SPELLINGS = {"Active": "ACTIVE", "Paused": "PAUSED", "EvalOnly": "EVALUATION_ONLY", "Retired": "RETIRED"}
TRANSITIONS = {"ACTIVE": "resume", "EVALUATION_ONLY": "restrict", "PAUSED": "pause", "RETIRED": "retire"}


@use_case
def create_world(*, fields: WorldCreate, actor: Actor) -> World:
    owner = named_user(fields.owner) if fields.owner else acting_user(actor)
    if owner.pk != actor.user_id and not actor.is_superuser:
        raise Forbidden("Only a superuser creates a world for somebody else")
    now = timezone.now()
    world = World(id=fields.id, name=fields.name or fields.id, owner=owner, state_since=now, created_at=now)
    set_fields(world, fields)
    world.allow_live_by_id = actor.user_id if world.allow_live else None
    world.updated_at = now
    try:
        with transaction.atomic():
            world.save(force_insert=True)
    except IntegrityError as error:
        if "world_ids_differ" in str(error) or "pkey" in str(error):
            raise WorldExists(f"There is already a world {fields.id!r}") from None
        raise
    record(
        actor, "world.create", object_type="world", object_id=world.id, world_id=world.id, fields=told(fields)
    )
    if fields.broker is not None:
        write_broker(world, fields.broker, actor, at="/broker")
    emit(WorldCreated(world_id=world.id, name=world.name, owner=owner.username))
    grant_role(user=owner, world_id=world.id, role=Role.OWNER, actor=actor)
    return world


@use_case
def update_world(*, world_id: str, fields: WorldPatch, actor: Actor, headers: Any = None) -> World:
    world = lock_world(world_id)
    require_match(headers or {}, str(world.revision))
    if not fields.model_fields_set:
        return world
    if fields.owner:
        world.owner = named_user(fields.owner)
        grant_role(user=world.owner, world_id=world.id, role=Role.OWNER, actor=actor)
    refuse_frozen(world, fields)
    allowed_live = world.allow_live
    set_fields(world, fields)
    if world.allow_live != allowed_live:
        note_allow_live(world, actor)
    touch(world)
    world.save()
    if fields.broker is not None:
        write_broker(world, fields.broker, actor, at="/broker")
    changed = sorted(fields.model_fields_set)
    record(
        actor, "world.update", object_type="world", object_id=world.id, world_id=world.id, fields=told(fields)
    )
    emit(WorldUpdated(world_id=world.id, fields=changed))
    return world


@use_case
def change_world_state(
    *, world_id: str, state: str, reason: str, actor: Actor, force: bool = False, headers: Any = None
) -> World:
    """Move the world by its lifecycle. Leaving ACTIVE closes gates: an inside subscriber of the event does it."""
    world = lock_world(world_id)
    require_match(headers or {}, str(world.revision))
    before, target, now = world.state, SPELLINGS.get(state, state), touch(world)
    world.paused_total = paused_total(world, now)
    getattr(world, TRANSITIONS[target])()
    world.state_since = now
    follow_state(world, before=before, now=now)
    world.save()
    record(
        actor,
        f"world.{TRANSITIONS[target]}",
        object_type="world",
        object_id=world.id,
        world_id=world.id,
        before=before,
        after=world.state,
        reason=reason,
    )
    emit(world_state_event(world, before=before, reason=reason, forced=force))
    return world


@use_case
def set_circuit_breaker(*, world_id: str, engaged: bool, reason: str, actor: Actor) -> World:
    """Engage (operator) or reset (risk) the kill switch. Saying what already holds changes nothing.

    A reset opens nothing by itself: it asks for one evaluation.
    """
    if not actor.has_any_role(*((Role.OPERATOR, Role.OWNER) if engaged else (Role.RISK,))):
        raise Forbidden("An operator engages the circuit breaker; the role risk resets it")
    world = lock_world(world_id, writable=False)
    if world.circuit_breaker == engaged:
        return world
    if not engaged:
        refuse_own_reset(world, actor)
    world.circuit_breaker, world.circuit_breaker_by_id = engaged, actor.user_id
    now = touch(world)
    if not engaged:
        make_due(world, now=now)
    world.save()
    action = "world.engage_breaker" if engaged else "world.reset_breaker"
    record(actor, action, object_type="world", object_id=world.id, world_id=world.id, reason=reason)
    emit(world_state_event(world, before=world.state, reason=reason))
    return world


def switch_circuit_breaker(*, world_id: str, engaged: bool, reason: str, actor: Actor) -> World:
    """The same, by hand: whoever stands still with a lock does not keep it from being engaged."""
    act = partial(set_circuit_breaker, world_id=world_id, engaged=engaged, reason=reason, actor=actor)
    return insist(act) if engaged else act()


@use_case
def freeze_figures(*, world_id: str) -> None:
    """The first evaluated run fixes what all figures of the world are computed with."""
    World.objects.filter(pk=world_id, figures_frozen_at=None).update(figures_frozen_at=timezone.now())


# --- parts of the use cases above -------------------------------------------------------------------------
def named_user(username: str) -> User:
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise Invalid.at("/owner", f"there is no user {username!r}")
    return user


def set_fields(world: World, fields: WorldFields) -> None:
    for name in fields.model_fields_set - {"id", "owner", "benchmark"}:
        value = getattr(fields, name)
        if value is None:
            raise Invalid.at(f"/{name}", "null is not a value here")
        if name not in OF_THEIR_OWN:
            setattr(world, name, value)
    if fields.data_presets is not None:
        world.data_presets = [preset.model_dump(mode="json") for preset in fields.data_presets]
    if fields.model_fields_set & {"data_presets", "periods_per_year"}:
        refuse_odd_presets(world)
    if "benchmark" in fields.model_fields_set:
        set_benchmark(world, fields.benchmark)


def refuse_odd_presets(world: World) -> None:
    presets = [DataPreset.model_validate(preset) for preset in world.data_presets]
    try:
        check_presets(presets, world.periods_per_year)
    except PresetRefused as refused:
        raise Invalid.at(f"/data_presets{refused.pointer}", refused.reason) from None


def set_benchmark(world: World, series: SeriesInput | None) -> None:
    if series is None:
        world.benchmark_returns_id = world.benchmark_times_id = None
        return
    returns, times = checked_returns(series, at="/benchmark")
    world.benchmark_returns_id, world.benchmark_times_id = store.put_many(
        [store.float_bytes(returns), store.integer_bytes(times)]
    )


def checked_returns(series: SeriesInput, *, at: str) -> tuple[Any, Any]:
    """Returns and times of a posted series; Invalid with the pointer of the first bad point."""
    try:
        times = read_times(series)
        return check_returns(series.values), times
    except SeriesRefused as refused:
        raise Invalid.at(at + "".join(f"/{part}" for part in refused.path), refused.reason) from None
    except BadSeries as bad:
        place = "" if bad.index is None else f"/{bad.index}"
        raise Invalid.at(f"{at}/values{place}", bad.reason) from None


def refuse_frozen(world: World, fields: WorldFields) -> None:
    if world.figures_frozen_at is None:
        return
    for name in fields.model_fields_set.intersection(FROZEN_FIGURES):
        if getattr(fields, name) != getattr(world, name):
            raise Invalid.at(f"/{name}", "is fixed since the world's first run was evaluated")


def note_allow_live(world: World, actor: Actor) -> None:
    if world.allow_live:
        refuse_own_live(world, actor)
    world.allow_live_by_id = actor.user_id


def touch(world: World) -> datetime:
    world.revision += 1
    world.updated_at = timezone.now()
    return world.updated_at


def told(fields: WorldFields) -> dict[str, Any]:
    """The fields as the audit keeps them: no full series."""
    return fields.model_dump(mode="json", exclude_unset=True, exclude={"benchmark": {"values", "timestamps"}})


def world_state_event(world: World, *, before: str, reason: str, forced: bool = False) -> WorldStateChanged:
    return WorldStateChanged(
        world_id=world.id,
        before=before,
        after=world.state,
        circuit_breaker=world.circuit_breaker,
        reason=reason,
        forced=forced,
    )
