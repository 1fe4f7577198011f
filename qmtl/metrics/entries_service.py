"""Catalogue entries that need more than one strategy's returns: the service fills them."""

from __future__ import annotations

from qmtl.metrics.metric import Direction, Metric, Sign

NOT_GIVEN = "not given"
NO_BENCHMARK = "the world has no benchmark; fewer than 2 common points"


def _given(
    block: str, name: str, unit: str, sign: Sign, direction: Direction, formula: str, needs: str = "caller",
    missing_when: str = NOT_GIVEN, source: str = "convention",
) -> Metric:  # fmt: skip
    return Metric(name, block, unit, sign, direction, formula, source, needs, missing_when)


PNL = (
    _given("pnl", "sample_count", "count", "+", "higher", "number of equity values", "equity", "never"),
    _given("pnl", "pnl_total", "currency", "any", "higher", "E_T - starting capital", "equity", "never"),
    _given("pnl", "pnl_max_drawdown", "currency", "-", "higher",
           "min over t of E_t - max_{s<=t} E_s, starting capital counted", "equity", "never"),
    _given("pnl", "pnl_equity_peak", "currency", "+", "higher",
           "max over t of E_t, starting capital counted", "equity", "never"),
)  # fmt: skip

REGIME = "share of the sample's periods in the {} tercile of the benchmark's 20-period rolling volatility"
NO_REGIME = "the world has no benchmark; no common period with a rolling volatility; the terciles coincide"

SAMPLE = (
    _given("sample", "sample_days", "count", "+", "higher", "distinct UTC dates", "timestamps", "never"),
    _given("sample", "effective_history_years", "years", "+", "higher", "T / P", "returns", "never"),
    _given("sample", "n_trades_total", "count", "+", "higher", "number of trades", "trades"),
    _given("sample", "n_trades_per_year", "count per year", "+", "none",
           "n_trades_total / effective_history_years", "trades"),
    *(_given("sample.regime_coverage", f"{level}_vol", "fraction", "+", "none", REGIME.format(tercile),
             "benchmark", NO_REGIME)
      for level, tercile in (("low", "lowest"), ("mid", "middle"), ("high", "highest"))),
)  # fmt: skip

INCREMENTAL = "{} at 1 % of the live portfolio with the strategy at its proposed weight, minus without it"

RISK = (
    _given("risk", "turnover_proxy", "ratio per year", "+", "lower", "given by the caller"),
    _given("risk", "exposure_bounds_ok", "boolean", "+", "higher", "given by the caller; 1 is true"),
    _given("risk", "adv_utilization_p95", "fraction", "+", "lower",
           "95th percentile of order size over average daily volume"),
    _given("risk", "participation_rate_p95", "fraction", "+", "lower",
           "95th percentile of the share of traded volume"),
    _given("risk", "capacity_estimate_base", "currency", "+", "higher",
           "capital that the strategy can take, in the base currency"),
    _given("risk", "incremental_var_99", "fraction", "any", "lower", INCREMENTAL.format("VaR"), "risk_hub",
           "no overlapping returns", "historical simulation"),
    _given("risk", "incremental_es_99", "fraction", "any", "lower", INCREMENTAL.format("ES"), "risk_hub",
           "no overlapping returns", "historical simulation"),
)  # fmt: skip

PBO = _given(
    "robustness", "pbo", "probability", "+", "lower",
    "share of CSCV splits (16 blocks) whose best in sample has logit(w) <= 0 out of sample", "cohort",
    "fewer than 160 common points; fewer than two members", "Bailey et al. 2015",
)  # fmt: skip

DIAGNOSTICS = (
    _given("diagnostics", "strategy_complexity", "number", "+", "lower", "declared by the author"),
    _given("diagnostics", "search_intensity", "count", "+", "lower", "trials declared by the author"),
    _given("diagnostics", "trials_counted", "count", "+", "lower",
           "backtest runs that the system has seen for the strategy's family", "cohort"),
)  # fmt: skip

BENCHMARK = (
    _given("benchmark", "sharpe", "ratio per year", "any", "none", "the benchmark's own", "benchmark",
           f"{NO_BENCHMARK}; zero variance of the benchmark", "Sharpe 1994"),
    _given("benchmark", "max_drawdown", "fraction", "-", "none", "the benchmark's own", "benchmark",
           NO_BENCHMARK),
    _given("benchmark", "volatility", "fraction per year", "+", "none", "the benchmark's own", "benchmark",
           NO_BENCHMARK),
    _given("benchmark", "alpha", "fraction per year", "any", "higher",
           "P (mean(r) - rf/P - beta (mean(b) - rf/P))", "benchmark",
           f"{NO_BENCHMARK}; zero variance of the benchmark", "Jensen 1968"),
    _given("benchmark", "beta", "ratio", "any", "none", "cov(r, b) / var(b)", "benchmark",
           f"{NO_BENCHMARK}; zero variance of the benchmark", "Sharpe 1964"),
    _given("benchmark", "information_ratio", "ratio per year", "any", "higher",
           "mean(r - b) / std(r - b, ddof=1) sqrt(P)", "benchmark",
           f"{NO_BENCHMARK}; zero variance of the difference", "Grinold 1989"),
    _given("benchmark", "sharpe_uplift", "ratio per year", "any", "higher",
           "the strategy's Sharpe - the benchmark's", "benchmark",
           f"{NO_BENCHMARK}; zero variance of either"),
)  # fmt: skip

STRESS = (
    _given("stress.<scenario>", "max_drawdown", "fraction", "-", "higher",
           "max_drawdown in the scenario", "risk_hub", "no stress snapshot"),
    _given("stress.<scenario>", "es_99", "fraction", "+", "lower",
           "expected shortfall at 1 % in the scenario", "risk_hub", "no stress snapshot"),
    _given("stress.<scenario>", "var_99", "fraction", "+", "lower",
           "value at risk at 1 % in the scenario", "risk_hub", "no stress snapshot"),
)  # fmt: skip

LIVE_DAYS = (30, 60, 90)


def _live(days: int) -> tuple[Metric, ...]:
    """What the strategy made over its last days of live trading."""
    block, over, none = f"live.{days}d", f"realised over the last {days} days", "fewer than 2 live points"
    return (
        _given(block, "sharpe", "ratio per year", "any", "higher", f"sharpe, {over}", "live_returns",
               f"{none}; zero variance", "Sharpe 1994"),
        _given(block, "max_drawdown", "fraction", "-", "higher", f"max_drawdown, {over}", "live_returns",
               none),
        _given(block, "volatility", "fraction per year", "+", "lower", f"volatility, {over}", "live_returns",
               none),
        _given(block, "es_p05", "fraction", "+", "lower", f"es_p05, {over}", "live_returns", none),
        _given(block, "decay", "ratio", "any", "higher", "live Sharpe / backtest Sharpe", "live_returns",
               f"{none}; zero variance; the backtest's Sharpe is not above zero"),
    )  # fmt: skip


LIVE = tuple(metric for days in LIVE_DAYS for metric in _live(days))

ZERO = "never: 0.0 where not known"

ALPHA_PERFORMANCE = (
    _given("alpha_performance", "sharpe", "ratio per year", "any", "higher",
           "sharpe of the capital-weighted portfolio", "portfolio", ZERO, "Sharpe 1994"),
    _given("alpha_performance", "max_drawdown", "fraction", "-", "higher",
           "max_drawdown of the portfolio", "portfolio", ZERO),
    _given("alpha_performance", "win_ratio", "fraction", "+", "higher",
           "win_rate of the portfolio", "portfolio", ZERO),
    _given("alpha_performance", "profit_factor", "ratio", "+", "higher",
           "profit_factor of the portfolio", "portfolio", ZERO),
    _given("alpha_performance", "car_mdd", "ratio", "any", "higher",
           "cagr / abs(max_drawdown)", "portfolio", ZERO),
    _given("alpha_performance", "rar_mdd", "ratio", "any", "higher",
           "cagr / volatility / abs(max_drawdown)", "portfolio", ZERO),
)  # fmt: skip
