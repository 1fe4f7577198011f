from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.worlds.expression.strategies import NAMES, gates, scores
from worlds.domain.expression import (
    Expression,
    LeafMargin,
    MetricName,
    evaluate_gate,
    evaluate_score,
    failed_leaves,
    parse_expression,
    parse_name,
)

NAN = math.nan
OnMissing = Literal["fail", "warn", "ignore"]


def columns_of(figures: Mapping[str, list[float]]) -> Callable[[MetricName], NDArray[np.float64]]:
    return lambda name: np.array(figures[name.text], dtype=np.float64)


def verdict(text: str, on_missing: OnMissing = "warn", **figures: float) -> int:
    gate = parse_expression(text, kind="gate")
    columns = columns_of({name: [value] for name, value in figures.items()})
    return int(evaluate_gate(gate, columns, 1, on_missing=on_missing)[0])


def test_all_candidates_are_judged_at_once() -> None:
    gate = parse_expression("sharpe >= 1 and max_drawdown >= -0.2", kind="gate")
    columns = columns_of({"sharpe": [2, 0.5, 2, NAN], "max_drawdown": [-0.1, -0.1, -0.3, -0.1]})
    verdicts = evaluate_gate(gate, columns, 4, on_missing="warn")
    assert verdicts.dtype == np.int8
    assert verdicts.tolist() == [1, 0, 0, -1]


KLEENE = [
    # text                          sharpe, cagr,  fail, warn, ignore
    ("sharpe > 1", NAN, 0.0, 0, -1, -1),
    ("not sharpe > 1", NAN, 0.0, 0, -1, -1),
    ("sharpe > 1 and cagr > 0", NAN, 1.0, 0, -1, 1),
    ("sharpe > 1 and cagr > 0", NAN, -1.0, 0, 0, 0),
    ("sharpe > 1 or cagr > 0", NAN, 1.0, 1, 1, 1),
    ("sharpe > 1 or cagr > 0", NAN, -1.0, 0, -1, 0),
    ("not (sharpe > 1 and cagr > 0)", NAN, 1.0, 0, -1, 0),
    ("not (sharpe > 1 or cagr > 0)", NAN, -1.0, 0, -1, 1),
    ("sharpe + cagr > 0 and cagr > 0", NAN, 1.0, 0, -1, 1),
    ("sharpe > 1 and cagr > 0", NAN, NAN, 0, -1, -1),
    ("sharpe == sharpe", NAN, 0.0, 0, -1, -1),
]


@pytest.mark.parametrize(("text", "sharpe", "cagr", "fail", "warn", "ignore"), KLEENE)
def test_what_is_missing_is_unknown(
    text: str, sharpe: float, cagr: float, fail: int, warn: int, ignore: int
) -> None:
    figures = {"sharpe": sharpe, "cagr": cagr}
    assert verdict(text, "fail", **figures) == fail
    assert verdict(text, "warn", **figures) == warn
    assert verdict(text, "ignore", **figures) == ignore


@pytest.mark.parametrize(
    ("text", "figure"),
    [("1 / sharpe > 0", 0.0), ("sharpe * 1e300 * 1e300 > 0", 9.0), ("sharpe > 0", math.inf)],
)
def test_what_is_not_finite_is_unknown_and_says_no_warning(text: str, figure: float) -> None:
    assert verdict(text, sharpe=figure) == -1


def test_a_score_is_nan_where_it_is_unknown() -> None:
    score = parse_expression("sharpe / volatility", kind="score")
    columns = columns_of({"sharpe": [1, 1, NAN], "volatility": [0.5, 0, 1]})
    assert np.array_equal(evaluate_score(score, columns, 3), [2.0, NAN, NAN], equal_nan=True)


def test_no_candidates_give_no_verdicts() -> None:
    gate = parse_expression("sharpe > 1 and not cagr > 1", kind="gate")
    assert evaluate_gate(gate, lambda name: np.empty(0), 0, on_missing="ignore").tolist() == []


def test_a_column_of_another_length_is_an_error() -> None:
    gate = parse_expression("sharpe > 1", kind="gate")
    with pytest.raises(ValueError, match="sharpe"):
        evaluate_gate(gate, lambda name: np.zeros(3), 2, on_missing="fail")


def test_a_score_is_no_gate_and_the_reverse() -> None:
    with pytest.raises(TypeError):
        evaluate_gate(
            parse_expression("sharpe", kind="score"), lambda name: np.zeros(1), 1, on_missing="fail"
        )
    with pytest.raises(TypeError):
        evaluate_score(parse_expression("sharpe > 1", kind="gate"), lambda name: np.zeros(1), 1)


def test_the_column_that_was_given_is_not_changed() -> None:
    given_column = np.array([1.0, NAN])
    score = evaluate_score(parse_expression("sharpe", kind="score"), lambda name: given_column, 2)
    score[:] = 7
    assert given_column[0] == 1.0


figures = st.fixed_dictionaries(
    {parse_name(name): st.none() | st.sampled_from([-1.0, 0.0, 0.5, 1.0, 20.0]) for name in NAMES}
)


def scalar_columns(values: Mapping[MetricName, float | None]) -> Callable[[MetricName], NDArray[np.float64]]:
    return lambda name: np.array([NAN if values[name] is None else values[name]], dtype=np.float64)


@given(gates, figures)
def test_a_known_verdict_does_not_depend_on_what_missing_means(
    gate: Expression, values: dict[MetricName, float | None]
) -> None:
    columns = scalar_columns(values)
    modes: tuple[OnMissing, ...] = ("fail", "warn", "ignore")
    verdicts = {mode: int(evaluate_gate(gate, columns, 1, on_missing=mode)[0]) for mode in modes}
    if verdicts["warn"] != -1:
        assert len(set(verdicts.values())) == 1
    else:
        assert verdicts["fail"] == 0


@given(gates, figures)
def test_a_gate_lacks_something_exactly_where_it_does_not_pass(
    gate: Expression, values: dict[MetricName, float | None]
) -> None:
    passes = int(evaluate_gate(gate, scalar_columns(values), 1, on_missing="warn")[0]) == 1
    assert (failed_leaves(gate, values.get) == []) == passes
    assert all(leaf.margin is None or leaf.margin <= 0 for leaf in failed_leaves(gate, values.get))


@given(scores, figures)
def test_a_score_is_finite_or_unknown(score: Expression, values: dict[MetricName, float | None]) -> None:
    result = float(evaluate_score(score, scalar_columns(values), 1)[0])
    assert math.isfinite(result) or math.isnan(result)


def lacking(text: str, **known: float) -> list[LeafMargin]:
    return failed_leaves(parse_expression(text, kind="gate"), lambda name: known.get(name.text))


@pytest.mark.parametrize(
    ("text", "leaf"),
    [
        ("sharpe >= 1.5", LeafMargin("sharpe >= 1.5", 1.0, 1.5, -0.5)),
        ("sharpe < 0.5", LeafMargin("sharpe < 0.5", 1.0, 0.5, -0.5)),
        ("sharpe > 1", LeafMargin("sharpe > 1", 1.0, 1.0, 0.0)),
        ("1.5 <= sharpe", LeafMargin("sharpe >= 1.5", 1.0, 1.5, -0.5)),
        ("sharpe == 3", LeafMargin("sharpe == 3", 1.0, 3.0, -2.0)),
        ("not sharpe >= 0.5", LeafMargin("sharpe < 0.5", 1.0, 0.5, -0.5)),
        ("2 * sharpe >= sharpe + 2", LeafMargin("2 * sharpe >= sharpe + 2", 2.0, 3.0, -1.0)),
        ("cagr >= 0", LeafMargin("cagr >= 0", None, 0.0, None)),
    ],
)
def test_a_failed_comparison_says_what_is_lacking(text: str, leaf: LeafMargin) -> None:
    assert lacking(text, sharpe=1.0) == [leaf]


def test_branches_of_a_passing_or_are_not_lacking() -> None:
    assert lacking("(sharpe > 0 or sharpe > 5) and sharpe > 3", sharpe=1.0) == [
        LeafMargin("sharpe > 3", 1, 3, -2)
    ]
    assert len(lacking("sharpe > 4 or sharpe > 5", sharpe=1.0)) == 2
