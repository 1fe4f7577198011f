"""Where a strategy stands, in words: what comes next, the counter that matters, what an evaluation came to."""

from __future__ import annotations

import pytest

from evaluation.admin.ladder import outcome
from evaluation.admin.standing import counters, next_step
from evaluation.models import Promotion
from strategies.models import Binding
from worlds.domain.policy import Duration
from worlds.domain.policy.selection import Hysteresis

TERMS = Hysteresis(promote_after=3, demote_after=2)
WAITING = Hysteresis(promote_after=Duration.parse("7d"), demote_after=Duration.parse("2d"))


@pytest.mark.parametrize(
    ("state", "passes", "failures", "outcome", "words"),
    [
        ("submitted", 0, 0, "", "Its first backtest run is awaited."),
        (
            "validating",
            0,
            0,
            "",
            "Its backtest is being judged, or gave no clear verdict: then a new run is awaited.",
        ),
        ("rejected", 0, 0, "", "A new backtest run starts it again."),
        ("dry_run", 0, 0, "", "Is judged at the next evaluation."),
        ("dry_run", 1, 0, "hold", "Needs 2 more passes in a row."),
        ("dry_run", 2, 0, "hold", "Needs 1 more pass in a row."),
        ("dry_run", 3, 0, "hold", "Has passed often enough; waits for what is said above."),
        ("dry_run", 3, 0, "promote", "Was chosen, and nobody has approved it."),
        ("live", 5, 0, "hold", "Stays live while it keeps its place."),
        ("live", 0, 1, "hold", "Leaves after 1 more failure in a row."),
        ("live", 0, 2, "demote", "Leaves: demotions are applied at once."),
        ("live", 0, 0, "reopen", "Its gate opens again when a person applies the decision."),
    ],
)
def test_the_next_step(state: str, passes: int, failures: int, outcome: str, words: str) -> None:
    binding = Binding(
        state=state, consecutive_passes=passes, consecutive_failures=failures, last_outcome=outcome
    )
    assert next_step(binding, TERMS, None, "manual_approval") == words


@pytest.mark.parametrize(
    ("state", "outcome", "mode", "words"),
    [
        ("dry_run", "promote", "auto_apply", "Goes live: is applied at once"),
        ("dry_run", "promote", "disabled", "the policy promotes nobody"),
        ("dry_run", "promote", "", "the policy promotes nobody"),
        ("live", "reopen", "auto_apply", "Its gate opens again: is applied at once"),
        ("live", "reopen", "disabled", "when a person applies the decision"),
    ],
)
def test_what_follows_by_itself_depends_on_the_policy(
    state: str, outcome: str, mode: str, words: str
) -> None:
    assert words in next_step(Binding(state=state, last_outcome=outcome), TERMS, None, mode)


def test_a_row_may_have_to_last_for_a_time() -> None:
    binding = Binding(state="dry_run", last_outcome="hold")
    assert next_step(binding, WAITING, None, "") == "Needs passes in a row for 7d."
    binding = Binding(state="live", last_outcome="hold", consecutive_failures=1)
    assert next_step(binding, WAITING, None, "") == "Leaves after failures in a row for 2d."
    assert counters("dry_run", 4, 0, WAITING) == "passes 4 in a row, for 7d"


@pytest.mark.parametrize(("state", "words"), [("pending", "Waits for a person"), ("approved", "Approved")])
def test_a_promotion_comes_first(state: str, words: str) -> None:
    binding = Binding(state="dry_run", last_outcome="promote", consecutive_passes=3)
    assert next_step(binding, TERMS, Promotion(state=state), "").startswith(words)


@pytest.mark.parametrize(
    ("state", "passes", "failures", "words"),
    [
        ("dry_run", 1, 0, "passes 1 of 3"),
        ("dry_run", 0, 4, "passes 0 of 3, failures 4"),
        ("live", 7, 1, "failures 1 of 2"),
    ],
)
def test_the_counter_that_matters(state: str, passes: int, failures: int, words: str) -> None:
    assert counters(state, passes, failures, TERMS) == words


def test_the_outcome_of_one_reads_well() -> None:
    body = b'{"decision_id": "x", "plan": {"promote": [], "demote": ["a"], "reopen": [], "hold": ["b"]},'
    body += b'"candidates": [{"counted": true}, {"counted": true}]}'
    assert outcome(body) == "Evaluated: 1 to demote (a); 1 stays where it is. 2 counted for this slot."
