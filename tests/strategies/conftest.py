"""A world with a strategy that trades on paper."""

from __future__ import annotations

import pytest

from tests.api import ApiClient
from tests.kept import Keep
from tests.strategies.reporting import put_in_dry_run


@pytest.fixture(scope="module")
def paper_rows(keep: Keep) -> None:
    with keep("paper_rows") as root:
        root.make_world(policy=None)
        put_in_dry_run(root, "mom")


@pytest.fixture
def paper(paper_rows: None, root: ApiClient) -> ApiClient:
    """The API as a superuser, with a world `alpha` in which `mom` is in dry run."""
    return root
