"""Geometry of the funnel, the sparkline and the heat map."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.domain.charts_funnel import funnel_of
from evaluation.domain.charts_heat import LONGEST_LABEL, heat_map
from evaluation.domain.charts_spark import POINTS, sparkline

NAN = float("nan")


# --- the funnel -------------------------------------------------------------------------------------------
def test_a_funnel_narrows_and_counts_who_fell_out() -> None:
    funnel = funnel_of([("all", 10), ("some", 5), ("none", 0)])
    assert funnel is not None
    assert [(stage.count, stage.lost, stage.share) for stage in funnel.stages] == [
        (10, 0, "100 %"),
        (5, 5, "50 %"),
        (0, 5, "0 %"),
    ]
    assert funnel.stages[-1].slope == ""


@pytest.mark.parametrize("counts", [[], [("all", 0), ("some", 0)]])
def test_without_candidates_there_is_no_funnel(counts: list[tuple[str, int]]) -> None:
    assert funnel_of(counts) is None


# --- the sparkline ----------------------------------------------------------------------------------------
def test_a_sparkline_has_few_points_and_says_what_came_of_it() -> None:
    spark = sparkline(np.full(5000, 0.0001))
    assert spark is not None
    assert spark.line.count("L") == POINTS - 1
    assert (spark.words, spark.tone) == ("+64.9 %", "up")


@pytest.mark.parametrize(
    "returns", [[], [0.1], [0.1, NAN, 0.2], [1e300] * 9], ids=["none", "one", "a hole", "too large"]
)
def test_what_cannot_be_drawn_is_not(returns: list[float]) -> None:
    assert sparkline(np.array(returns)) is None


@pytest.mark.parametrize("returns", [[0.0, 0.0], [-1.0, 0.5]])
def test_flat_and_lost_records_are_drawn(returns: list[float]) -> None:
    assert sparkline(np.array(returns)) is not None


# --- the heat map -----------------------------------------------------------------------------------------
MATRIX = np.array([[1.0, 0.9, NAN], [0.9, 1.0, -0.95], [NAN, -0.95, 1.0]])


def test_signs_strength_and_the_unknown_are_told_apart() -> None:
    heat = heat_map(["a", "b", "c"], MATRIX, limit=0.8)
    assert heat is not None
    kinds = [cell.kind for cell in heat.cells]
    assert kinds == [
        "self", "positive", "unknown",
        "positive", "self", "negative",
        "unknown", "negative", "self",
    ]  # fmt: skip
    assert (heat.unknown, heat.above) == (1, 1)
    assert heat.cells[1].words == "a and b: 0.900, above 0.8"
    assert heat.cells[2].words == "a and c: unknown"


def test_where_the_sign_does_not_count_strong_opposites_are_above_as_well() -> None:
    heat = heat_map(["a", "b", "c"], MATRIX, limit=0.8, absolute=True)
    assert heat is not None
    assert heat.above == 2


@pytest.mark.parametrize("names", [[], ["a"]])
def test_one_name_is_no_map(names: list[str]) -> None:
    assert heat_map(names, np.ones((len(names), len(names))), limit=None) is None


def test_long_names_are_cut_and_many_have_no_figures() -> None:
    names = [f"{n:0100d}" for n in range(40)]
    heat = heat_map(names, np.zeros((40, 40)), limit=None)
    assert heat is not None
    assert {len(label.text) for label in heat.labels} == {LONGEST_LABEL}
    assert not heat.figures
    assert len(heat.cells) == 1600
    assert heat.width < 1200
