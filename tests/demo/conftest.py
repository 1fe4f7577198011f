from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from ruamel.yaml import YAML

from evaluation.domain.record import WorldTerms
from qmtl_site.demo.paper import paper_record
from qmtl_site.demo.portfolio import Simulation, simulate
from qmtl_site.demo.prices import BACKTEST_END, Prices, load_prices
from qmtl_site.demo.strategies import DEMO, DemoStrategy
from qmtl_site.demo.walk import Step, walk
from worlds.domain.policy import Policy, load_policy

TERMS = WorldTerms(252.0, 0.0, 10_000.0, "USD")


@pytest.fixture(scope="session")
def prices() -> Prices:
    return load_prices()


@pytest.fixture(scope="session")
def records(prices: Prices) -> dict[str, Simulation]:
    """Every strategy's backtest, by its id."""
    return {strategy.id: simulate(strategy, prices, end=BACKTEST_END) for strategy in DEMO}


@pytest.fixture(scope="session")
def since(prices: Prices) -> dict[str, Simulation]:
    """What every strategy earned after its backtest, by its id."""
    return {strategy.id: paper_record(strategy, prices) for strategy in DEMO}


@pytest.fixture(scope="session")
def policy_text() -> str:
    return files("qmtl_site.demo").joinpath("policy.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def policy(policy_text: str) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe", pure=True).load(policy_text)
    return document


@pytest.fixture(scope="session")
def typed_policy(policy_text: str) -> Policy:
    return load_policy(policy_text, media="yaml")


@pytest.fixture(scope="session")
def passed() -> list[DemoStrategy]:
    """Those whose backtests pass; test_loading sees that the service agrees."""
    names = {
        "buy_and_hold",
        "low_vol",
        "vol_target",
        "mom_252",
        "mom_126",
        "mom_120",
        "leaders_756",
        "breakout_55",
        "pair_ko_pep",
    }
    return [strategy for strategy in DEMO if strategy.id in names]


@pytest.fixture(scope="session")
def steps(typed_policy: Policy, passed: list[DemoStrategy], prices: Prices) -> list[Step]:
    return walk(typed_policy, TERMS, passed, prices)
