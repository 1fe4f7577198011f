"""What follows from decisions, approvals and the ends of applies: the next apply of the world."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import structlog
from django.db.models import Q, QuerySet
from django.utils import timezone

from evaluation.events import RunUpdated
from evaluation.models import EvaluationRun, Promotion
from evaluation.selectors.shown import newest_decision
from evaluation.selectors.standing import newest_papers
from evaluation.services.applying import apply_decision
from evaluation.services.expiry import save
from evaluation.services.promotions import tell
from evaluation.services.runs import facts, told
from qmtl_site.audit.actor import Actor
from qmtl_site.database import update_rows
from qmtl_site.http.refusals import Invalid, Refusal
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from strategies.errors import ApplyInProgress
from strategies.models import Apply

log = structlog.get_logger(__name__)

FOLLOWER = Actor.service("evaluation")


def follow_decision(*, world_id: str) -> bool:
    """Apply what the newest decision moves and nobody has to approve; whether an apply was begun.

    What may not open keeps nothing from closing. While another apply is in flight nothing is begun: its end brings
    the next look.
    """
    newest = newest_decision(world_id)
    if newest is None or not (newest.promoted or newest.demoted or newest.reopened):
        return False
    if Apply.objects.filter(world_id=world_id, decision_id=newest.decision_id).exists():
        return False
    return any(begun(world_id, newest.decision_id, opening=opening) for opening in (True, False))


def begun(world_id: str, decision_id: str, *, opening: bool) -> bool:
    try:
        apply_decision(
            world_id=world_id,
            decision_id=decision_id,
            run_id=f"decision-{decision_id}",
            reason=f"decision {decision_id}",
            actor=FOLLOWER,
            confirmed=False,
            opening=opening,
        )
    except (ApplyInProgress, Invalid):
        return False
    except Refusal as refusal:
        log.info("decision.not_applied", world_id=world_id, decision_id=decision_id, why=refusal.detail)
        return False
    return True


def follow_approvals(*, world_id: str) -> bool:
    """Apply the approved promotions of the newest decision; whether an apply was begun.

    It is named by the approval that came last: what an earlier apply could not open goes with the next approval.
    """
    approved = Promotion.objects.filter(world_id=world_id, state="approved").order_by("updated_at", "id")
    newest = newest_decision(world_id)
    waiting = [row.pk for row in approved if newest is not None and row.decision_id == newest.pk]
    if newest is None or not waiting:
        return False
    try:
        apply_decision(
            world_id=world_id,
            decision_id=newest.decision_id,
            run_id=f"promotion-{waiting[-1]}-{newest.decision_id}",
            reason=f"approved promotions of decision {newest.decision_id}",
            actor=FOLLOWER,
            confirmed=False,
        )
    except (ApplyInProgress, Invalid):
        return False
    except Refusal as refusal:
        log.info("promotion.not_applied", world_id=world_id, why=refusal.detail)
        return False
    return True


@use_case
def note_live(*, world_id: str, strategies: Sequence[str], reason: str) -> None:
    """They went live: their approvals are settled, and the paper runs that carried them are activated."""
    settle_approvals(world_id, strategies, reason)
    carrying = {paper.key for paper in newest_papers(world_id, strategies).values()}
    runs = runs_of(world_id, strategies).filter(
        Q(status="activated") | Q(status="evaluated", pk__in=carrying)
    )
    former = [run for run in runs if run.pk not in carrying]
    move_runs(former, "expire", "another run was activated")
    move_runs([run for run in runs if run.status == "evaluated"], "activate", reason)


@use_case
def note_left(*, world_id: str, strategies: Sequence[str], reason: str) -> None:
    """They are not live any more: the runs that had been activated for them have had their time."""
    move_runs(runs_of(world_id, strategies).filter(status="activated"), "expire", f"no longer live: {reason}")


def settle_approvals(world_id: str, strategies: Sequence[str], reason: str) -> None:
    rows = Promotion.objects.select_for_update(of=("self",)).select_related("decision")
    approved = list(
        rows.filter(world_id=world_id, strategy__in=strategies, state="approved")
        .defer("decision__document")
        .order_by("id")
    )
    for promotion in approved:
        before = promotion.state
        promotion.settle()
        promotion.reason, promotion.updated_at = reason[:500], timezone.now()
        tell(promotion, before, reason, FOLLOWER)
    update_rows(approved, ["state", "reason", "updated_at"])


def runs_of(world_id: str, strategies: Sequence[str]) -> QuerySet[EvaluationRun]:
    rows = EvaluationRun.objects.select_for_update(no_key=True)
    return rows.filter(world_id=world_id, strategy__in=strategies).order_by("id")


def move_runs(runs: Iterable[EvaluationRun], by: str, reason: str) -> None:
    moved = list(runs)
    for run in moved:
        before = run.status
        getattr(run, by)()
        run.status_reason, run.updated_at = reason[:500], timezone.now()
        told(run, FOLLOWER, f"run.{by}", reason=reason)
        emit(RunUpdated(**facts(run), before=before, reason=reason))
    save(moved)
