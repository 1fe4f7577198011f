"""A world whose gates may move, and strategies that are about to use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.activation.acting import Holder, decided, go
from tests.api import ApiClient, results, returns
from tests.decisions.conftest import DECIDES
from tests.kept import Keep
from tests.strategies.reporting import put_in_dry_run

Papers = Callable[..., None]


@pytest.fixture(scope="module")
def gates_rows(keep: Keep) -> None:
    with keep("gates_rows") as root:
        root.make_world(policy=DECIDES, allow_live=True)
        put_in_dry_run(root, "a", "b", "c")
        decided()


@pytest.fixture(scope="module")
def live_rows(keep: Keep, gates_rows: None) -> None:
    with keep("live_rows", on="gates_rows"):
        assert go("first", opens={"a": 0.5}).phase == "completed"


@pytest.fixture
def gates(gates_rows: None, root: ApiClient) -> ApiClient:
    """The API as a superuser; in `alpha` the strategies `a`, `b` and `c` are in dry run, and a decision is fresh."""
    return root


@pytest.fixture
def live(live_rows: None, root: ApiClient) -> ApiClient:
    """... and the gate of `a` is open."""
    return root


@pytest.fixture
def holder(root: ApiClient, someone: Any) -> Callable[..., Holder]:
    """`holder("g1", "a", "b")`: a gate client of its own user that holds these gates."""

    def make(name: str, *strategies: str) -> Holder:
        return Holder(someone(f"user-of-{name}", world="alpha", roles=["runner"]), name).register(*strategies)

    return make


@pytest.fixture
def world(root: ApiClient) -> ApiClient:
    """The API as a superuser, with a world `alpha` that decides and may go live."""
    root.make_world(policy=DECIDES, allow_live=True)
    return root


@pytest.fixture
def papers(world: ApiClient) -> Papers:
    """`papers("a", "b", mean=0.0015)`: strategies in dry run, each with a judged paper run of that mean return."""

    def make(*names: str, mean: float = 0.0015, run_id: str = "p1", **fields: Any) -> None:
        for name in names:
            if world.get(f"/strategies/{name}").status_code != 200:
                world.make_strategy(name)
                world.submit("alpha", name, results(returns(seed=ord(name[0]))), run_id="backtest")
        world.evaluate("alpha")
        for name in names:
            record = results(returns(120, mean=mean, seed=ord(name[0])), **fields)
            answer = world.submit("alpha", name, record, run_id=run_id, stage="paper")
            assert answer.status_code == 202, answer.content
        world.evaluate("alpha")
        decided()

    return make
