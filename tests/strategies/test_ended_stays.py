"""What an account earned belongs to its own mode, also when the strategy has gone on to another one meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from tests.activation.acting import decided, go
from tests.api import ApiClient, body
from tests.problem import nothing_written, refusal
from tests.strategies.reporting import at, days, listed, move, report, taken


def earned(client: ApiClient, mode: str, *numbers: int) -> dict[str, Any]:
    return taken(client, {"records": days(*numbers), "mode": mode})


def modes(client: ApiClient) -> list[tuple[str, str]]:
    return [(item["mode"], item["ts"]) for item in listed(client)]


def test_the_last_period_on_paper_is_taken_after_the_promotion(paper: ApiClient) -> None:
    earned(paper, "paper", 1)
    stay = listed(paper)[0]["stay"]
    move("mom", "promote")
    assert earned(paper, "paper", 1, 2) == {"accepted": 1, "duplicates": 1, "mode": "paper"}
    assert earned(paper, "live", 3)["mode"] == "live"
    assert modes(paper) == [("live", at(3)), ("paper", at(2)), ("paper", at(1))]
    assert {item["stay"] for item in listed(paper, "mode=paper")} == {stay}


def test_who_told_nothing_before_the_promotion_may_tell_it_after(paper: ApiClient) -> None:
    move("mom", "promote")
    assert earned(paper, "paper", 1)["mode"] == "paper"
    assert earned(paper, "paper", 1, 2) == {"accepted": 1, "duplicates": 1, "mode": "paper"}
    assert modes(paper) == [("paper", at(2)), ("paper", at(1))]


@pytest.mark.parametrize("step", ["demote", "deactivate", "archive"])
def test_what_is_still_held_for_real_is_reported_as_live(paper: ApiClient, step: str) -> None:
    move("mom", "promote")
    earned(paper, "live", 1)
    move("mom", step)
    assert earned(paper, "live", 2)["mode"] == "live"
    assert modes(paper) == [("live", at(2)), ("live", at(1))]


def test_both_accounts_may_earn_at_the_same_time(paper: ApiClient) -> None:
    move("mom", "promote")
    earned(paper, "live", 1)
    move("mom", "demote")
    earned(paper, "live", 2)
    earned(paper, "paper", 2)
    assert modes(paper) == [("paper", at(2)), ("live", at(2)), ("live", at(1))]


def test_who_was_live_for_a_moment_may_tell_it_after(paper: ApiClient) -> None:
    paper.patch("/worlds/alpha", {"allow_live": True})
    decided()
    assert go("first", opens={"mom": 0.5}).phase == "completed"
    move("mom", "demote")
    assert earned(paper, "live", 1)["mode"] == "live"
    assert earned(paper, "paper", 2)["mode"] == "paper"
    assert modes(paper) == [("paper", at(2)), ("live", at(1))]


def test_who_never_was_live_earned_nothing_there(paper: ApiClient) -> None:
    earned(paper, "paper", 1)
    with nothing_written():
        answer = report(paper, {"records": days(2), "mode": "live"})
    assert refusal(answer) == (409, "E_ILLEGAL_TRANSITION")


def test_a_mode_is_paper_or_live(paper: ApiClient) -> None:
    answer = report(paper, {"records": days(2), "mode": "shadow"})
    assert refusal(answer) == (422, "E_VALIDATION")
    assert body(answer)["errors"][0]["pointer"] == "/mode"
