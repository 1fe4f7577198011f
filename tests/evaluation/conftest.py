"""A world and its strategies, and what became of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api import ApiClient, body, results
from tests.kept import Keep

Judge = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def ready_rows(keep: Keep) -> None:
    with keep("ready_rows") as root:
        root.make_world()
        root.make_strategy()


@pytest.fixture
def ready(ready_rows: None, root: ApiClient) -> ApiClient:
    """The API as a superuser, with a world `alpha` and a strategy `mom`."""
    return root


@pytest.fixture
def judge(ready: ApiClient) -> Judge:
    """`judge(results)`: submit to `alpha` as `mom`, evaluate, and the metrics document."""

    def run(
        posted: Any = None, *, world: str = "alpha", strategy: str = "mom", **fields: Any
    ) -> dict[str, Any]:
        answer = ready.submit(world, strategy, posted or results(), **fields)
        assert answer.status_code == 202, answer.content
        ready.evaluate(world)
        run_id = body(answer)["run_id"]
        metrics: dict[str, Any] = body(
            ready.get(f"/worlds/{world}/strategies/{strategy}/runs/{run_id}/metrics")
        )
        return metrics

    return run
