"""Promotions that wait for a person: made by decisions, approved or rejected with a reason."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from evaluation.domain.decision import Decision as Outcome
from evaluation.events import PROMOTION_EVENTS
from evaluation.models import Decision, EvaluationRun, Promotion
from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.database import native_cursor, update_rows
from qmtl_site.http.refusals import Forbidden, IllegalTransition, NotFound
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from worlds.errors import BreakerEngaged, FourEyes, LiveNotAllowed
from worlds.models import World
from worlds.selectors import active_policy
from worlds.services import lock_world

OPEN = ["pending", "approved"]
ANYBODY = """
SELECT FROM evaluation_promotion WHERE world_id = %s AND state IN ('pending', 'approved') LIMIT 1
"""


def settle_promotions(*, world: World, decision: Decision, outcome: Outcome, actor: Actor) -> None:
    """Under `manual_approval` the newest decision says who waits: newcomers come, who is not in it lapses."""
    mode = outcome.board.situation.policy.governance.live_promotion.mode
    promoted = [outcome.board.candidates[i] for i in outcome.moves.promote]
    wanted = {each.strategy_id: each.run_id for each in promoted} if mode == "manual_approval" else {}
    if not wanted and not anybody_waits(world.pk):
        return
    waiting = {row.strategy_id: row for row in Promotion.objects.filter(world=world, state__in=OPEN)}
    now = timezone.now()
    for name, row in waiting.items():
        if name not in wanted:
            change(row, "lapse", f"not in decision {decision.decision_id}", actor)
    standing = [waiting[name] for name in wanted if name in waiting]
    for row in standing:
        row.decision, row.run_id, row.updated_at = decision, wanted[row.strategy_id], now
    if standing:
        update_rows(standing, ["decision", "run_id", "updated_at"])
    made = Promotion.objects.bulk_create(
        Promotion(
            world=world, strategy_id=name, run_id=run_id, decision=decision, created_at=now, updated_at=now
        )
        for name, run_id in wanted.items()
        if name not in waiting
    )
    for row in made:
        tell(row, None, "asked for by the decision", actor)


def anybody_waits(world_id: str) -> bool:
    with native_cursor() as cursor:
        return cursor.execute(ANYBODY, [world_id]).fetchone() is not None


@use_case
def approve_promotion(*, world_id: str, promotion_id: int, reason: str, actor: Actor) -> Promotion:
    """Let it go live: checked again against the newest decision, the world and who asks.

    Nothing opens here: the apply of the world's plan does that, and looks again.
    """
    world, promotion = locked(world_id, promotion_id)
    require_approver(world, promotion, actor)
    newest = Decision.objects.filter(world=world).order_by("-number").first()
    if newest is None or promotion.decision_id != newest.pk:
        raise IllegalTransition(
            "The newest decision does not ask for this promotion", current=promotion.state, open=["lapse"]
        )
    require_policy(world, promotion, newest)
    if world.state != World.State.ACTIVE:
        raise IllegalTransition(f"The world is {world.state}", current=world.state, open=["resume"])
    if not world.allow_live:
        raise LiveNotAllowed(f"World {world_id} does not allow live trading")
    if world.circuit_breaker:
        raise BreakerEngaged(f"The circuit breaker of {world_id} is engaged")
    return decided(promotion, "approve", reason, actor)


@use_case
def reject_promotion(*, world_id: str, promotion_id: int, reason: str, actor: Actor) -> Promotion:
    world, promotion = locked(world_id, promotion_id)
    require_approver(world, promotion, actor)
    return decided(promotion, "reject", reason, actor)


# --- parts of the use cases above -------------------------------------------------------------------------
def locked(world_id: str, promotion_id: int) -> tuple[World, Promotion]:
    world = lock_world(world_id)
    rows = Promotion.objects.select_for_update(of=("self",)).select_related("strategy")
    promotion = rows.filter(world_id=world_id, pk=promotion_id).first()
    if promotion is None:
        raise NotFound(f"World {world_id} has no promotion {promotion_id}")
    return world, promotion


def require_approver(world: World, promotion: Promotion, actor: Actor) -> None:
    """One of the policy's approvers, and never who owns the strategy or submitted its run, superusers included."""
    active = active_policy(world.id)
    approvers = active.policy.governance.live_promotion.approvers if active else ("risk",)
    if not actor.has_any_role(*approvers):
        raise Forbidden(f"The policy lets approve: {', '.join(approvers)}")
    submitters = EvaluationRun.objects.filter(
        world=world, strategy=promotion.strategy, created_by_id=actor.user_id
    )
    if actor.is_user(promotion.strategy.owner_id) or submitters.exists():
        raise FourEyes(f"You own or submitted {promotion.strategy_id}: somebody else must decide")


def require_policy(world: World, promotion: Promotion, decision: Decision) -> None:
    """The policy that asked for it must be the one in force, and must still let people decide."""
    active = active_policy(world.id)
    if active is None or active.version != decision.policy_version:
        raise IllegalTransition(
            "The policy has changed since the decision; evaluate first",
            current=promotion.state,
            open=["evaluate"],
        )
    if active.policy.governance.live_promotion.mode == "disabled":
        raise IllegalTransition(
            "The policy disables live promotion", current=promotion.state, open=["reject"]
        )


def decided(promotion: Promotion, by: str, reason: str, actor: Actor) -> Promotion:
    promotion.decided_by_id = actor.user_id
    change(promotion, by, reason, actor)
    return promotion


def change(promotion: Promotion, by: str, reason: str, actor: Actor) -> None:
    before = promotion.state
    getattr(promotion, by)()
    promotion.reason = reason[:500]
    promotion.updated_at = timezone.now()
    promotion.save()
    tell(promotion, before, reason, actor)


def tell(promotion: Promotion, before: str | None, reason: str, actor: Actor) -> None:
    facts: dict[str, Any] = {"before": before, "after": promotion.state, "reason": reason}
    record(
        actor,
        "promotion.create" if before is None else f"promotion.{promotion.state}",
        object_type="promotion",
        object_id=f"{promotion.world_id}/{promotion.strategy_id}",
        world_id=promotion.world_id,
        **facts,
    )
    emit(
        PROMOTION_EVENTS[promotion.state](
            world_id=promotion.world_id,
            strategy_id=promotion.strategy_id,
            promotion_id=promotion.pk,
            decision_id=promotion.decision.decision_id,
            **facts,
        )
    )
