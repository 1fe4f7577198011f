"""Does what is live still earn what it was promoted for?"""

from __future__ import annotations

from typing import ClassVar

from evaluation.domain.board import Board
from evaluation.domain.rules.rule import Bound, BoundRule, present
from worlds.domain.policy import Policy, Profile
from worlds.domain.policy.watching import LiveMonitoring as LiveSection


class LiveMonitoring(BoundRule):
    """Does what is live still earn what it was promoted for? Each bound holds in every window."""

    name = "live_monitoring"
    alone: ClassVar = False
    stages: ClassVar = frozenset({"live"})

    def section(self, policy: Policy, profile: Profile) -> LiveSection | None:
        return policy.live_monitoring

    def bounds(self, section: LiveSection) -> list[Bound]:
        return [
            bound
            for days in section.windows
            for bound in present(
                (f"sharpe_min ({days}d)", f"live.{days}d.sharpe", ">=", section.sharpe_min),
                (
                    f"max_drawdown_min ({days}d)",
                    f"live.{days}d.max_drawdown",
                    ">=",
                    section.max_drawdown_min,
                ),
                (f"decay_min ({days}d)", f"live.{days}d.decay", ">=", section.decay_min),
            )
        ]


def breached_cut(board: Board, i: int) -> str | None:
    """What breaches `risk_cut` for a live candidate; None where nothing does or nothing is known."""
    section = board.situation.policy.live_monitoring
    evidence = board.candidates[i].evidence
    bound = section.risk_cut.max_drawdown_min if section is not None else None
    if section is None or bound is None or evidence is None or evidence.stage != "live":
        return None
    names = [f"live.{days}d.max_drawdown" for days in section.windows]
    known = [(value, name) for name in names if (value := evidence.figures.get(name)) is not None]
    if not known:
        value = evidence.figures.get("returns.max_drawdown")
        known = [] if value is None else [(value, "max_drawdown")]
    worst = min(known, default=None)
    if worst is None or worst[0] >= bound:
        return None
    return f"risk cut: {worst[1]} {worst[0]:.4g} is below {bound:g}"
