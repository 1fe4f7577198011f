"""Every figure equals a plain implementation of its definition, written here without NumPy."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import accumulate, pairwise
from statistics import NormalDist

import numpy as np
import pytest

from qmtl.metrics import measure

P, RF = 365.0, 0.03


def mean(xs):
    return math.fsum(xs) / len(xs)


def std(xs):
    centre = mean(xs)
    return math.sqrt(math.fsum((x - centre) ** 2 for x in xs) / (len(xs) - 1))


def moment(xs, k):
    centre = mean(xs)
    return math.fsum((x - centre) ** k for x in xs) / len(xs)


def quantile(xs, p):
    ordered, position = sorted(xs), (len(xs) - 1) * Fraction(p)
    below = math.floor(position)
    above = min(below + 1, len(xs) - 1)
    return ordered[below] + float(position - below) * (ordered[above] - ordered[below])


def var(xs, p):
    return max(0.0, -quantile(xs, p))


def es(xs, p):
    bound = quantile(xs, p)
    return max(0.0, -mean([x for x in xs if x <= bound]))


def sharpe(xs):
    return mean([x - RF / P for x in xs]) / std(xs) * math.sqrt(P)


def equity(xs):
    values = [1.0]
    for x in xs:
        values.append(values[-1] * (1 + x))
    return values


def drawdowns(xs):
    values = equity(xs)
    return [value / peak - 1 for value, peak in zip(values, accumulate(values, max), strict=True)][1:]


def longest_run(flags):
    return max(map(len, "".join("x" if flag else " " for flag in flags).split()), default=0)


def folds(xs):
    size, longer = divmod(len(xs), 5)
    edges = [fold * size + min(fold, longer) for fold in range(6)]
    return [xs[a + (max(1, len(xs) // 100) if a else 0) : b] for a, b in pairwise(edges)]


def plain_returns(xs):
    gains, losses = math.fsum(x for x in xs if x > 0), -math.fsum(x for x in xs if x < 0)
    growth, depths = equity(xs)[-1], drawdowns(xs)
    cagr = growth ** (P / len(xs)) - 1
    downside = math.sqrt(mean([min(x, 0) ** 2 for x in xs]))
    return {
        "sample_count": len(xs),
        "total_return": growth - 1,
        "cagr": cagr,
        "volatility": std(xs) * math.sqrt(P),
        "sharpe": sharpe(xs),
        "sortino_ratio": mean(xs) * P / (downside * math.sqrt(P)),
        "max_drawdown": min(depths),
        "calmar_ratio": cagr / abs(min(depths)),
        "ulcer_index": math.sqrt(mean([d * d for d in depths])),
        "time_under_water_ratio": sum(d < 0 for d in depths) / len(xs),
        "max_time_under_water_days": longest_run(d < 0 for d in depths),
        "win_rate": sum(x > 0 for x in xs) / sum(x != 0 for x in xs),
        "profit_factor": gains / losses,
        "gain_to_pain_ratio": math.fsum(xs) / losses,
        "var_p01": var(xs, "0.01"),
        "var_p05": var(xs, "0.05"),
        "es_p01": es(xs, "0.01"),
        "es_p05": es(xs, "0.05"),
        "skew": moment(xs, 3) / moment(xs, 2) ** 1.5,
        "kurtosis": moment(xs, 4) / moment(xs, 2) ** 2,
        "tail_ratio": abs(quantile(xs, "0.95")) / abs(quantile(xs, "0.05")),
        "best_period": max(xs),
        "worst_period": min(xs),
    }


def plain_robustness(xs, trials, variance):
    phi, z, g = NormalDist().cdf, NormalDist().inv_cdf, 0.57721566490153286
    s = mean(xs) / std(xs)
    factor = (
        1 - moment(xs, 3) / moment(xs, 2) ** 1.5 * s + (moment(xs, 4) / moment(xs, 2) ** 2 - 1) / 4 * s * s
    )
    hurdle = math.sqrt(variance) * ((1 - g) * z(1 - 1 / trials) + g * z(1 - 1 / (trials * math.e)))
    parts, half = [sharpe(fold) for fold in folds(xs)], len(xs) // 2
    return {
        "probabilistic_sharpe_ratio": phi(s * math.sqrt((len(xs) - 1) / factor)),
        "deflated_sharpe_ratio": phi((s - hurdle) * math.sqrt((len(xs) - 1) / factor)),
        "min_track_record_length": 1 + factor * (z(0.95) / s) ** 2 if s > 0 else math.nan,
        "cv_folds": 5,
        "cv_sharpe_mean": mean(parts),
        "cv_sharpe_std": std(parts),
        "sharpe_first_half": sharpe(xs[:half]),
        "sharpe_second_half": sharpe(xs[half:]),
        "cv_sharpe_gap": abs(sharpe(xs[:half]) - sharpe(xs[half:])),
    }


def series(kind, periods):
    rng = np.random.default_rng(periods)
    if kind == "normal":
        return rng.normal(0.001, 0.01, periods)
    if kind == "fat tails":
        return np.clip(rng.standard_t(3, periods) * 0.01, -0.9, None)
    return np.round(rng.normal(0.001, 0.01, periods), 2)  # ties and zeros


@pytest.mark.parametrize("periods", [60, 101, 301, 504, 2901])
@pytest.mark.parametrize("kind", ["normal", "fat tails", "ties"])
def test_every_figure_equals_its_plain_definition(kind, periods):
    xs = series(kind, periods)
    measures = measure(
        xs[None, :],
        periods_per_year=P,
        risk_free_rate=RF,
        trials=np.array([45.0]),
        trial_sharpe_variance=np.array([0.002]),
    )
    plain = {
        **{f"returns.{name}": figure for name, figure in plain_returns(xs.tolist()).items()},
        **{f"robustness.{name}": figure for name, figure in plain_robustness(xs.tolist(), 45, 0.002).items()},
    }
    figures = {name: column[0] for name, column in measures.columns.items()}
    assert figures == pytest.approx(plain, rel=1e-9, nan_ok=True)


def test_an_unknown_variance_of_the_trials_is_that_of_a_skilless_sharpe():
    xs = series("normal", 250)
    figure = measure(xs[None, :], periods_per_year=P, trials=np.array([45.0])).row(0)
    expected = plain_robustness(xs.tolist(), 45, 1 / 249)["deflated_sharpe_ratio"]
    assert figure["robustness"]["deflated_sharpe_ratio"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("per_year", "days"), [(252, 3.0), (365, 3.0), (8760, 0.125), (52, 3 * 365 / 52)])
def test_time_under_water_is_counted_in_days(per_year, days):
    returns = np.array([[0.1, -0.1, 0.01, 0.01, 0.2, -0.1]])
    column = measure(returns, periods_per_year=per_year).columns["returns.max_time_under_water_days"]
    assert column[0] == pytest.approx(days)
