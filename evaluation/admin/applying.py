"""What applying a decision would move now, for its page and for the door that does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpRequest

from evaluation.models import Decision
from evaluation.selectors.shown import newest_decision
from evaluation.services.applying import closed, promotable, states_of
from qmtl_site.pages.door import ReasonForm
from qmtl_site.pages.scope import list_url, named_url
from strategies.models import Apply
from strategies.selectors.shown import objections
from worlds.selectors import active_policy

NAMED = 30
ROWS = 5


@dataclass(frozen=True)
class Moves:
    """What an apply of a decision moves that has not moved yet; `stale`: why it cannot be applied at all."""

    promote: Sequence[str] = ()
    demote: Sequence[str] = ()
    reopen: Sequence[str] = ()
    unapproved: Sequence[str] = ()
    stale: str = ""

    @property
    def moves_something(self) -> bool:
        return bool(self.promote or self.demote or self.reopen)

    def lines(self) -> list[tuple[str, str, str]]:
        """Title, names and meaning of what it does; nothing of what it does not."""
        told = (
            ("promote", self.promote, "to go live, with an open gate"),
            ("demote", self.demote, "to leave live; the gate closes at once, whatever becomes of the rest"),
            ("reopen", self.reopen, "live with a closed gate, which is to open again"),
            ("wait", self.unapproved, "not approved by a person yet, and left out"),
        )
        return [(title, shortened(names), says) for title, names, says in told if names]


def shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def moves_of(decision: Decision) -> Moves:
    """As `apply_decision` would find it now, confirmed by a person."""
    plan = orjson.loads(bytes(decision.document))["plan"]
    if not (plan["promote"] or plan["demote"] or plan["reopen"]):
        return Moves(stale="It moves nobody.")
    newest, active = newest_decision(decision.world_id), active_policy(decision.world_id)
    if newest is None or newest.pk != decision.pk:
        return Moves(stale="There is a newer decision; only the newest one is applied.")
    if active is None or active.version != decision.policy_version:
        return Moves(stale="It was made under another policy than the active one; evaluate the world first.")
    states = states_of(decision.world_id, [*plan["promote"], *plan["demote"]])
    waiting = [name for name in plan["promote"] if states.get(name) == "dry_run"]
    mode = active.policy.governance.live_promotion.mode
    promote = promotable(decision, waiting, mode)
    return Moves(
        promote=promote,
        demote=[name for name in plan["demote"] if states.get(name) == "live"],
        reopen=closed(decision.world_id, plan["reopen"]),
        unapproved=[name for name in waiting if name not in promote],
    )


def applying_page(decision: Decision, moves: Moves, *, may: bool) -> dict[str, Any]:
    """The part of the decision's page that is about applies."""
    applies = Apply.objects.filter(world=decision.world_id, decision_id=decision.decision_id)
    return {
        "moves": moves,
        "may_apply": may,
        "applies": list(applies.order_by("-created_at", "-id")[:ROWS]),
        "applies_url": list_url("strategies.apply", world=decision.world_id, decision=decision.decision_id),
        "gates_url": named_url("strategies.gateauthority", decision.world_id),
    }


class ApplyForm(ReasonForm):
    """Asks why, below what will happen."""

    form_before_template = "pages/apply_confirm.html"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> Mapping[str, Any]:
        decision: Decision | None = getattr(request, "decision_of_dialog", None)
        if decision is None:
            return {}
        moves = moves_of(decision)
        against = objections(decision.world, 0) if moves.promote or moves.reopen else []
        return {"moves": moves, "objections": against}
