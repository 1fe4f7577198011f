"""Where a strategy stands, in words: its counters against what the policy wants, and what comes next."""

from __future__ import annotations

from evaluation.models import Promotion
from strategies.models import Binding
from worlds.domain.policy import Duration, Policy
from worlds.domain.policy.selection import Hysteresis

DEFAULT = Hysteresis()
WAITS = {
    "submitted": "Its first backtest run is awaited.",
    "validating": "Its backtest is being judged, or gave no clear verdict: then a new run is awaited.",
    "rejected": "A new backtest run starts it again.",
    "inactive": "A new backtest run starts it again.",
    "archived": "Nothing: it has ended.",
}
# Of who was chosen; the driver applies by itself what nobody has to approve or confirm.
APPROVED = "Approved: is applied at once, unless the world keeps its gates shut."
GOES_LIVE = {
    "auto_apply": "Goes live: is applied at once, unless the world keeps its gates shut.",
    "manual_approval": "Was chosen, and nobody has approved it.",
    "disabled": "Was chosen, but the policy promotes nobody.",
}
REOPENS = {
    "auto_apply": "Its gate opens again: is applied at once, unless the world keeps its gates shut.",
    "manual_approval": "Its gate opens again when a person applies the decision.",
}


def hysteresis_of(policy: Policy | None) -> Hysteresis:
    return policy.selection.hysteresis if policy is not None and policy.selection is not None else DEFAULT


def counted(number: int, needed: int | Duration) -> str:
    """1 of 3; or 1 in a row, where a time is asked for."""
    if isinstance(needed, Duration):
        return f"{number} in a row, for {needed}"
    return f"{number} of {needed}" if number <= needed else f"{number}, of {needed} needed"


def counters(state: str, passes: int, failures: int, terms: Hysteresis) -> str:
    """The counter that matters in this state; the other one where it is not zero."""
    up, down = counted(passes, terms.promote_after), counted(failures, terms.demote_after)
    if state == "live":
        return f"failures {down}"
    return f"passes {up}" + (f", failures {failures}" if failures else "")


def next_step(binding: Binding, terms: Hysteresis, promotion: Promotion | None, mode: str) -> str:
    """What has to happen before this strategy moves. `mode`: how the policy promotes; empty without one."""
    if binding.state in WAITS:
        return WAITS[binding.state]
    if promotion is not None:
        approved = promotion.state == Promotion.State.APPROVED
        return APPROVED if approved else "Waits for a person's approval."
    if not binding.last_outcome:
        return "Is judged at the next evaluation."
    if binding.state == Binding.State.LIVE:
        return leaving(binding, terms, mode)
    return climbing(binding, terms, mode)


def leaving(binding: Binding, terms: Hysteresis, mode: str) -> str:
    if binding.last_outcome == "demote":
        return "Leaves: demotions are applied at once."
    if binding.last_outcome == "reopen":
        return REOPENS.get(mode, REOPENS["manual_approval"])
    if not binding.consecutive_failures:
        return "Stays live while it keeps its place."
    return f"Leaves after {missing(binding.consecutive_failures, terms.demote_after, 'failure')}."


def climbing(binding: Binding, terms: Hysteresis, mode: str) -> str:
    if binding.last_outcome == "promote":
        return GOES_LIVE.get(mode, GOES_LIVE["disabled"])
    if not reached(binding.consecutive_passes, terms.promote_after):
        return f"Needs {missing(binding.consecutive_passes, terms.promote_after, 'pass')}."
    return "Has passed often enough; waits for what is said above."


def reached(number: int, needed: int | Duration) -> bool:
    """Of a time, whether it has passed is the decision's to say."""
    return number > 0 if isinstance(needed, Duration) else number >= needed


def missing(number: int, needed: int | Duration, what: str) -> str:
    many = f"{what}es" if what.endswith("s") else f"{what}s"
    if isinstance(needed, Duration):
        return f"{many} in a row for {needed}"
    left = max(1, needed - number)
    return f"{left} more {what if left == 1 else many} in a row"
