"""POST /policies/compare: two policies over figures that are sent along."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.api import ApiClient, body
from tests.evaluation.impact.conftest import policy
from tests.problem import nothing_written, pointer

PATH = "/policies/compare"


def text(document: dict[str, Any]) -> dict[str, str]:
    return {"text": orjson.dumps(document).decode(), "media": "json"}


@pytest.fixture
def question(judged: ApiClient) -> dict[str, Any]:
    """The judged run, under the policy it was judged by and a stricter one."""
    metrics = body(judged.get("/worlds/alpha/strategies/mom/runs/r1/metrics"))
    run = {"strategy_id": "mom", "run_id": "r1", "stage": "backtest", "evaluation": metrics["evaluation"]}
    return {"old": text(policy()), "new": text(policy(sharpe_min=1.5)), "runs": [run]}


def test_it_says_what_the_impact_says(judged: ApiClient, question: dict[str, Any]) -> None:
    version = body(judged.post("/worlds/alpha/policies", policy(sharpe_min=1.5)))["version"]
    impact = body(judged.post(f"/worlds/alpha/policies/{version}/impact", {}))["runs"]
    compared = body(judged.post(PATH, question))["runs"]
    assert compared == {name: impact[name] for name in compared}
    assert compared["moves"] == [{"old": "pass", "new": "fail", "runs": 1}]


def test_it_writes_nothing(judged: ApiClient, question: dict[str, Any]) -> None:
    with nothing_written():
        assert judged.post(PATH, question).status_code == 200


def test_whoever_has_a_token_may_ask(question: dict[str, Any], someone: Any, anonymous: ApiClient) -> None:
    assert someone("nobody").post(PATH, question).status_code == 200
    assert anonymous.post(PATH, question).status_code == 401


def test_gates_over_series_are_told_to_be_unknown(judged: ApiClient, question: dict[str, Any]) -> None:
    windowed = text(policy(selection={"gates": "28d.total_return > 0"}))
    paper = {**question["runs"][0], "stage": "paper"}
    assert body(judged.post(PATH, {**question, "new": windowed, "runs": [paper]}))["lacks_series"] is True
    assert body(judged.post(PATH, {**question, "new": windowed}))["lacks_series"] is False


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"old": {"text": "version: 1\nselectoin: {}"}}, "/old/text"),
        ({"new": {"text": 3}}, "/new/text"),
        ({"runs": [{"strategy_id": "a"}]}, "/runs/0/run_id"),
        ({"scenarios": ["nope"]}, "/scenarios/0"),
        ({"more": 1}, "/more"),
    ],
)
def test_a_fault_is_refused_with_its_place(
    judged: ApiClient, question: dict[str, Any], change: dict[str, Any], at: str
) -> None:
    answer = judged.post(PATH, {**question, **change})
    assert answer.status_code == 422
    assert pointer(answer) == at


@pytest.mark.parametrize(
    "evaluation",
    [{}, {"returns": 3}, {"returns": {"sharpe": "high"}}, {"diagnostics": None}, {"returns": None},
     {"diagnostics": {"extra_metrics": {"a": None}}}, {"stress": {"a": {"b": {"c": 1}}}}, {"returns": {"sharpe": []}}],
)  # fmt: skip
def test_odd_figures_are_judged_as_missing(
    judged: ApiClient, question: dict[str, Any], evaluation: dict[str, Any]
) -> None:
    answer = judged.post(PATH, {**question, "runs": [{**question["runs"][0], "evaluation": evaluation}]})
    assert answer.status_code == 200
    assert body(answer)["runs"]["verdicts"]["pass"] == {"old": 0, "new": 0}


@pytest.mark.parametrize(
    "diagnostics", [3, {"extra_metrics": {"a": "high"}}, {"extra_metrics": 3}, {"returns_source": 3}]
)
def test_diagnostics_that_cannot_be_read_are_refused(
    judged: ApiClient, question: dict[str, Any], diagnostics: Any
) -> None:
    run = {**question["runs"][0], "evaluation": {"diagnostics": diagnostics}}
    assert judged.post(PATH, {**question, "runs": [run]}).status_code == 422
