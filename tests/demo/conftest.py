from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from ruamel.yaml import YAML

from qmtl_site.demo.portfolio import Simulation, simulate
from qmtl_site.demo.prices import Prices, load_prices
from qmtl_site.demo.strategies import DEMO


@pytest.fixture(scope="session")
def prices() -> Prices:
    return load_prices()


@pytest.fixture(scope="session")
def records(prices: Prices) -> dict[str, Simulation]:
    """Every strategy's own record, by its id."""
    return {strategy.id: simulate(strategy, prices) for strategy in DEMO}


@pytest.fixture(scope="session")
def policy_text() -> str:
    return files("qmtl_site.demo").joinpath("policy.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def policy(policy_text: str) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe", pure=True).load(policy_text)
    return document
