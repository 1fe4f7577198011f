"""Evaluating a world: from its bindings' evidence to a decision that is kept, counted and told."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.utils import timezone

from evaluation.domain.decision import Decision as Outcome
from evaluation.domain.decision import decide, decision_document
from evaluation.events import DecisionMade, EvaluationLate
from evaluation.models import Decision
from evaluation.services.candidates import Loaded, load_candidates, situation_of
from evaluation.services.counting import keep_counters
from evaluation.services.inputs import inputs_document
from evaluation.services.loading import world_terms
from evaluation.services.promotions import settle_promotions
from evaluation.services.reported import Batch, anybody_reports, make_runs
from evaluation.services.turns import hold_turn, take_turn
from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.blobs import store
from qmtl_site.database import native_cursor
from qmtl_site.http.documents import dump
from qmtl_site.http.refusals import IllegalTransition, Invalid
from qmtl_site.ledger.models import insert
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from worlds.domain.policy import ruleset_hash
from worlds.domain.ruleset import RULESET_VERSION
from worlds.domain.schedule import slot_of
from worlds.errors import WorldRetired
from worlds.models import World
from worlds.selectors import ActivePolicy, active_policy, get_world, paused_total
from worlds.services import lock_world, note_evaluation

log = structlog.get_logger(__name__)

EVALUATOR = Actor.service("evaluation")
LATE_AFTER = timedelta(seconds=60)
HASHES: dict[tuple[str, str], str] = {}

NO_POLICY = "the world has no active policy"
NEWEST_NUMBER = "SELECT number FROM evaluation_decision WHERE world_id = %s ORDER BY number DESC LIMIT 1"


def evaluate_world(
    *,
    world_id: str,
    actor: Actor,
    as_of: datetime | None = None,
    dry_run: bool = False,
    wait: bool = False,
    due_at: datetime | None = None,
) -> bytes:
    """Decide about a world now, and give the decision's document.

    Counters move at most once per slot of the schedule, and only on runs that were not counted: asking again
    promotes nobody. `dry_run`, or an `as_of`: the same answer as of then, and nothing is written.
    EvaluationInProgress while another one decides, unless `wait`, which joins him. A world without a policy has
    an empty plan. `due_at`: since when the schedule wants it; being late is told.
    """
    now = timezone.now()
    if as_of is not None and as_of > now:
        raise Invalid.at("/as_of", "it lies in the future")
    if dry_run or as_of is not None:
        return what_if(world_id, as_of or now)
    asked = newest_number(world_id)
    return evaluated_now(world_id=world_id, actor=actor, wait=wait, asked=asked, due_at=due_at)


def what_if(world_id: str, as_of: datetime) -> bytes:
    """The decision that would be made, as of a moment: a read."""
    world = get_world(world_id)
    refuse_standstill(world)
    active = active_policy(world_id)
    if active is None:
        return dump(nothing_decided(world_id, as_of, NO_POLICY, dry_run=True))
    return made(world, active, as_of, dry_run=True).body


def evaluated_now(
    *, world_id: str, actor: Actor, wait: bool, asked: int, due_at: datetime | None = None
) -> bytes:
    """First runs from what was reported, batch by batch, then the decision: each a transaction in the world's turn.

    Only deciding locks the world, so that a halt never waits for runs to be judged. Between two of these transactions
    somebody else may get the turn; whoever has begun waits for it, finds the other's decision and joins it.
    """
    batch: Batch | None = Batch()
    while batch is not None and anybody_reports(world_id, batch):
        batch, wait = reported_batch(world_id=world_id, after=batch, wait=wait), True
    return decided_now(world_id=world_id, actor=actor, wait=wait, asked=asked, due_at=due_at)


@use_case
def reported_batch(*, world_id: str, after: Batch, wait: bool) -> Batch | None:
    """Make and judge the next runs from reported performance; None when there are no more.

    Complete in itself: whoever dies here leaves runs that the next evaluation finds.
    """
    hold_turn(world_id, wait=wait)
    world = get_world(world_id)
    refuse_standstill(world)
    active = active_policy(world_id)
    return None if active is None else make_runs(world=world, active=active, after=after, actor=EVALUATOR)


@use_case
def decided_now(*, world_id: str, actor: Actor, wait: bool, asked: int, due_at: datetime | None) -> bytes:
    turn = take_turn(world_id, wait=wait)
    world = lock_world(world_id)
    refuse_standstill(world)
    if wait and (joined := decision_after(world_id, asked)) is not None:
        return joined
    active = active_policy(world_id)
    if active is None:
        return dump(nothing_decided(world_id, timezone.now(), NO_POLICY, dry_run=False))
    decision = made(world, active, timezone.now(), dry_run=False)
    keep(world, turn, decision, actor)
    note_evaluation(
        world=world,
        policy=active.policy,
        now=decision.as_of,
        slot=decision.slot,
        counted=bool(decision.outcome.counted()),
    )
    if due_at is not None:
        tell_late(world_id, due_at, decision.as_of)
    return decision.body


def paused(world: World) -> IllegalTransition:
    return IllegalTransition(
        "A paused world is not evaluated; resume it first", current=world.state, open=["resume"]
    )


def refuse_standstill(world: World) -> None:
    if world.is_retired:
        raise WorldRetired()
    if world.state == World.State.PAUSED:
        raise paused(world)


def newest_number(world_id: str) -> int:
    with native_cursor() as cursor:
        found = cursor.execute(NEWEST_NUMBER, [world_id]).fetchone()
    return 0 if found is None else int(found[0])


def decision_after(world_id: str, number: int) -> bytes | None:
    """The document of the world's newest decision, if it was made after that one."""
    newer = Decision.objects.filter(world_id=world_id, number__gt=number).order_by("-number").first()
    return None if newer is None else bytes(newer.document)


@dataclass(frozen=True)
class Made:
    """A decision that is not kept yet, with what it was made from."""

    outcome: Outcome
    loaded: Loaded
    as_of: datetime
    slot: datetime
    inputs: bytes
    document: dict[str, Any]
    body: bytes


def made(world: World, active: ActivePolicy, as_of: datetime, *, dry_run: bool) -> Made:
    slot = slot_of(active.policy.schedule, as_of)
    loaded = load_candidates(world, active, now=as_of, paused=paused_total(world, as_of))
    situation = situation_of(world, active, world_terms(world), now=as_of, slot=slot)
    outcome = decide(situation, loaded.candidates)
    inputs = inputs_document(situation, loaded, checksum=active.checksum)
    document = decision_document(
        outcome,
        decision_id=uuid.uuid4().hex,
        ruleset_hash=ruleset_hash_of(active),
        inputs_hash=hashlib.sha256(inputs).hexdigest(),
        dry_run=dry_run,
    )
    return Made(outcome, loaded, as_of, slot, inputs, document, dump(document))


def ruleset_hash_of(active: ActivePolicy) -> str:
    """Of the whole policy and the code's rules; a policy's text never changes, so that it is hashed once."""
    key = (active.checksum, RULESET_VERSION)
    if key not in HASHES:
        HASHES[key] = ruleset_hash(active.policy, None, RULESET_VERSION)
    return HASHES[key]


def keep(world: World, turn: int, decision: Made, actor: Actor) -> None:
    """The decision as evidence, and what it moves: counters, promotions that wait, the audit, the event."""
    document, plan = decision.document, decision.document["plan"]
    kept = Decision(
        world=world,
        number=turn,
        decision_id=document["decision_id"],
        policy_version=document["policy_version"],
        ruleset_hash=document["ruleset_hash"],
        as_of=decision.as_of,
        slot=decision.slot,
        inputs_id=store.put(decision.inputs),
        document=decision.body,
        sha256=hashlib.sha256(decision.body).hexdigest(),
        promoted=len(plan["promote"]),
        demoted=len(plan["demote"]),
        reopened=len(plan["reopen"]),
        made_by=actor.name,
        created_at=decision.as_of,
    )
    insert(kept)
    keep_counters(decision.outcome, decision.loaded, document)
    settle_promotions(world=world, decision=kept, outcome=decision.outcome, actor=actor)
    tell(kept, plan, counted=len(decision.outcome.counted()), actor=actor)


def tell(kept: Decision, plan: dict[str, list[str]], *, counted: int, actor: Actor) -> None:
    moves = {name: plan[name] for name in ("promote", "demote", "reopen")}
    record(
        actor,
        "world.evaluate",
        object_type="world",
        object_id=kept.world_id,
        world_id=kept.world_id,
        decision_id=kept.decision_id,
        sha256=kept.sha256,
        counted=counted,
        **moves,
    )
    emit(
        DecisionMade(
            world_id=kept.world_id,
            decision_id=kept.decision_id,
            number=kept.number,
            policy_version=kept.policy_version,
            counted=counted,
            **moves,
        )
    )
    log.info("decision.made", world_id=kept.world_id, decision_id=kept.decision_id, counted=counted)


def tell_late(world_id: str, due_at: datetime, now: datetime) -> None:
    if now - due_at > LATE_AFTER:
        late = round((now - due_at).total_seconds(), 1)
        emit(EvaluationLate(world_id=world_id, due_at=due_at.isoformat(), seconds_late=late))


def nothing_decided(world_id: str, as_of: datetime, reason: str, *, dry_run: bool) -> dict[str, Any]:
    """The answer where there is nothing to decide by."""
    return {
        "decision_id": None,
        "world_id": world_id,
        "policy_version": None,
        "ruleset_hash": None,
        "as_of": as_of,
        "slot": None,
        "inputs_hash": None,
        "dry_run": dry_run,
        "reason": reason,
        "plan": {"promote": [], "demote": [], "reopen": [], "hold": []},
        "active_set": [],
        "weights": {},
        "weighting": {"method": None, "reason": reason},
        "funnel": {},
        "shadow": {},
        "candidates": [],
    }
