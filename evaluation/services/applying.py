"""From a decision, an approval or an operator's plan to an apply: what may go to the gates, what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import orjson
from django.db.models import Count

from evaluation.models import Decision, Promotion
from evaluation.selectors.shown import newest_decision
from evaluation.selectors.standing import NewestPaper, newest_papers
from qmtl_site.audit.actor import Actor
from qmtl_site.http.refusals import IllegalTransition, Invalid, NotFound
from qmtl_site.ledger.transactions import use_case
from strategies.domain.plans import Closing, EdgeName, Opening, Plan
from strategies.errors import FingerprintMissing, NoSlot
from strategies.models import Apply, Binding, Strategy
from strategies.services import Asked, request_apply
from worlds.domain.policy import Policy
from worlds.errors import FourEyes
from worlds.selectors import ActivePolicy, active_policy
from worlds.services import lock_world


@dataclass(frozen=True)
class Wanted:
    """A strategy that somebody wants to open, and with which weight (None: as the newest decision says)."""

    strategy_id: str
    weight: float | None = None
    side: str | None = None


@use_case
def apply_plan(
    *,
    world_id: str,
    run_id: str,
    activate: Sequence[Wanted],
    deactivate: Sequence[str],
    reason: str,
    actor: Actor,
    to: Literal["dry_run", "inactive"] | None = None,
) -> Apply:
    """Apply an operator's plan. It may overrule gates, score and hysteresis; not a failing paper run, not the slots.

    `to`: where the deactivated go, if not where the policy sends who is demoted.
    """
    lock_world(world_id, writable=False)
    asked = {
        "activate": [[each.strategy_id, each.weight] for each in activate],
        "deactivate": list(deactivate),
    }
    if (known := known_apply(world_id, run_id, asked, reason, actor)) is not None:
        return known
    active = policy_for_opening(world_id) if activate else active_policy(world_id)
    names = [each.strategy_id for each in activate]
    states = states_of(world_id, names)
    refuse_sides(activate)
    decided = decided_weights(world_id) if any(each.weight is None for each in activate) else {}
    openings = [opening_of(each, states, decided, active) for each in activate]
    plan = plan_of(active, openings, deactivate, to=to)
    apply = begin(world_id, run_id, plan, asked, active, reason=reason, actor=actor)
    # The plan is sound. What its strategies lack is told now, and takes the apply back with it.
    refuse_runs(
        world_id, [o.strategy_id for o in openings if o.action == "promote"], active, "/plan/activate"
    )
    refuse_data(world_id, [o.strategy_id for o in openings if o.action == "reopen"], active)
    refuse_own_in_high_tier(names, active, actor)
    refuse_slots(world_id, openings, deactivate, active)
    return apply


@use_case
def apply_decision(
    *,
    world_id: str,
    decision_id: str,
    run_id: str,
    reason: str,
    actor: Actor,
    confirmed: bool,
    opening: bool = True,
) -> Apply:
    """Apply the world's newest decision, made under the policy that is active: nothing older, nothing else.

    Under `manual_approval` only approved promotions go; what is to re-open goes where a person `confirmed` it, or
    under `auto_apply`. `opening` False: only what it closes.
    """
    lock_world(world_id, writable=False)
    asked = {"decision_id": decision_id}
    if (known := known_apply(world_id, run_id, asked, reason, actor)) is not None:
        return known
    decision, active = current_decision(world_id, decision_id)
    moves, weights = moves_of(decision.decision_id)
    mode = active.policy.governance.live_promotion.mode
    promote = promotable(decision, moves["promote"], mode) if opening else []
    states = states_of(world_id, [*promote, *moves["demote"]])
    demote = [name for name in moves["demote"] if states.get(name) == Binding.State.LIVE]
    promote = [name for name in promote if states.get(name) == Binding.State.DRY_RUN]
    reopen = closed(world_id, moves["reopen"]) if opening and (confirmed or mode == "auto_apply") else []
    openings = [Opening(name, weights.get(name, 0.0)) for name in promote]
    openings += [Opening(name, weights.get(name, 0.0), "reopen") for name in reopen]
    if not openings and not demote:
        raise Invalid.at(
            "/decision_id", "it moves no gate that is not moved yet, or what it moves waits for approval"
        )
    refuse_runs(world_id, promote, active, "/decision_id")
    refuse_data(world_id, reopen, active)
    refuse_slots(world_id, openings, demote, active)
    plan = plan_of(active, openings, demote, weights=weights)
    return begin(world_id, run_id, plan, asked, active, reason=reason, actor=actor, decision_id=decision_id)


def begin(
    world_id: str,
    run_id: str,
    plan: Plan,
    asked: Mapping[str, Any],
    active: ActivePolicy | None,
    *,
    reason: str,
    actor: Actor,
    decision_id: str = "",
) -> Apply:
    return request_apply(
        asked=Asked(
            world_id=world_id,
            run_id=run_id,
            plan=plan,
            asked=asked,
            decision_id=decision_id,
            policy_version=None if active is None else active.version,
            reason=reason,
        ),
        actor=actor,
    )


def known_apply(
    world_id: str, run_id: str, asked: Mapping[str, Any], reason: str, actor: Actor
) -> Apply | None:
    """The apply of that run id, whatever has become of the world since; AnotherPlan with other words."""
    if not Apply.objects.filter(world_id=world_id, run_id=run_id).exists():
        return None
    return begin(world_id, run_id, Plan(), asked, None, reason=reason, actor=actor)


# --- what the plan is made of -----------------------------------------------------------------------------
def plan_of(
    active: ActivePolicy | None,
    openings: Sequence[Opening],
    leaving: Sequence[str],
    *,
    weights: Mapping[str, float] | None = None,
    to: Literal["dry_run", "inactive"] | None = None,
) -> Plan:
    """With the policy's terms; without a policy closing still works, by the defaults."""
    policy = Policy() if active is None else active.policy
    terms, edges = policy.gating_policy.apply, policy.gating_policy.edges
    moved = {each.strategy_id for each in openings} | set(leaving)
    return Plan(
        openings=openings,
        closings=[Closing(name, to or policy.position_policy.demote_to) for name in leaving],
        weights={name: weight for name, weight in (weights or {}).items() if name not in moved},
        pre_edges=[EdgeName(edge.src_node, edge.dst_node) for edge in edges.pre_promotion],
        post_edges=[EdgeName(edge.src_node, edge.dst_node) for edge in edges.post_promotion],
        freeze_timeout_ms=terms.freeze_timeout_ms,
        unfreeze_timeout_ms=terms.unfreeze_timeout_ms,
        on_promote=policy.position_policy.on_promote,
        on_demote=policy.position_policy.on_demote,
    )


def opening_of(
    wanted: Wanted, states: Mapping[str, str], decided: Mapping[str, float], active: ActivePolicy | None
) -> Opening:
    action = "reopen" if states.get(wanted.strategy_id) == Binding.State.LIVE else "promote"
    weight = wanted.weight
    if weight is None:
        weight = decided.get(wanted.strategy_id, 1.0 / (slots_of(active) or 1))
    return Opening(wanted.strategy_id, float(weight), action)  # type: ignore[arg-type]


class Moves(NamedTuple):
    """What a decision moves, strategies by the kind of move, and the weights that it gives."""

    plan: Mapping[str, Sequence[str]]
    weights: Mapping[str, float]


@lru_cache(maxsize=256)
def moves_of(decision_id: str) -> Moves:
    """Of evidence, which never changes: its document tells of every candidate and is long."""
    document = orjson.loads(
        bytes(Decision.objects.values_list("document", flat=True).get(decision_id=decision_id))
    )
    return Moves(document["plan"], document["weights"])


def decided_weights(world_id: str) -> Mapping[str, float]:
    newest = newest_decision(world_id)
    return {} if newest is None else moves_of(newest.decision_id).weights


def promotable(decision: Decision, promote: Sequence[str], mode: str) -> list[str]:
    if mode == "auto_apply":
        return list(promote)
    if mode == "disabled":
        return []
    approved = set(
        Promotion.objects.filter(decision=decision, state="approved").values_list("strategy_id", flat=True)
    )
    return [name for name in promote if name in approved]


def states_of(world_id: str, names: Sequence[str]) -> dict[str, str]:
    rows = Binding.objects.filter(world_id=world_id, strategy__in=names)
    return dict(rows.values_list("strategy_id", "state"))


def closed(world_id: str, names: Sequence[str]) -> list[str]:
    """Of live strategies, those whose gate is not open."""
    rows = Binding.objects.filter(world_id=world_id, strategy__in=names, state="live")
    found = set(rows.exclude(activation__active=True).values_list("strategy_id", flat=True))
    return [name for name in names if name in found]


def current_decision(world_id: str, decision_id: str) -> tuple[Decision, ActivePolicy]:
    newest, active = newest_decision(world_id), policy_for_opening(world_id)
    if newest is None or not Decision.objects.filter(world_id=world_id, decision_id=decision_id).exists():
        raise NotFound(f"World {world_id} has no decision {decision_id}")
    if newest.decision_id != decision_id:
        raise IllegalTransition(
            f"Decision {decision_id} is not the newest", current=newest.decision_id, open=["evaluate"]
        )
    if newest.policy_version != active.version:
        raise IllegalTransition(
            f"It was made under policy {newest.policy_version}; {active.version} is active",
            current=str(active.version),
            open=["evaluate"],
        )
    return newest, active


# --- what speaks against it -------------------------------------------------------------------------------
def policy_for_opening(world_id: str) -> ActivePolicy:
    active = active_policy(world_id)
    if active is None:
        raise IllegalTransition("The world has no active policy", current="none", open=["policy"])
    return active


def refuse_runs(world_id: str, names: Sequence[str], active: ActivePolicy | None, pointer: str) -> None:
    """Nobody goes live on a failing, missing or returnless paper run, or on other data than the policy demands."""
    if active is None or not names:
        return
    papers = newest_papers(world_id, names)
    demanded = active.policy.gating_policy.dataset_fingerprint
    for index, name in enumerate(names):
        paper = papers.get(name)
        if paper is None or paper.verdict == "fail" or not paper.has_returns:
            why = "has no judged paper run" if paper is None else f"has a paper run that is {paper.verdict}"
            if paper is not None and not paper.has_returns:
                why = "has a paper run without returns"
            raise IllegalTransition(f"{name} {why} ({pointer}/{index})", current=why, open=["evaluate"])
        refuse_fingerprint(name, paper, demanded)


def refuse_data(world_id: str, names: Sequence[str], active: ActivePolicy | None) -> None:
    """What opens again needs the data that the policy demands, whatever it demanded when it went live."""
    demanded = None if active is None else active.policy.gating_policy.dataset_fingerprint
    if demanded is None or not names:
        return
    papers = newest_papers(world_id, names)
    for name in names:
        refuse_fingerprint(name, papers.get(name), demanded)


def refuse_own_in_high_tier(names: Sequence[str], active: ActivePolicy | None, actor: Actor) -> None:
    """In a world of high tier a strategy's owner does not send it live by hand, superusers included."""
    if active is None or active.policy.risk_profile.tier != "high":
        return
    own = Strategy.objects.filter(pk__in=names, owner_id=actor.user_id).order_by("pk").first()
    if own is not None:
        raise FourEyes(f"You own {own.pk}: in a world of high tier somebody else sends it live")


def refuse_sides(activate: Sequence[Wanted]) -> None:
    """A side in a plan is a check: a gate has the side of its strategy."""
    sides = dict(
        Strategy.objects.filter(pk__in=[each.strategy_id for each in activate]).values_list("id", "side")
    )
    for index, each in enumerate(activate):
        known = sides.get(each.strategy_id)
        if each.side is not None and known is not None and each.side != known:
            raise Invalid.at(f"/plan/activate/{index}/side", f"{each.strategy_id} trades {known}")


def refuse_fingerprint(name: str, paper: NewestPaper | None, demanded: Any) -> None:
    if demanded is None:
        return
    found = None if paper is None else paper.dataset_fingerprint
    if found is None or (isinstance(demanded, str) and found != demanded):
        told = "none" if found is None else repr(found)
        wanted = repr(demanded) if isinstance(demanded, str) else "one"
        raise FingerprintMissing(f"The policy demands {wanted}; the paper run of {name} has {told}")


def slots_of(active: ActivePolicy | None) -> int | None:
    """The most that may be live; None without any bound."""
    if active is None:
        return None
    selection, terms = active.policy.selection, active.policy.governance.live_promotion
    top_k = selection.top_k.k if selection is not None and selection.top_k is not None else None
    return min((bound for bound in (top_k, terms.max_live_slots) if bound is not None), default=None)


def refuse_slots(
    world_id: str, openings: Sequence[Opening], leaving: Sequence[str], active: ActivePolicy | None
) -> None:
    slots = slots_of(active)
    promoted = [each for each in openings if each.action == "promote"]
    if slots is None or not promoted:
        return
    staying = Binding.objects.filter(world_id=world_id, state="live").exclude(strategy__in=leaving)
    live = staying.aggregate(count=Count("id"))["count"]
    if live + len(promoted) > slots:
        raise NoSlot(f"{live} of {slots} places are taken", live=live, slots=slots)
