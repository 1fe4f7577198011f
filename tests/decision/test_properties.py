"""What must hold for every decision, whatever the policy and the candidates are."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.domain.candidates import Candidate
from evaluation.domain.decision import Decision, decide
from evaluation.domain.record import Record
from tests.decision.builders import DAY, NOW, PAPER, candidate, document, policy, returns, situation, times

NAMES = [f"s{i}" for i in range(8)]
SHARPES = st.one_of(st.none(), st.floats(-1, 4, allow_nan=False))


@st.composite
def records(draw: st.DrawFn) -> Record | None:
    """One of three movements with some noise of its own, long enough, too short, or none at all."""
    kind = draw(st.integers(0, 5))
    if kind == 5:
        return Record("paper", None, None, None)
    days = draw(st.sampled_from([10, 80, 80, 80]))
    noise = returns(draw(st.integers(0, 50)), days) * draw(st.sampled_from([0.05, 1.0]))
    return Record("paper", times(days), returns(kind, days) + noise, None)


@st.composite
def worlds(draw: st.DrawFn) -> list[Candidate]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=8))
    return [
        candidate(
            name,
            draw(SHARPES),
            record=draw(records()),
            state=draw(st.sampled_from(["dry_run", "live"])),
            family=draw(st.sampled_from(["family:x", "family:y"])),
            side=draw(st.sampled_from(["long", "short"])),
            passes=draw(st.integers(0, 3)),
            failures=draw(st.integers(0, 3)),
            error=draw(st.sampled_from([None, None, None, "lost"])),
        )
        for name in names
    ]


@st.composite
def selections(draw: st.DrawFn) -> dict[str, Any]:
    k = draw(st.integers(1, 4))
    return {
        "gates": draw(
            st.sampled_from(["sharpe >= 1", "sharpe >= 0", "28d.total_return >= 0", "rank.sharpe <= 3"])
        ),
        "top_k": {
            "k": k,
            "per_side": draw(st.sampled_from([{}, {"long": 1}])),
            "refill": draw(st.booleans()),
        },
        "correlation": {
            "max": 0.7,
            "max_per_group": draw(st.integers(1, 2)),
            "absolute": draw(st.booleans()),
        },
        "exposure": {"max_per_family": draw(st.sampled_from([None, 0.6]))},
        "hysteresis": {"promote_after": draw(st.integers(1, 3)), "demote_after": draw(st.integers(1, 3))},
        "weights": {
            "method": draw(st.sampled_from(["equal", "score", "inverse_volatility", "risk_parity", "hrp"]))
        },
    }


MISSING = st.sampled_from(["fail", "warn", "ignore"])


def decided(candidates: list[Candidate], selection: dict[str, Any], on_missing: str) -> Decision:
    chosen = policy(selection=selection, validation={"on_missing_metric": on_missing})
    return decide(situation(chosen), candidates)


@given(worlds(), selections(), MISSING)
def test_a_decision_adds_nobody_beyond_the_bounds(
    candidates: list[Candidate], selection: dict[str, Any], on_missing: str
) -> None:
    decision = decided(candidates, selection, on_missing)
    made, moves = document(decision), decision.moves
    k = selection["top_k"]["k"]
    incumbents = [i for i in moves.live if i not in moves.promote]
    assert len(moves.live) <= max(k, len(incumbents))
    assert len(decision.taken.rows) <= k
    longs = [i for i in moves.live if decision.board.candidates[i].side == "long"]
    if limit := selection["top_k"]["per_side"].get("long"):
        assert len(longs) <= max(limit, sum(i in incumbents for i in longs))
    assert sum(made["weights"].values()) <= 1 + 1e-9
    assert all(weight >= 0 for weight in made["weights"].values())
    assert set(made["weights"]) == set(made["active_set"])


@given(worlds(), selections(), MISSING)
def test_no_newcomer_is_in_a_group_that_is_full(
    candidates: list[Candidate], selection: dict[str, Any], on_missing: str
) -> None:
    decision = decided(candidates, selection, on_missing)
    limit, group = selection["correlation"]["max"], selection["correlation"]["max_per_group"]
    rows = [decision.board.candidates[i].evidence.record for i in decision.moves.live]  # type: ignore[union-attr]
    for place, i in enumerate(decision.moves.live):
        if i not in decision.moves.promote:
            continue
        close = [r for r in (pearson(rows[place], rows[other]) for other in range(place)) if r is not None]
        strength = [abs(r) if selection["correlation"]["absolute"] else r for r in close]
        assert sum(r > limit + 1e-9 for r in strength) <= group - 1


def pearson(left: Record, right: Record) -> float | None:
    """By NumPy, over the last 60 days that both have."""
    if left.times is None or right.times is None or left.returns is None or right.returns is None:
        return None
    _, a, b = np.intersect1d(left.times, right.times, return_indices=True)
    recent = left.times[a] > NOW - 60 * DAY
    a, b = a[recent], b[recent]
    return None if a.size < 20 else float(np.corrcoef(left.returns[a], right.returns[b])[0, 1])


@given(worlds(), selections(), MISSING, st.randoms(use_true_random=False))
def test_the_order_of_candidates_changes_nothing(
    candidates: list[Candidate], selection: dict[str, Any], on_missing: str, random: Any
) -> None:
    shuffled = list(candidates)
    random.shuffle(shuffled)
    first = orjson.dumps(document(decided(candidates, selection, on_missing)))
    assert first == orjson.dumps(document(decided(shuffled, selection, on_missing)))


@given(worlds(), selections(), MISSING)
def test_one_that_fails_its_gates_changes_nothing_for_the_others(
    candidates: list[Candidate], selection: dict[str, Any], on_missing: str
) -> None:
    if "rank" in selection["gates"]:
        selection = {**selection, "gates": "sharpe >= 0"}
    hopeless = candidate("zz", -5.0)
    before = document(decided(candidates, selection, on_missing))
    after = document(decided([*candidates, hopeless], selection, on_missing))
    assert [c for c in after["candidates"] if c["strategy_id"] != "zz"] == before["candidates"]
    assert after["weights"] == before["weights"]


@given(worlds(), selections(), MISSING)
def test_what_is_not_known_to_be_good_is_never_promoted(
    candidates: list[Candidate], selection: dict[str, Any], on_missing: str
) -> None:
    made = document(decided(candidates, selection, on_missing))
    by_name = {c.strategy_id: c for c in candidates}
    for told in made["candidates"]:
        statuses = {step["status"] for step in told["trace"]}
        if told["outcome"] == "promote":
            assert not statuses & {"fail", "inconclusive"}
            assert told["eligible"]
            assert by_name[told["strategy_id"]].error is None
        if by_name[told["strategy_id"]].error is not None:
            assert told["outcome"] == "hold"
            assert not told["counted"]


@given(worlds(), st.floats(-1, 3), st.floats(0, 2), MISSING)
def test_a_laxer_threshold_makes_nobody_ineligible(
    candidates: list[Candidate], bound: float, by: float, on_missing: str
) -> None:
    def eligible(least: float) -> set[str]:
        profile = {"paper": {"performance": {**PAPER["paper"]["performance"], "sharpe_min": least}}}
        chosen = policy(validation_profiles=profile, validation={"on_missing_metric": on_missing})
        made = document(decide(situation(chosen), candidates))
        return {c["strategy_id"] for c in made["candidates"] if c["eligible"]}

    assert eligible(bound) <= eligible(bound - by)


@settings(max_examples=50)
@given(
    st.lists(st.lists(SHARPES, min_size=3, max_size=3), min_size=1, max_size=25),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_nobody_flaps_faster_than_hysteresis_allows(
    days: list[list[float | None]], promote_after: int, demote_after: int
) -> None:
    """Applying each plan at once, from one change of a binding to the one after the next."""
    chosen = policy(
        selection={
            "hysteresis": {"promote_after": promote_after, "demote_after": demote_after},
            "top_k": {"k": 1},
        }
    )
    held = {name: candidate(name, state="dry_run") for name in ("a", "b", "c")}
    changes: dict[str, list[tuple[int, str]]] = {name: [] for name in held}
    for day, sharpes in enumerate(days):
        slot = NOW + day * DAY
        today = [
            replace(held[name], evidence=candidate(name, sharpe, run_id=f"r{day}").evidence)
            for name, sharpe in zip(held, sharpes, strict=True)
        ]
        decision = decide(situation(chosen, slot=slot), today)
        for row, one in enumerate(decision.board.candidates):
            counters = decision.counters[row]
            one = replace(one, passes=counters.passes, failures=counters.failures, counted_slot=slot)
            for moved, state in ((decision.moves.promote, "live"), (decision.moves.demote, "dry_run")):
                if row in moved:
                    one = replace(one, state=state, passes=0, failures=0)
                    changes[one.strategy_id].append((day, state))
            held[one.strategy_id] = one
    for told in changes.values():
        for (first, state), (second, _) in pairwise(told):
            assert second - first >= (demote_after if state == "live" else promote_after)
