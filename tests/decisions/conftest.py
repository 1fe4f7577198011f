"""A world that decides, and strategies that trade in it on paper."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.api import POLICY, ApiClient, results, returns
from tests.kept import Keep

DECIDES: dict[str, Any] = {
    **POLICY,
    "validation_profiles": {
        **POLICY["validation_profiles"],
        "paper": {"performance": {"sharpe_min": 0.5, "max_dd_max": 0.4, "gain_to_pain_min": None}},
    },
    "selection": {
        "gates": "sharpe >= 1",
        "score": "sharpe",
        "top_k": {"k": 2},
        "hysteresis": {"promote_after": 2, "demote_after": 2},
    },
}

OnPaper = Callable[..., None]


@pytest.fixture(scope="module")
def world_rows(keep: Keep) -> None:
    with keep("world_rows") as root:
        root.make_world(policy=DECIDES, allow_live=True)


@pytest.fixture
def world(world_rows: None, root: ApiClient) -> ApiClient:
    """The API as a superuser, with a world `alpha` that decides and may go live."""
    return root


@pytest.fixture
def on_paper(world: ApiClient) -> OnPaper:
    """`on_paper("a", 0.0015)`: a strategy that passed its backtest, with a paper run of that mean return."""
    return partial(put_on_paper, world)


def put_on_paper(
    world: ApiClient, name: str, mean: float = 0.0015, *, seed: int = 1, run_id: str = "p1"
) -> None:
    if world.get(f"/strategies/{name}").status_code != 200:
        world.make_strategy(name)
        world.submit("alpha", name, results(returns(seed=seed)), run_id="backtest")
    paper(world, name, mean, seed=seed, run_id=run_id)


def paper(world: ApiClient, name: str, mean: float, *, seed: int = 1, run_id: str = "p1") -> None:
    record = results(returns(120, mean=mean, seed=seed))
    world.evaluate("alpha")
    answer = world.submit("alpha", name, record, run_id=run_id, stage="paper")
    assert answer.status_code == 202, answer.content
    world.evaluate("alpha")
