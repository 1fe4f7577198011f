"""A world whose strategy has a judged run, and drafts to ask about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api import POLICY, ApiClient, body, results
from tests.kept import Keep

Ask = Callable[..., dict[str, Any]]
PAPER = {"performance": {"sharpe_min": 0.5, "max_dd_max": 0.4, "gain_to_pain_min": None}}


def policy(
    *, sharpe_min: float = 0.5, sample: dict[str, Any] | None = None, **sections: Any
) -> dict[str, Any]:
    """The policy of most tests with other bounds; the default record has a Sharpe of 1.27 over two years."""
    backtest = POLICY["validation_profiles"]["backtest"]
    performance = {**backtest["performance"], "sharpe_min": sharpe_min}
    sample = {**backtest["sample"], **(sample or {})}
    profiles = {"backtest": {"sample": sample, "performance": performance}, "paper": PAPER}
    return {"version": 1, "validation_profiles": profiles, **sections}


@pytest.fixture(scope="module")
def judged_rows(keep: Keep) -> None:
    with keep("judged_rows") as root:
        root.make_world(policy=policy(), allow_live=True)
        root.make_strategy()
        submitted(root, "mom", "r1")


@pytest.fixture
def judged(judged_rows: None, root: ApiClient) -> ApiClient:
    """The API as a superuser; `alpha` has an active policy (version 1), and a run of `mom` that passes it."""
    return root


def submitted(root: ApiClient, strategy: str, run_id: str, **fields: Any) -> None:
    given = fields.pop("results", None) or results()
    assert root.submit("alpha", strategy, given, run_id=run_id, **fields).status_code == 202
    assert root.evaluate("alpha") == 1


def draft(root: ApiClient, document: dict[str, Any]) -> int:
    """A version that is not published."""
    version: int = body(root.post("/worlds/alpha/policies", document))["version"]
    return version


@pytest.fixture
def ask(judged: ApiClient) -> Ask:
    """`ask(policy)`: keep it as a draft, and the impact that it would have."""

    def impact(document: dict[str, Any], **question: Any) -> dict[str, Any]:
        answer = judged.post(f"/worlds/alpha/policies/{draft(judged, document)}/impact", question)
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] = body(answer)
        return found

    return impact
