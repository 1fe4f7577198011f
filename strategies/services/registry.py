"""Use cases of strategies: who owns what, in which version."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from qmtl_site.accounts.services import acting_user
from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.conditional import require_match
from qmtl_site.http.refusals import Forbidden, Invalid, NotFound
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from strategies.errors import StrategyExists
from strategies.events import StrategyRegistered, StrategyUpdated
from strategies.models import Strategy
from strategies.schemas import StrategyCreate, StrategyFields, StrategyPatch


@use_case
def register_strategy(*, fields: StrategyCreate, actor: Actor) -> Strategy:
    now = timezone.now()
    owner = acting_user(actor)
    strategy = Strategy(id=fields.id, name=fields.id, owner=owner, created_at=now, updated_at=now)
    for name, value in told(fields).items():
        setattr(strategy, name, value)
    try:
        with transaction.atomic():
            strategy.save(force_insert=True)
    except IntegrityError:
        raise StrategyExists(
            f"There is already a strategy {fields.id!r} (ids differ by more than case)"
        ) from None
    record(actor, "strategy.register", object_type="strategy", object_id=strategy.id, fields=told(fields))
    emit(
        StrategyRegistered(
            world_id=None, strategy_id=strategy.id, version=strategy.version, owner=owner.username
        )
    )
    return strategy


@use_case
def update_strategy(
    *, strategy_id: str, fields: StrategyPatch, actor: Actor, headers: Any = None
) -> Strategy:
    """Change a strategy. Other code is its next version, where none is said; what changes nothing writes nothing."""
    strategy = Strategy.objects.select_for_update(no_key=True).filter(pk=strategy_id).first()
    if strategy is None:
        raise NotFound(f"There is no strategy {strategy_id!r}")
    require_owner(strategy, actor)
    require_match(headers or {}, str(strategy.revision))
    if fields.version is not None and fields.version < strategy.version:
        raise Invalid.at("/version", f"the strategy is at version {strategy.version}; versions only rise")
    changed = changes_of(strategy, fields)
    if not changed:
        return strategy
    for name, value in changed.items():
        setattr(strategy, name, value)
    strategy.revision += 1
    strategy.updated_at = timezone.now()
    strategy.save()
    record(actor, "strategy.update", object_type="strategy", object_id=strategy.id, fields=changed)
    emit(
        StrategyUpdated(
            world_id=None, strategy_id=strategy.id, version=strategy.version, fields=sorted(changed)
        )
    )
    return strategy


# --- parts of the use cases above -------------------------------------------------------------------------
def require_owner(strategy: Strategy, actor: Actor) -> None:
    if not (actor.is_superuser or actor.is_service or actor.is_user(strategy.owner_id)):
        raise Forbidden(f"Strategy {strategy.id!r} belongs to somebody else")


def changes_of(strategy: Strategy, fields: StrategyFields) -> dict[str, Any]:
    """What is told and is not so already. Invalid for null."""
    changed = {name: value for name, value in told(fields).items() if value != getattr(strategy, name)}
    if changed.get("code_hash") and strategy.code_hash and "version" not in fields.model_fields_set:
        changed["version"] = strategy.version + 1
    return changed


def told(fields: StrategyFields) -> dict[str, Any]:
    found = fields.model_dump(mode="json", exclude_unset=True)
    for name, value in found.items():
        if value is None:
            raise Invalid.at(f"/{name}", "null is not a value here")
    return found
