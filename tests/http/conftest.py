"""A world with a strategy, and one run on demand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qmtl_site.audit.actor import Actor
from strategies import services
from strategies.domain.plans import Opening, Plan
from tests.api import ApiClient, results


@pytest.fixture
def ready(root: ApiClient) -> ApiClient:
    """The API as a superuser, with a world `alpha` and a strategy `mom`."""
    root.make_world()
    root.make_strategy()
    return root


@pytest.fixture
def judged(ready: ApiClient) -> ApiClient:
    """... and their run `r1` evaluated."""
    assert ready.submit("alpha", "mom", results()).status_code == 202
    assert ready.evaluate("alpha") == 1
    return ready


@pytest.fixture
def gated(judged: ApiClient, someone: Callable[..., ApiClient]) -> ApiClient:
    """... with a decision, an apply `r1` in flight, and a gate client `g1` of the user `the-runner`."""
    assert judged.patch("/worlds/alpha", {"allow_live": True}).status_code == 200
    assert judged.post("/worlds/alpha/evaluate", {}).status_code == 200
    plan = Plan(openings=[Opening("mom", 0.5)])
    services.request_apply(asked=services.Asked("alpha", "r1", plan), actor=Actor.service("test"))
    runner = someone("the-runner", world="alpha", roles=["runner"])
    held = {"client_id": "g1", "strategies": [{"id": "mom"}]}
    assert runner.post("/worlds/alpha/gates", held).status_code == 201
    return judged
