"""A world with a strategy, and one run on demand."""

from __future__ import annotations

import pytest

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
