"""The demo world: its policy, its strategies, one backtest run of each, judged by the service like anybody's, and
what those that passed earned on paper since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from evaluation.models import EvaluationRun
from evaluation.schemas import RunCreate
from evaluation.services import create_run, evaluate_waiting
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role
from qmtl_site.audit.actor import Actor
from qmtl_site.demo.paper import paper_report
from qmtl_site.demo.portfolio import Simulation, simulate
from qmtl_site.demo.prices import BACKTEST_END, Prices, load_prices
from qmtl_site.demo.strategies import DEMO, DemoStrategy
from strategies.models import Binding, Strategy
from strategies.schemas import StrategyCreate
from strategies.services import register_strategy, report_performance
from worlds.domain.series import iso
from worlds.models import World
from worlds.schemas import WorldCreate
from worlds.services import create_world, write_policy

WORLD_ID = "demo"
BENCHMARK_ID = "buy_and_hold"
POLICY = Path(__file__).with_name("policy.yaml")
RUN_ID = "backtest-2020"
RISK_OFFICER = "risk"


@dataclass(frozen=True)
class Loaded:
    world_id: str
    runs: list[EvaluationRun]


def author() -> Actor:
    """Whoever administers the installation is the demo's author."""
    user = User.objects.filter(is_superuser=True, is_active=True).order_by("id").first()
    if user is None:
        user = User.objects.create_superuser("admin")
    return Actor(user_id=user.pk, name=user.username, is_superuser=True)


def load_demo(actor: Actor) -> Loaded:
    """Load it once. Each step is a use case of its own, so that a load that was cut off is taken up again."""
    prices = load_prices()
    if not World.objects.filter(pk=WORLD_ID).exists():
        create_demo_world(prices, actor)
    for officer in User.objects.filter(username=RISK_OFFICER, is_active=True):
        grant_role(user=officer, world_id=WORLD_ID, role=Role.RISK, actor=actor)
    for demo in DEMO:
        submit(demo, prices, actor)
    evaluate_waiting(world_id=WORLD_ID)
    report_paper(prices, actor)
    runs = EvaluationRun.objects.filter(world_id=WORLD_ID, run_id=RUN_ID).select_related("strategy", "result")
    return Loaded(WORLD_ID, sorted(runs, key=lambda run: run.pk))


def is_loaded() -> bool:
    """Nothing of a load is missing. It may have been cut off between the backtests and the paper trading."""
    judged = EvaluationRun.objects.filter(world_id=WORLD_ID, run_id=RUN_ID, evaluated_at__isnull=False)
    return judged.count() == len(DEMO) and not silent().exists()


def silent() -> QuerySet[Binding]:
    """The demo's bindings in dry run that have never reported anything."""
    demos = [demo.id for demo in DEMO]
    return Binding.objects.filter(
        world_id=WORLD_ID, strategy_id__in=demos, state=Binding.State.DRY_RUN, performance=None
    )


def report_paper(prices: Prices, actor: Actor) -> None:
    """What a runner would have posted day by day since the backtests; the first evaluation makes runs of it."""
    waiting = set(silent().values_list("strategy_id", flat=True))
    for demo in DEMO:
        if demo.id in waiting:
            report_performance(
                world_id=WORLD_ID, strategy_id=demo.id, posted=paper_report(demo, prices), actor=actor
            )


def create_demo_world(prices: Prices, actor: Actor) -> None:
    (benchmark,) = (demo for demo in DEMO if demo.id == BENCHMARK_ID)
    create_world(
        fields=WorldCreate.model_validate(
            {
                "id": WORLD_ID,
                "name": "Twenty large US companies",
                "description": f"{len(DEMO)} small strategies over real daily closes of S&P 500 companies.",
                "labels": ["demo", "equities", "daily"],
                # Nobody trades here; without it no promotion would ever come before its approver.
                "allow_live": True,
                "benchmark": series(simulate(benchmark, prices, start=int(prices.dates[0]))),
                "data_presets": [
                    {
                        "id": "sp500-daily",
                        "source": "package-dataset",
                        "symbols": list(prices.tickers),
                        "interval": "1d",
                    }
                ],
            }
        ),
        actor=actor,
    )
    write_policy(world_id=WORLD_ID, source=POLICY.read_text(), media="yaml", actor=actor, publish=True)


def submit(demo: DemoStrategy, prices: Prices, actor: Actor) -> None:
    if not Strategy.objects.filter(pk=demo.id).exists():
        register_strategy(fields=registration(demo), actor=actor)
    create_run(world_id=WORLD_ID, strategy_id=demo.id, request=run_request(demo, prices), actor=actor)


def registration(demo: DemoStrategy) -> StrategyCreate:
    return StrategyCreate.model_validate(
        {
            "id": demo.id,
            "name": demo.name,
            "family": demo.family,
            "tags": list(demo.tags),
            "side": demo.side,
            "model_card": {"description": demo.description, "costs": "5 basis points of turnover"},
        }
    )


def run_request(demo: DemoStrategy, prices: Prices) -> RunCreate:
    simulation = simulate(demo, prices, end=BACKTEST_END)
    meta: dict[str, Any] = {
        "auto_returns": False,
        "tags": ["demo"],
        "dataset_fingerprint": "skfolio-sp500-1990-2022",
    }
    if demo.search_intensity is not None:
        meta["search_intensity"] = demo.search_intensity
    return RunCreate.model_validate(
        {
            "run_id": RUN_ID,
            "results": {
                "returns": {**series(simulation), "source": "strategy_explicit"},
                "trades": {"count": simulation.trades, "turnover": simulation.annual_turnover},
                "meta": meta,
            },
        }
    )


def series(simulation: Simulation) -> dict[str, Any]:
    return {
        "values": simulation.returns.tolist(),
        "timestamps": [iso(time) for time in simulation.timestamps.tolist()],
    }
