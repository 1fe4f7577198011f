"""Catalogue entries that the kernel computes from returns: one entry, one function."""

from __future__ import annotations

from qmtl.metrics import cross_validation, drawdown, missing, panel_robustness, returns, tail
from qmtl.metrics.metric import Metric, computed

CONVENTION = "convention"
SHARPE = "Sharpe 1994"
BAILEY_2012 = "Bailey and Lopez de Prado 2012"
BAILEY_2014 = "Bailey and Lopez de Prado 2014"
HOLD_OUT = "Lopez de Prado 2018, chapter 7 (purged folds)"

RETURNS: tuple[Metric, ...] = (
    computed(returns.sample_count, "returns", "count", "+", "higher", "T", CONVENTION),
    computed(returns.total_return, "returns", "fraction", "any", "higher", "prod(1 + r) - 1", CONVENTION),
    computed(
        returns.cagr, "returns", "fraction per year", "any", "higher", "(1 + total_return)^(P/T) - 1",
        CONVENTION, missing.TWO_POINTS, missing.OVERFLOW,
    ),
    computed(
        returns.volatility, "returns", "fraction per year", "+", "lower", "std(r, ddof=1) sqrt(P)",
        CONVENTION, missing.TWO_POINTS,
    ),
    computed(
        returns.sharpe, "returns", "ratio per year", "any", "higher",
        "mean(r - rf/P) / std(r, ddof=1) sqrt(P)", SHARPE, missing.TWO_POINTS, missing.ZERO_VARIANCE,
    ),
    computed(
        returns.sortino_ratio, "returns", "ratio per year", "any", "higher",
        "mean(r) P / (sqrt(mean(min(r, 0)^2)) sqrt(P))", "Sortino and Price 1994", missing.NO_LOSS,
    ),
    computed(
        drawdown.max_drawdown, "returns", "fraction", "-", "higher",
        "min over t of E_t / max_{s<=t} E_s - 1, E_0 counted", CONVENTION,
    ),
    computed(
        drawdown.calmar_ratio, "returns", "ratio", "any", "higher", "cagr / abs(max_drawdown)",
        "Young 1991", missing.TWO_POINTS, missing.NO_DRAWDOWN, missing.OVERFLOW,
    ),
    computed(
        drawdown.ulcer_index, "returns", "fraction", "+", "lower", "sqrt(mean(drawdown_t^2)), t = 1..T",
        "Martin and McCann 1989",
    ),
    computed(
        drawdown.time_under_water_ratio, "returns", "fraction", "+", "lower",
        "share of periods with E_t below its running peak", CONVENTION,
    ),
    computed(
        drawdown.max_time_under_water_days, "returns", "days", "+", "lower",
        "longest consecutive run of such periods x days per period (1 for P in 252..366, else 365/P)",
        CONVENTION,
    ),
    computed(
        returns.win_rate, "returns", "fraction", "+", "higher",
        "share of positive among non-zero returns", CONVENTION, missing.NO_MOVE,
    ),
    computed(
        returns.profit_factor, "returns", "ratio", "+", "higher",
        "sum of gains / abs(sum of losses)", CONVENTION, missing.NO_LOSS,
    ),
    computed(
        returns.gain_to_pain_ratio, "returns", "ratio", "any", "higher",
        "sum(r) / abs(sum of losses)", "Schwager 2012", missing.NO_LOSS,
    ),
    computed(
        tail.var_p01, "returns", "fraction", "+", "lower", "max(0, -quantile(r, 0.01))",
        "historical simulation; Hyndman and Fan 1996, type 7",
    ),
    computed(
        tail.var_p05, "returns", "fraction", "+", "lower", "max(0, -quantile(r, 0.05))",
        "historical simulation; Hyndman and Fan 1996, type 7",
    ),
    computed(
        tail.es_p01, "returns", "fraction", "+", "lower",
        "max(0, -mean(r where r <= quantile(r, 0.01)))", "Acerbi and Tasche 2002",
    ),
    computed(
        tail.es_p05, "returns", "fraction", "+", "lower",
        "max(0, -mean(r where r <= quantile(r, 0.05)))", "Acerbi and Tasche 2002",
    ),
    computed(
        returns.skew, "returns", "number", "any", "higher",
        "m3 / m2^1.5, population moments", "Fisher", missing.ZERO_VARIANCE,
    ),
    computed(
        returns.kurtosis, "returns", "number", "+", "lower",
        "m4 / m2^2, population moments (a normal has 3)", "Pearson 1905", missing.ZERO_VARIANCE,
    ),
    computed(
        tail.tail_ratio, "returns", "ratio", "+", "higher",
        "abs(quantile(r, 0.95)) / abs(quantile(r, 0.05))", "empyrical", missing.NO_TAIL,
    ),
    computed(returns.best_period, "returns", "fraction", "any", "higher", "max(r)", CONVENTION),
    computed(returns.worst_period, "returns", "fraction", "any", "higher", "min(r)", CONVENTION),
)  # fmt: skip

ROBUSTNESS: tuple[Metric, ...] = (
    computed(
        panel_robustness.probabilistic_sharpe_ratio, "robustness", "probability", "+", "higher",
        "Phi(s sqrt(T-1) / sqrt(1 - g3 s + (g4-1)/4 s^2))", BAILEY_2012,
        missing.TWO_POINTS, missing.ZERO_VARIANCE, missing.NO_ERROR,
    ),
    computed(
        panel_robustness.deflated_sharpe_ratio, "robustness", "probability", "+", "higher",
        "Phi((s - s*) sqrt(T-1) / sqrt(1 - g3 s + (g4-1)/4 s^2)), "
        "s* = sqrt(V) ((1-g) z(1-1/N) + g z(1-1/(N e)))", BAILEY_2014,
        missing.TWO_POINTS, missing.ZERO_VARIANCE, missing.BAD_TRIALS, missing.NO_ERROR,
    ),
    computed(
        panel_robustness.min_track_record_length, "robustness", "periods", "+", "lower",
        "1 + (1 - g3 s + (g4-1)/4 s^2) (z(0.95) / s)^2", BAILEY_2012,
        missing.TWO_POINTS, missing.ZERO_VARIANCE, missing.NO_SKILL, missing.NO_ERROR,
    ),
    computed(
        cross_validation.cv_folds, "robustness", "count", "+", "none",
        "5 contiguous folds, the first max(1, floor(T/100)) points of each but the first left out", HOLD_OUT,
        missing.SIXTY_POINTS,
    ),
    computed(
        cross_validation.cv_sharpe_mean, "robustness", "ratio per year", "any", "higher",
        "mean of the folds' annualised Sharpes", HOLD_OUT, missing.SIXTY_POINTS, missing.ZERO_VARIANCE_FOLD,
    ),
    computed(
        cross_validation.cv_sharpe_std, "robustness", "ratio per year", "+", "lower",
        "std (ddof=1) of the folds' annualised Sharpes", HOLD_OUT,
        missing.SIXTY_POINTS, missing.ZERO_VARIANCE_FOLD,
    ),
    computed(
        cross_validation.sharpe_first_half, "robustness", "ratio per year", "any", "higher",
        "annualised Sharpe of the first floor(T/2) points", CONVENTION,
        missing.FOUR_POINTS, missing.ZERO_VARIANCE_FIRST,
    ),
    computed(
        cross_validation.sharpe_second_half, "robustness", "ratio per year", "any", "higher",
        "annualised Sharpe of the points after the first floor(T/2)", CONVENTION,
        missing.THREE_POINTS, missing.ZERO_VARIANCE_SECOND,
    ),
    computed(
        cross_validation.cv_sharpe_gap, "robustness", "ratio per year", "+", "lower",
        "abs(sharpe_first_half - sharpe_second_half)", CONVENTION,
        missing.FOUR_POINTS, missing.ZERO_VARIANCE_FIRST, missing.ZERO_VARIANCE_SECOND,
    ),
)  # fmt: skip
