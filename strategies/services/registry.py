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
    strategy = Strategy(
        id=fields.id, name=fields.name or fields.id, owner=owner, created_at=now, updated_at=now
    )
    set_fields(strategy, fields)
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
    """Change a strategy; a new version must be higher than the one before."""
    strategy = Strategy.objects.select_for_update(no_key=True).filter(pk=strategy_id).first()
    if strategy is None:
        raise NotFound(f"There is no strategy {strategy_id!r}")
    require_owner(strategy, actor)
    require_match(headers or {}, str(strategy.revision))
    if fields.version is not None and fields.version < strategy.version:
        raise Invalid.at("/version", f"the strategy is at version {strategy.version}; versions only rise")
    set_fields(strategy, fields)
    strategy.revision += 1
    strategy.updated_at = timezone.now()
    strategy.save()
    record(actor, "strategy.update", object_type="strategy", object_id=strategy.id, fields=told(fields))
    changed = sorted(fields.model_fields_set)
    emit(StrategyUpdated(world_id=None, strategy_id=strategy.id, version=strategy.version, fields=changed))
    return strategy


# --- parts of the use cases above -------------------------------------------------------------------------
def require_owner(strategy: Strategy, actor: Actor) -> None:
    if not (actor.is_superuser or actor.is_service or actor.is_user(strategy.owner_id)):
        raise Forbidden(f"Strategy {strategy.id!r} belongs to somebody else")


def set_fields(strategy: Strategy, fields: StrategyFields) -> None:
    for name in fields.model_fields_set - {"id"}:
        value = getattr(fields, name)
        if value is None:
            raise Invalid.at(f"/{name}", "null is not a value here")
        setattr(strategy, name, value)


def told(fields: StrategyFields) -> dict[str, Any]:
    return fields.model_dump(mode="json", exclude_unset=True)
