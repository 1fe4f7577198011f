"""All figures of runs, block by block, for many runs at once; what is missing says why.

The service's own figures win over those that a caller brought; differences are kept in
`diagnostics.divergence` (spec 05, "Where metrics come from").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.domain.live import live_figures
from evaluation.domain.record import Record, WorldTerms, aligned
from evaluation.domain.simulation import equity_of
from qmtl.metrics import (
    CATALOGUE,
    MeasuredRow,
    benchmark_block,
    measure_many,
    pnl_block,
    regime_coverage,
    sample_block,
)
from worlds.domain.series import iso

DIVERGENCE = 1e-6
NOT_A_FIGURE = {"window", "source", "reference_currency", "factor_exposures"}
RISK_FIGURES = (
    "turnover_proxy",
    "exposure_bounds_ok",
    "concentration_warnings",
    "adv_utilization_p95",
    "participation_rate_p95",
    "capacity_estimate_base",
    "factor_exposures",
)

Block = dict[str, Any]


@dataclass(frozen=True)
class FamilyTrials:
    """Distinct backtests that the service has seen for a family, and the variance of their per-period Sharpes."""

    count: int
    sharpe_variance: float | None


@dataclass(frozen=True)
class Sheet:
    """All blocks of one run, the reasons of missing figures by dotted name, and where caller and service differ."""

    blocks: dict[str, Block]
    missing: dict[str, str]
    divergence: dict[str, dict[str, float]]

    def flat(self) -> dict[str, float | None]:
        """Figures by dotted name, for rules and gates."""
        figures: dict[str, float | None] = {}
        for block, values in self.blocks.items():
            flatten(block, values, figures)
        return figures


def flatten(prefix: str, values: Mapping[str, Any], figures: dict[str, float | None]) -> None:
    """Figures of a block, and of the blocks within it (`live.30d`, `stress.crash`), by dotted name."""
    for name, value in values.items():
        if name in NOT_A_FIGURE:
            continue
        if isinstance(value, dict):
            flatten(f"{prefix}.{name}", value, figures)
        elif value is None or isinstance(value, int | float):
            figures[f"{prefix}.{name}"] = None if value is None else float(value)


def sheets(
    records: Sequence[Record],
    *,
    terms: WorldTerms,
    trials: Sequence[FamilyTrials],
    pbo: Sequence[float | None],
) -> list[Sheet]:
    """The figures of many runs of one world; computed together, and the same as one by one."""
    number = [trials_used(record, seen) for record, seen in zip(records, trials, strict=True)]
    with_returns = [i for i, record in enumerate(records) if record.returns is not None]
    variance = [trials[i].sharpe_variance for i in with_returns]
    measured = measure_many(
        [returns for i in with_returns if (returns := records[i].returns) is not None],
        periods_per_year=terms.periods_per_year,
        risk_free_rate=terms.risk_free_rate,
        trials=np.array([number[i] for i in with_returns], dtype=np.float64),
        trial_sharpe_variance=np.array([np.nan if v is None else v for v in variance], dtype=np.float64),
    )
    rows = dict(zip(with_returns, measured, strict=True))
    return [
        sheet(record, rows.get(i), terms=terms, trials=trials[i], pbo=pbo[i])
        for i, record in enumerate(records)
    ]


def trials_used(record: Record, seen: FamilyTrials) -> int:
    """N of the deflated Sharpe ratio: what the service has seen of the family, or what the author declares."""
    return max(1, seen.count, int(record.declared("search_intensity") or 0))


def sheet(
    record: Record,
    measured: MeasuredRow | None,
    *,
    terms: WorldTerms,
    trials: FamilyTrials,
    pbo: float | None,
) -> Sheet:
    blocks: dict[str, Block] = {"returns": {}, "pnl": {}, "sample": {}, "risk": {}, "robustness": {}}
    missing: dict[str, str] = {}
    if measured is not None:
        for block, values in measured.row.items():
            blocks[block] |= values
        missing |= measured.missing
        blocks["pnl"] |= pnl_figures(record, terms, missing)
        blocks["sample"] |= sample_figures(record, terms, missing)
        add_benchmark(blocks, record, terms, missing)
        blocks["robustness"]["pbo"] = pbo
        if pbo is None:
            missing["robustness.pbo"] = "needs two or more members of the family with 160 common points"
        if record.stage == "live":
            blocks["live"] = live_figures(record, terms)
    blocks["returns"] |= {"window": window(record), "source": record.source}
    blocks["risk"] |= risk_figures(record)
    divergence = merge_client_metrics(blocks, record.told.get("metrics") or {})
    add_absent(
        blocks, missing, reason="not given" if measured else "the client brought metrics without returns"
    )
    blocks["diagnostics"] = {
        "strategy_complexity": record.declared("strategy_complexity"),
        "search_intensity": record.declared("search_intensity"),
        "trials_counted": trials.count,
        "trials_used": trials_used(record, trials),
    }
    return Sheet(blocks, missing, divergence)


def window(record: Record) -> str | None:
    if record.times is None or not record.times.size:
        return None
    return f"{iso(int(record.times[0]))}/{iso(int(record.times[-1]))}"


def pnl_figures(record: Record, terms: WorldTerms, missing: dict[str, str]) -> Block:
    equity, capital = equity_of(record, terms)
    with np.errstate(invalid="ignore"):
        block: Block = pnl_block(equity, starting_capital=capital)
    for name, value in block.items():
        if not np.isfinite(value):
            block[name] = None
            missing[f"pnl.{name}"] = "the equity has grown beyond what a number holds"
    currency = record.told.get("reference_currency") or terms.reference_currency
    return {**block, "reference_currency": currency}


def sample_figures(record: Record, terms: WorldTerms, missing: dict[str, str]) -> Block:
    assert record.times is not None
    assert record.returns is not None
    block: Block = sample_block(
        timestamps=record.times,
        period_count=record.returns.size,
        periods_per_year=terms.periods_per_year,
        n_trades_total=record.trades,
    )
    if record.trades is None:
        missing |= dict.fromkeys(
            ("sample.n_trades_total", "sample.n_trades_per_year"), "no trades were reported"
        )
    block["regime_coverage"] = None
    if terms.benchmark_times is None or terms.benchmark_returns is None:
        missing["sample.regime_coverage"] = "the world has no benchmark"
    else:
        block["regime_coverage"] = regime_coverage(
            record.times, terms.benchmark_times, terms.benchmark_returns
        )
        if block["regime_coverage"] is None:
            missing["sample.regime_coverage"] = "the record and the benchmark have no common periods"
    return block


def add_benchmark(
    blocks: dict[str, Block], record: Record, terms: WorldTerms, missing: dict[str, str]
) -> None:
    """The benchmark block: the world's series, else the one that the caller brought; none, no block."""
    assert record.times is not None
    assert record.returns is not None
    if terms.benchmark_times is not None and terms.benchmark_returns is not None:
        series, source = (terms.benchmark_times, terms.benchmark_returns), "world"
    elif record.own_benchmark is not None:
        series, source = record.own_benchmark, "caller"
    else:
        return
    own, other = aligned(record.times, record.returns, *series)
    if own.size < 2:
        missing["benchmark"] = "fewer than two common points with the benchmark"
        return
    figures, reasons = benchmark_block(
        own, other, periods_per_year=terms.periods_per_year, risk_free_rate=terms.risk_free_rate
    )
    blocks["benchmark"] = {**figures, "source": source, "common_points": int(own.size)}
    missing |= {f"benchmark.{name}": reason for name, reason in reasons.items()}


def risk_figures(record: Record) -> Block:
    told = record.told.get("risk") or {}
    block: Block = {name: told.get(name) for name in RISK_FIGURES}
    trades = record.told.get("trades") or {}
    if block["turnover_proxy"] is None:
        block["turnover_proxy"] = trades.get("turnover")
    block["concentration_warnings"] = block["concentration_warnings"] or []
    block["factor_exposures"] = block["factor_exposures"] or {}
    return block


def merge_client_metrics(
    blocks: dict[str, Block], given: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Fill in what only the caller knows; where both know, ours stays and a difference is told."""
    divergence: dict[str, dict[str, float]] = {}
    for block, values in given.items():
        for name, value in values.items():
            ours = blocks.setdefault(block, {}).get(name)
            if ours is None:
                blocks[block][name] = value
            elif abs(ours - value) > DIVERGENCE * max(abs(ours), abs(value)):
                divergence[f"{block}.{name}"] = {"computed": ours, "client": value}
    return divergence


def add_absent(blocks: dict[str, Block], missing: dict[str, str], *, reason: str) -> None:
    """Every figure of the catalogue stands in its block: null where it is not known, with the reason."""
    for dotted, metric in CATALOGUE.items():
        if metric.block in {"returns", "pnl", "sample", "risk", "robustness"}:
            if blocks[metric.block].setdefault(metric.name, None) is None:
                missing.setdefault(dotted, reason)
            else:
                missing.pop(dotted, None)
