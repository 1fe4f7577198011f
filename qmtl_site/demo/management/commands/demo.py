from __future__ import annotations

from typing import Any

import orjson
from django.core.management.base import BaseCommand
from rich import box
from rich.console import Console
from rich.table import Table

from evaluation.models import EvaluationRun
from evaluation.selectors.runs import run_links
from qmtl_site.demo.loading import Loaded, author, load_demo
from strategies.models import Binding
from worlds.selectors import active_policy

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


class Command(BaseCommand):
    """Run the core loop once and tell what happened: strategies, metrics, verdicts with reasons, the snapshot."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console()
        console.print(
            "[bold]Submitting strategies over twenty S&P 500 companies; the service measures and judges.[/]"
        )
        loaded = load_demo(author())
        documents = {run.pk: orjson.loads(bytes(run.result.document)) for run in loaded.runs}
        console.print(strategies_table(loaded))
        console.print(metrics_table(loaded, documents))
        console.print(verdicts_table(loaded))
        tell_policy_and_snapshot(console, loaded)


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


def tell_policy_and_snapshot(console: Console, loaded: Loaded) -> None:
    passed = sum(run.result.verdict in {"pass", "warn"} for run in loaded.runs)
    policy = active_policy(loaded.world_id)
    best = max(loaded.runs, key=lambda run: (run.result.verdict == "pass", sharpe_of(run)))
    links = run_links(loaded.world_id, best.strategy_id, best.run_id, best.result.snapshot_name)
    version = policy.version if policy else "-"
    console.print(f"{passed} of {len(loaded.runs)} pass policy version {version} and go on to paper trading.")
    console.print(f"Best passing run: [bold]{best.strategy_id}[/], ruleset {best.result.ruleset_hash[:16]}")
    console.print(f"  metrics   {links['metrics']}")
    console.print(f"  snapshot  {links['snapshot']}")


def sharpe_of(run: EvaluationRun) -> float:
    return float(orjson.loads(bytes(run.result.document))["evaluation"]["returns"]["sharpe"] or float("-inf"))
