"""The chart's geometry."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.domain.charts import (
    LEFT,
    RIGHT,
    STRIPS,
    WIDTH,
    Frame,
    alongside,
    compact,
    drawdown,
    equity_chart,
    nice_step,
    thin,
    time_ticks,
    with_start,
)

DAY = 86_400_000


def days(count: int, start: str = "2020-01-01") -> np.ndarray:
    first = np.datetime64(start, "ms").astype(np.int64)
    return first + DAY * np.arange(count, dtype=np.int64)


def walk(count: int, seed: int = 1) -> np.ndarray:
    return 100.0 * np.cumprod(1.0 + 0.01 * np.random.default_rng(seed).standard_normal(count))


def points(path: str) -> np.ndarray:
    return np.array([[float(v) for v in pair.split()] for pair in path.removeprefix("M").split("L")])


def test_the_line_spans_the_frame_and_rises_upwards() -> None:
    chart = equity_chart(days(3), np.array([100.0, 110.0, 120.0]))
    assert chart is not None
    x, y = points(chart.equity).T
    assert (x[0], x[-1]) == (LEFT, WIDTH - RIGHT)
    assert y[0] > y[1] > y[2] > 0


def test_time_is_linear_though_points_are_not_regular() -> None:
    chart = equity_chart(np.array([0, DAY, 10 * DAY]), np.array([1.0, 2.0, 3.0]))
    assert chart is not None
    x = points(chart.equity)[:, 0]
    assert (x[1] - x[0]) / (x[2] - x[0]) == pytest.approx(0.1, abs=1e-3)


def test_the_deepest_drawdown_is_named_with_its_day() -> None:
    chart = equity_chart(days(4), np.array([100.0, 120.0, 90.0, 130.0]))
    assert chart is not None
    assert chart.deepest.label == "-25.0 % on 2020-01-03"


def test_drawdown_is_measured_from_the_running_peak() -> None:
    assert drawdown(np.array([1.0, 2.0, 1.0, 4.0])).tolist() == [0.0, 0.0, -0.5, 0.0]


@pytest.mark.parametrize("equity", [[100.0], [100.0, np.inf], [0.0, 1.0], [np.nan, 1.0]])
def test_what_cannot_be_drawn_is_none(equity: list[float]) -> None:
    assert equity_chart(days(len(equity)), np.array(equity)) is None


@pytest.mark.parametrize("equity", [[100.0] * 5, [100.0, 0.0, 0.0, 0.0, 0.0]])
def test_a_flat_record_and_a_total_loss_are_drawn(equity: list[float]) -> None:
    chart = equity_chart(days(5), np.array(equity))
    assert chart is not None
    assert "nan" not in chart.equity + chart.drawdown


def test_thinning_keeps_peak_and_trough() -> None:
    y = walk(100_000)
    kept = thin(np.linspace(LEFT, WIDTH - RIGHT, y.size), y)
    assert kept.size < 5 * WIDTH
    assert {0, y.size - 1, int(y.argmax()), int(y.argmin())} <= set(kept.tolist())


def test_a_million_points_make_a_small_drawing() -> None:
    chart = equity_chart(days(1_000_000, "1900-01-01") // 1440, walk(1_000_000))
    assert chart is not None
    assert len(chart.equity) < 80_000
    assert len(chart.strips) == STRIPS


def test_a_benchmark_starts_where_the_equity_starts() -> None:
    times = days(4)
    other = alongside(times, 50.0, times[1:], np.array([0.1, 0.0, -0.5]))
    assert other is not None
    assert other == pytest.approx([50.0, 55.0, 55.0, 27.5])


def test_a_benchmark_without_common_time_is_left_out() -> None:
    assert alongside(days(4), 50.0, days(4, "1990-01-01"), np.zeros(4)) is None


def test_the_start_stands_one_step_before_the_first_return() -> None:
    times, equity = with_start(days(2), np.array([11.0, 12.0]), 10.0)
    assert times[0] == days(1)[0] - DAY
    assert equity.tolist() == [10.0, 11.0, 12.0]


@pytest.mark.parametrize(
    ("span", "count", "step"), [(1.0, 5, 0.2), (90.0, 4, 25.0), (10.0, 3, 5.0), (7e4, 5, 2e4)]
)
def test_steps_are_round(span: float, count: int, step: float) -> None:
    assert nice_step(span, count) == pytest.approx(step)


@pytest.mark.parametrize(
    ("count", "labels"),
    [
        (3650, ["2021", "2023", "2025", "2027", "2029"]),
        (200, ["Feb 2020", "Mar 2020", "Apr 2020", "May 2020", "Jun 2020", "Jul 2020"]),
        (5, ["02 Jan", "03 Jan", "04 Jan", "05 Jan"]),
    ],
)
def test_time_is_marked_by_whole_units(count: int, labels: list[str]) -> None:
    assert [tick.label for tick in time_ticks(days(count))] == labels


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (950, "950"), (12_500, "12.5k"), (3.2e6, "3.2M"), (-2e9, "-2B")]
)
def test_money_is_short_on_an_axis(value: float, text: str) -> None:
    assert compact(value) == text


def test_a_frame_maps_low_to_its_bottom_and_high_to_its_top() -> None:
    assert Frame(10, 100, 0.0, 2.0).y(np.array([0.0, 1.0, 2.0])).tolist() == [110.0, 60.0, 10.0]


def test_strips_cover_the_width_and_tell_the_nearest_point() -> None:
    chart = equity_chart(days(3), np.array([100.0, 110.0, 99.0]))
    assert chart is not None
    assert sum(strip.width for strip in chart.strips) == pytest.approx(WIDTH - LEFT - RIGHT)
    assert [strip.words for strip in chart.strips][-1] == "2020-01-03   99   -1.0 %   drawdown -10.0 %"
