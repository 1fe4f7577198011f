"""A world with a strategy that trades on paper."""

from __future__ import annotations

import pytest

from tests.api import ApiClient
from tests.strategies.reporting import put_in_dry_run


@pytest.fixture
def paper(root: ApiClient) -> ApiClient:
    """The API as a superuser, with a world `alpha` in which `mom` is in dry run."""
    root.make_world(policy=None)
    put_in_dry_run(root, "mom")
    return root
