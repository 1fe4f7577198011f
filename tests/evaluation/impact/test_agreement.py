"""Judged as an array, every run has the very outcome that it has alone."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.domain.columns import Columns
from evaluation.domain.documents import metrics_document
from evaluation.domain.figures import FamilyTrials, sheets
from evaluation.domain.judgement import failed_to_evaluate, judge
from evaluation.domain.policy_diff import JudgedRun, judge_alone, judge_many, judged_run, reads_series
from evaluation.domain.policy_diff.judging import outcome_of
from evaluation.domain.record import Record
from evaluation.domain.rules.rule import Case
from tests.decision.builders import TERMS, returns, times
from worlds.domain.policy import Policy, policy_from_document

STAGES = ("backtest", "paper", "live")
NAMES = (
    "returns.sharpe",
    "returns.max_drawdown",
    "returns.gain_to_pain_ratio",
    "sample.effective_history_years",
    "sample.n_trades_total",
    "robustness.deflated_sharpe_ratio",
    "robustness.pbo",
    "risk.adv_utilization_p95",
    "benchmark.sharpe_uplift",
    "stress.crash.max_drawdown",
    "stress.crash.es_99",
)
# Few values, so that figures are often exactly on their bounds.
VALUES = st.sampled_from([-1.0, -0.3, 0.0, 0.2, 0.5, 1.0, 2.0, 1e308]) | st.floats(-3, 3)
GATES = (
    "sharpe >= 0.5",
    "sharpe >= 0.5 and max_drawdown >= -0.3",
    "not (sharpe < 0.5 or extra.conviction < 0.5)",
    "rank.sharpe <= 1 or pct_rank.max_drawdown < 0.5",
    "28d.total_return >= 0 and worst.1w > -0.05",
    "rank.28d.sharpe <= 1 and pnl_daily_min > -500",
    "benchmark.sharpe_uplift > 0 or stress.crash.es_99 < 0.2",
    "live.30d.sharpe > 0 or sharpe / volatility > 1",
)


# Made once, as Hypothesis looks at each strategy anew that it has not seen: that takes longer than drawing from it.
STAGE, DAYS = st.sampled_from(STAGES), st.sampled_from([0, 10, 80])
SOME_NAMES, SOME_STAGES = st.sets(st.sampled_from(NAMES)), st.sets(STAGE)
CONVICTION, SEED = st.sampled_from([None, 0.4, 0.6]), st.integers(0, 5)
FROM_RETURNS, IS_BROKEN = st.booleans(), st.sampled_from([False, False, False, True])


@st.composite
def runs(draw: st.DrawFn) -> JudgedRun:
    stage = draw(STAGE)
    known = draw(SOME_NAMES)
    days = draw(DAYS)
    conviction = draw(CONVICTION)
    meta = {} if conviction is None else {"extra_metrics": {"conviction": conviction}}
    series = returns(draw(SEED), days) if days else None
    return JudgedRun(
        identity={"run_id": "r1"},
        stage=stage,
        figures={name: draw(VALUES) if name in known else None for name in draw(SOME_NAMES)},
        record=Record(stage, times(days) if days else None, series, None, told={"meta": meta}),
        from_returns=draw(FROM_RETURNS),
        is_broken=draw(IS_BROKEN),
    )


def section(**bounds: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any] | None]:
    """A section, or none, with some of its bounds off and any severity and mode."""
    how = {
        "severity": st.sampled_from(["blocking", "soft", "info"]),
        "mode": st.sampled_from(["active", "active", "shadow"]),
    }
    given_bounds = {name: st.none() | values for name, values in bounds.items()}
    return st.none() | st.fixed_dictionaries({**given_bounds, **how})


SHARES, COUNTS = st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.sampled_from([0, 1, 50])
NUMBERS = st.sampled_from([-1.0, 0.0, 0.5, 2.0])
PROFILES = st.fixed_dictionaries(
    {
        "sample": section(min_effective_years=SHARES, min_trades_total=COUNTS),
        "performance": section(sharpe_min=NUMBERS, max_dd_max=SHARES, gain_to_pain_min=NUMBERS),
        "robustness": section(dsr_min=SHARES, pbo_max=SHARES),
        "risk": section(adv_utilization_p95_max=SHARES, incremental_var_99_max=NUMBERS),
    }
)


ON_MISSING = st.sampled_from(["fail", "warn", "ignore"])
BENCHMARK = section(min_vs_benchmark_sharpe=NUMBERS)
CRASH = st.fixed_dictionaries({"max_drawdown": st.sampled_from([None, -0.3]), "es_99": SHARES})
STRESS = section(scenarios=st.fixed_dictionaries({"crash": CRASH}))
GATE, HAS_GATES, TENTHS = st.sampled_from(GATES), st.booleans(), st.integers(0, 9)


@st.composite
def policies(draw: st.DrawFn) -> Policy | None:
    stages = draw(SOME_STAGES)
    document = {
        "version": 1,
        "validation": {"on_missing_metric": draw(ON_MISSING)},
        "validation_profiles": {stage: draw(PROFILES) for stage in stages},
        "default_profile_by_stage": {stage: stage if stage in stages else None for stage in STAGES},
        "benchmark": draw(BENCHMARK),
        "stress": draw(STRESS),
        "selection": {"gates": draw(GATE)} if draw(HAS_GATES) else None,
    }
    if document["stress"] is not None and document["stress"]["scenarios"] is None:
        del document["stress"]["scenarios"]
    return None if draw(TENTHS) == 0 else policy_from_document(document)


@settings(max_examples=300, deadline=None)
@given(st.lists(runs(), max_size=12), policies())
def test_an_array_of_runs_is_judged_as_each_of_them_alone(
    many: list[JudgedRun], policy: Policy | None
) -> None:
    assert judge_many(many, policy, TERMS) == [judge_alone(run, policy, TERMS) for run in many]


@settings(max_examples=100, deadline=None)
@given(runs(), policies())
def test_alone_means_by_the_judgement_of_runs(run: JudgedRun, policy: Policy | None) -> None:
    columns = Columns([run.record], [run.figures], TERMS)
    judgement = judge(
        Case(run.stage, run.figures, {}, columns),
        policy=policy,
        policy_version=None,
        from_returns=run.from_returns,
    )
    expected = failed_to_evaluate("", policy_version=None) if run.is_broken else judgement
    assert judge_alone(run, policy, TERMS) == outcome_of(expected)


@settings(max_examples=30, deadline=None)
@given(policies(), st.sampled_from(STAGES), st.sampled_from([0, 10, 80, 600]))
def test_a_stored_document_gives_the_outcome_that_it_says(
    policy: Policy | None, stage: str, days: int
) -> None:
    """Through the documents as they are written, NumPy, JSON and all."""
    series = returns(1, days) if days else None
    told = {"trades": {"count": 60}, "meta": {"extra_metrics": {"conviction": 0.6}}}
    record = Record(stage, times(days) if days else None, series, None, told=told)
    (sheet,) = sheets([record], terms=TERMS, trials=[FamilyTrials(3, None)], pbo=[0.2])
    case = Case(stage, sheet.flat(), sheet.missing, Columns([record], [sheet.flat()], TERMS))
    judgement = judge(case, policy=policy, policy_version=1, from_returns=series is not None)
    document = metrics_document(
        identity={"world_id": "w", "strategy_id": "s", "run_id": "r1"},
        record=record,
        sheet=sheet,
        judgement=judgement,
        hysteresis={},
    )
    stored = orjson.loads(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))
    run = judged_run(stored, strategy_id="s", run_id="r1", stage=stage, record=record)
    assert judge_many([run], policy, TERMS) == [outcome_of(judgement)]


def test_one_odd_run_takes_nothing_from_the_others() -> None:
    """A figure that is text makes the gates of that run a failed rule, and of that run only."""
    policy = policy_from_document(
        {"version": 1, "validation_profiles": {"paper": {}}, "selection": {"gates": "extra.conviction > 0.5"}}
    )
    odd, good = (
        JudgedRun({}, "paper", {}, Record("paper", None, None, None, told={"meta": {"extra_metrics": extra}}))
        for extra in ({"conviction": "high"}, {"conviction": 0.7})
    )
    judged = judge_many([odd, good], policy, TERMS)
    assert [outcome.verdict for outcome in judged] == ["fail", "pass"]
    assert judged[0].reasons == ("gates.rule_error",)


@pytest.mark.parametrize(
    ("gates", "reads"),
    [
        ("sharpe >= 1", False),
        ("rank.sharpe <= 3 and extra.conviction > 0", False),
        ("28d.total_return > 0", True),
        ("rank.28d.sharpe <= 3", True),
        ("pnl_daily_min > -100 or sharpe > 1", True),
        ("worst.1w > -0.1", True),
    ],
)
def test_series_are_wanted_only_by_gates_that_read_them(gates: str, reads: bool) -> None:
    assert reads_series(policy_from_document({"version": 1, "selection": {"gates": gates}})) is reads
