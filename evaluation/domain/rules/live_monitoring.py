"""Does what is live still earn what it was promoted for?"""

from __future__ import annotations

from typing import ClassVar

from evaluation.domain.board import Board
from evaluation.domain.rules.rule import Bound, BoundRule, Figures, present
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
    if section is None or evidence is None or evidence.stage != "live":
        return None
    return cut_breach(section, evidence.figures)


def cut_breach(section: LiveSection, figures: Figures) -> str | None:
    """What breaches the section's `risk_cut`; None where nothing does or nothing is known."""
    bound, worst = section.risk_cut.max_drawdown_min, deepest_fall(section, figures)
    if bound is None or worst is None or worst[0] >= bound:
        return None
    return f"risk cut: {worst[1]} {worst[0]:.4g} is below {bound:g}"


def deepest_fall(section: LiveSection, figures: Figures) -> tuple[float, str] | None:
    """The worst live drawdown of the section's windows, else that of the whole record, and its name."""
    names = [f"live.{days}d.max_drawdown" for days in section.windows]
    known = [(value, name) for name in names if (value := figures.get(name)) is not None]
    if not known:
        value = figures.get("returns.max_drawdown")
        known = [] if value is None else [(value, "max_drawdown")]
    return min(known, default=None)
