"""Reads of recorded plans."""

from __future__ import annotations

from typing import Any

import orjson
from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce

from qmtl_site.accounts.models import WorldRole
from qmtl_site.audit.actor import Actor
from qmtl_site.http.refusals import NotFound
from rebalancing.domain.plan import Plan, plan
from rebalancing.models import Order, PlanRecord, PlanWorld
from rebalancing.models.execution import TRADED
from rebalancing.schemas import ApplyPlan, terms_of
from strategies.models import Apply


def plan_record(run_id: str) -> PlanRecord:
    found = PlanRecord.objects.filter(run_id=run_id).first()
    if found is None:
        raise NotFound(f"There is no rebalancing {run_id}")
    return found


def worlds_of(record: PlanRecord) -> list[str]:
    return sorted(record.worlds.values_list("world_id", flat=True))


def readable_plan(run_id: str, actor: Actor) -> PlanRecord:
    """NotFound unless the actor has a role in each of its worlds: it tells of all of them."""
    record = plan_record(run_id)
    worlds = set(worlds_of(record))
    held = WorldRole.objects.filter(user_id=actor.user_id or 0, world__in=worlds)
    if (
        not (actor.is_superuser or actor.is_service)
        and set(held.values_list("world_id", flat=True)) != worlds
    ):
        raise NotFound(f"There is no rebalancing {run_id}")
    return record


def visible_plans(rows: QuerySet[PlanRecord]) -> QuerySet[PlanRecord]:
    return rows.select_related("execution").prefetch_related("worlds")


def with_standing(rows: QuerySet[PlanRecord]) -> QuerySet[Any]:
    """`is_switched_over`: others went live in one of its worlds since, so that its weights are of before.
    `is_traded_over`: another execution has traded there, so that its positions are. `is_said_over`: another
    allocation was stored than the one it starts from."""
    applies = Apply.objects.filter(
        world__rebalancings__plan=OuterRef("pk"),
        phase=Apply.Phase.COMPLETED,
        settled_at__gt=OuterRef("created_at"),
    )
    orders = Order.objects.filter(
        TRADED,
        execution__held_worlds__world__rebalancings__plan=OuterRef("pk"),
        execution__held_worlds__released_at__gte=OuterRef("created_at"),
    ).exclude(execution=OuterRef("pk"))
    said = PlanWorld.objects.filter(plan=OuterRef("pk"), etag__isnull=False).exclude(
        etag=Coalesce("world__allocation__etag", Value(""))
    )
    return rows.annotate(
        is_switched_over=Exists(applies), is_traded_over=Exists(orders), is_said_over=Exists(said)
    )


def switched_over(record: PlanRecord) -> list[str]:
    """Worlds of it in which others went live since it was recorded."""
    applies = Apply.objects.filter(
        world__rebalancings__plan=record, phase=Apply.Phase.COMPLETED, settled_at__gt=record.created_at
    )
    return sorted(set(applies.values_list("world_id", flat=True)))


def plan_bytes(record: PlanRecord) -> bytes:
    """The answer as it was given: its exact numbers are not read as floats on the way."""
    told = orjson.dumps(
        {"run_id": record.run_id, "created_at": record.created_at, "created_by": record.actor},
        option=orjson.OPT_UTC_Z,
    )
    return record.answer.encode()[:-1] + b"," + told[1:]


def asked_of(record: PlanRecord) -> ApplyPlan:
    return ApplyPlan.model_validate(orjson.loads(record.request))


def plan_again(record: PlanRecord) -> Plan:
    """The plan from what was asked: the same, as it is a function of nothing else."""
    asked = asked_of(record)
    return plan(terms_of(asked), asked.positions)  # type: ignore[arg-type]
