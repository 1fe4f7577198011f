"""A world with a strategy, and one run on demand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qmtl_site.audit.actor import Actor
from strategies import services
from strategies.domain.plans import Opening, Plan
from tests.api import ApiClient, results
from tests.kept import Keep


@pytest.fixture(scope="module")
def ready_rows(keep: Keep) -> None:
    with keep("ready_rows") as root:
        root.make_world()
        root.make_strategy()


@pytest.fixture(scope="module")
def judged_rows(keep: Keep, ready_rows: None) -> None:
    with keep("judged_rows", on="ready_rows") as root:
        assert root.submit("alpha", "mom", results()).status_code == 202
        assert root.evaluate("alpha") == 1


@pytest.fixture(scope="module")
def gated_rows(keep: Keep, judged_rows: None) -> None:
    with keep("gated_rows", on="judged_rows") as root:
        assert root.patch("/worlds/alpha", {"allow_live": True}).status_code == 200
        assert root.post("/worlds/alpha/evaluate", {}).status_code == 200
        plan = Plan(openings=[Opening("mom", 0.5)])
        services.request_apply(asked=services.Asked("alpha", "r1", plan), actor=Actor.service("test"))


@pytest.fixture
def ready(ready_rows: None, root: ApiClient) -> ApiClient:
    """The API as a superuser, with a world `alpha` and a strategy `mom`."""
    return root


@pytest.fixture
def judged(judged_rows: None, root: ApiClient) -> ApiClient:
    """... and their run `r1` evaluated."""
    return root


@pytest.fixture
def gated(gated_rows: None, root: ApiClient, someone: Callable[..., ApiClient]) -> ApiClient:
    """... with a decision, an apply `r1` in flight, and a gate client `g1` of the user `the-runner`.

    Its lease is short, and so of each test.
    """
    runner = someone("the-runner", world="alpha", roles=["runner"])
    held = {"client_id": "g1", "strategies": [{"id": "mom"}]}
    assert runner.post("/worlds/alpha/gates", held).status_code == 201
    return root
