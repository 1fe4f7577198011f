"""The core loop on the console: strategies, their figures, their verdicts."""

from __future__ import annotations

from typing import Any

import orjson
from rich import box
from rich.table import Table

from qmtl_site.demo.loading import Loaded
from strategies.models import Binding

FIGURES = (
    ("years", "sample", "effective_history_years", "{:.1f}"),
    ("trades", "sample", "n_trades_total", "{:.0f}"),
    ("CAGR", "returns", "cagr", "{:+.1%}"),
    ("Sharpe", "returns", "sharpe", "{:.2f}"),
    ("max DD", "returns", "max_drawdown", "{:.1%}"),
    ("PSR", "robustness", "probabilistic_sharpe_ratio", "{:.2f}"),
    ("DSR", "robustness", "deflated_sharpe_ratio", "{:.2f}"),
    ("N", "diagnostics", "trials_used", "{:.0f}"),
    ("PBO", "robustness", "pbo", "{:.2f}"),
)
COLORS = {"pass": "green", "warn": "yellow", "inconclusive": "yellow", "fail": "red"}


def strategies_table(loaded: Loaded) -> Table:
    table = Table(title="Strategies", box=box.SIMPLE_HEAD)
    for name in ("strategy", "family", "side", "what it does"):
        table.add_column(name, no_wrap=name != "what it does")
    for run in loaded.runs:
        strategy = run.strategy
        table.add_row(strategy.id, strategy.family, strategy.side, strategy.model_card.get("description", ""))
    return table


def metrics_table(loaded: Loaded, documents: dict[int, dict[str, Any]]) -> Table:
    table = Table(
        title="Metrics, net of costs (DSR: Sharpe deflated by N trials)",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("strategy", no_wrap=True)
    for label, *_ in FIGURES:
        table.add_column(label, justify="right", no_wrap=True)
    for run in loaded.runs:
        evaluation = documents[run.pk]["evaluation"]
        cells = (shown(evaluation[block].get(name), form) for _, block, name, form in FIGURES)
        table.add_row(run.strategy_id, *cells)
    return table


def shown(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def verdicts_table(loaded: Loaded) -> Table:
    states = dict(Binding.objects.filter(world_id=loaded.world_id).values_list("strategy_id", "state"))
    table = Table(title="Verdicts", box=box.SIMPLE_HEAD, show_lines=False)
    for name in ("strategy", "verdict", "state now", "why"):
        table.add_column(name, no_wrap=name != "why")
    for run in loaded.runs:
        summary = orjson.loads(run.result.summary)
        reasons = "; ".join(violation["reason"] for violation in summary["violations"]) or "every rule passed"
        color = COLORS[summary["status"]]
        table.add_row(
            run.strategy_id,
            f"[{color}]{summary['status']}[/]",
            states[run.strategy_id],
            reasons,
        )
    return table
