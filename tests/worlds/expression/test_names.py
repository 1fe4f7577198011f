from __future__ import annotations

import pytest

from worlds.domain.expression import MetricName, UnknownName, parse_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sharpe", MetricName("metric", "returns.sharpe")),
        ("returns.sharpe", MetricName("metric", "returns.sharpe")),
        ("28d.total_return", MetricName("window", "returns.total_return", days=28)),
        ("worst.5m", MetricName("worst", "5m")),
        ("pnl_daily_mean", MetricName("pnl_daily", "pnl_daily_mean")),
        ("rank.sharpe", MetricName("rank", "", base=MetricName("metric", "returns.sharpe"))),
        (
            "pct_rank.28d.total_return",
            MetricName("pct_rank", "", base=MetricName("window", "returns.total_return", days=28)),
        ),
        ("live.30d.sharpe", MetricName("live", "sharpe", days=30)),
        ("stress.crash.es_99", MetricName("stress", "es_99", scenario="crash")),
        ("benchmark.alpha", MetricName("benchmark", "alpha")),
        ("extra.conviction", MetricName("extra", "conviction")),
    ],
)
def test_a_name_says_which_figure_of_which_record(text: str, name: MetricName) -> None:
    assert parse_name(text) == name
    assert parse_name(name.text) == name


def test_a_plain_name_is_the_canonical_one_where_it_is_unique() -> None:
    assert parse_name("returns.sharpe").text == "sharpe"
    assert parse_name("pnl.sample_count").text == "pnl.sample_count"


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("sharp", "sharpe"),
        ("28d.total_retrun", "28d.total_return"),
        ("rank.sharp", "rank.sharpe"),
        ("live.45d.sharpe", "live.30d.sharpe"),
        ("live.30d.decai", "live.30d.decay"),
        ("stress.crash.es99", "stress.crash.es_99"),
        ("benchmark.alfa", "benchmark.alpha"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(text: str, near: str) -> None:
    with pytest.raises(UnknownName) as refusal:
        parse_name(text)
    assert near in refusal.value.nearest


@pytest.mark.parametrize(
    "text",
    ["0d.sharpe", "9999d.sharpe", "worst.", "worst.0m", "worst.5y", "extra.", "extra.a.b", "stress.x",
     "stress.", "rank.worst.5m", "live.sharpe", "alpha_performance.sharpe", "x" * 200],
)  # fmt: skip
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(UnknownName):
        parse_name(text)


@pytest.mark.parametrize(
    ("text", "sign"),
    [("max_drawdown", "-"), ("28d.volatility", "+"), ("stress.x.max_drawdown", "-"), ("live.30d.es_p05", "+"),
     ("benchmark.max_drawdown", "-"), ("rank.sharpe", "+"), ("worst.5m", "any"), ("extra.x", "any")],
)  # fmt: skip
def test_a_name_knows_the_sign_of_its_figure(text: str, sign: str) -> None:
    assert parse_name(text).sign == sign
