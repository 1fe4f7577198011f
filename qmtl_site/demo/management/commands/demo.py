from __future__ import annotations

import logging
from typing import Any

import orjson
from django.core.management.base import BaseCommand
from rich.console import Console

from evaluation.models import EvaluationRun
from evaluation.selectors.runs import run_links
from qmtl_site.demo.core_tables import metrics_table, strategies_table, verdicts_table
from qmtl_site.demo.loading import Loaded, author, load_demo
from qmtl_site.demo.management.deciding import tell_decisions
from worlds.selectors import active_policy


class Command(BaseCommand):
    """The core loop once, and then two years of decisions: who may go live, who must leave, and why."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        # What the service would log is told in words here.
        logging.getLogger("evaluation").setLevel(logging.WARNING)
        console = Console(highlight=False)
        console.rule("[bold]1. Backtests are judged[/]")
        console.print(
            "Strategies over twenty S&P 500 companies, run up to the end of 2020, are submitted; the service "
            "measures and judges them."
        )
        actor = author()
        loaded = load_demo(actor)
        documents = {run.pk: orjson.loads(bytes(run.result.document)) for run in loaded.runs}
        console.print(strategies_table(loaded))
        console.print(metrics_table(loaded, documents))
        console.print(verdicts_table(loaded))
        tell_policy_and_snapshot(console, loaded)
        tell_decisions(console, loaded, documents, actor)


def tell_policy_and_snapshot(console: Console, loaded: Loaded) -> None:
    passed = sum(run.result.verdict in {"pass", "warn"} for run in loaded.runs)
    policy = active_policy(loaded.world_id)
    best = max(loaded.runs, key=lambda run: (run.result.verdict == "pass", sharpe_of(run)))
    links = run_links(loaded.world_id, best.strategy_id, best.run_id, best.result.snapshot_name)
    version = policy.version if policy else "-"
    console.print(f"{passed} of {len(loaded.runs)} pass policy version {version} and go on to paper trading.")
    console.print(f"Best passing run: [bold]{best.strategy_id}[/], ruleset {best.result.ruleset_hash[:16]}")
    console.print(f"  metrics   {links['metrics']}")
    console.print(f"  snapshot  {links['snapshot']}\n")


def sharpe_of(run: EvaluationRun) -> float:
    return float(orjson.loads(bytes(run.result.document))["evaluation"]["returns"]["sharpe"] or float("-inf"))
