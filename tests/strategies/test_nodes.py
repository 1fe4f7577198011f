"""Nodes go forward, fail from anywhere, and come out of an error by a reset alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmtl.contracts.nodes import MOVES, NodeState
from qmtl_site.audit.models import AuditEntry
from strategies.domain.nodes import transition_of
from strategies.models import Node
from tests.api import ApiClient, body
from tests.problem import nothing_written, pointer, refusal
from tests.statements import counted_statements
from tests.strategies.executing import NODES, node, put_nodes


def states(client: ApiClient) -> dict[str, str]:
    return {each["node"]: each["state"] for each in body(client.get(NODES))["nodes"]}


def test_what_is_reported_is_answered(paper: ApiClient) -> None:
    answer = put_nodes(paper, node("prices", "active"), node("weights", "pre_warmup", period=61, received=7))
    assert answer.status_code == 200
    first, second = body(paper.get(NODES))["nodes"]
    assert (first["node"], first["state"], first["error"]) == ("prices", "active", None)
    assert (second["state"], second["received"], second["period"]) == ("pre_warmup", 7, 61)


def test_nodes_that_are_not_named_stay(paper: ApiClient) -> None:
    put_nodes(paper, node("prices"))
    put_nodes(paper, node("weights"))
    assert states(paper) == {"prices": "active", "weights": "active"}


def test_bars_arrive_while_a_node_warms_up(paper: ApiClient) -> None:
    put_nodes(paper, node("weights", "pre_warmup", period=61, received=1))
    since = body(paper.get(NODES))["nodes"][0]["state_since"]
    put_nodes(paper, node("weights", "pre_warmup", period=61, received=60))
    (shown,) = body(paper.get(NODES))["nodes"]
    assert (shown["received"], shown["state_since"]) == (60, since)


def test_the_contract_and_the_rows_know_the_same_moves() -> None:
    for before in NodeState:
        shown = Node(state=before.value)
        moves = {str(move.target) for move in shown.get_available_state_transitions()}  # type: ignore[attr-defined]
        assert moves == {state.value for state in MOVES[before]}


@given(before=st.sampled_from(NodeState), after=st.sampled_from(NodeState))
def test_an_error_is_left_by_a_reset_alone(before: NodeState, after: NodeState) -> None:
    if after in MOVES[before]:
        assert before is not NodeState.ERROR or transition_of(before, after) == "reset"
    elif before is not after:
        with pytest.raises(ValueError, match="does not go"):
            transition_of(before, after)


@pytest.mark.parametrize(
    ("before", "after"), [("active", "pre_warmup"), ("completed", "active"), ("error", "active")]
)
def test_what_does_not_follow_is_refused_with_the_whole_report(
    paper: ApiClient, before: str, after: str
) -> None:
    put_nodes(paper, node("weights", before))
    with nothing_written():
        answer = put_nodes(paper, node("prices"), node("weights", after))
    assert refusal(answer) == (409, "E_ILLEGAL_TRANSITION")
    assert (body(answer)["current"], pointer(answer)) == (before, "/nodes/1/state")


def test_an_error_and_its_reset_are_in_the_audit_and_the_rest_is_not(paper: ApiClient) -> None:
    for state in ("initialized", "pre_warmup", "active", "error", "initialized", "active"):
        assert put_nodes(paper, node("weights", state)).status_code == 200
    found = AuditEntry.objects.filter(object_type="node").order_by("sequence")
    assert list(found.values_list("action", flat=True)) == ["node.fail", "node.reset"]
    assert "ZeroDivisionError" in found[0].details


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"nodes": []},
        {"nodes": [node(), node()]},
        {"nodes": [node("x" * 257)]},
        {"nodes": [node("")]},
        {"nodes": [node("a\0b")]},
        {"nodes": [node(state="asleep")]},
        {"nodes": [node(period=5, received=6)]},
        {"nodes": [node(received=-1)]},
        {"nodes": [node(received=1.5)]},
        {"nodes": [node(state="error", error="")]},
        {"nodes": [node(state="active", error="odd")]},
        {"nodes": [node(colour="red")]},
        {"nodes": [node(f"n{n}") for n in range(1001)]},
        [node()],
        "x",
    ],
    ids=lambda report: str(report)[:60],
)
def test_a_bad_report_is_refused(paper: ApiClient, report: Any) -> None:
    with nothing_written():
        answer = paper.call("PUT", NODES, report)
    assert answer.status_code in {400, 422}


def test_a_strategy_has_only_so_many_nodes(paper: ApiClient) -> None:
    assert put_nodes(paper, *(node(f"n{n}") for n in range(1000))).status_code == 200
    assert refusal(put_nodes(paper, node("one more"))) == (422, "E_VALIDATION")


def test_a_thousand_nodes_take_as_many_statements_as_one(
    paper: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_nodes(paper, *(node(f"n{n:04}") for n in range(300)))

    def statements(count: int) -> int:
        with monkeypatch.context() as counting:
            seen = counted_statements(counting)
            assert put_nodes(paper, *(node(f"n{n:04}") for n in range(count))).status_code == 200
            return len(seen)

    assert statements(300) == statements(1)


def test_runners_and_operators_report(paper: ApiClient, someone: Callable[..., ApiClient]) -> None:
    allowed = {
        role: put_nodes(someone(role, world="alpha", roles=[role]), node()).status_code
        for role in ("runner", "operator", "submitter", "viewer", "risk")
    }
    assert allowed == {"runner": 200, "operator": 200, "submitter": 403, "viewer": 403, "risk": 403}


def test_an_unbound_strategy_has_none(paper: ApiClient) -> None:
    paper.make_strategy("rev")
    for answer in (
        paper.get(NODES.replace("mom", "rev")),
        put_nodes(paper, node(), path=NODES.replace("mom", "rev")),
    ):
        assert refusal(answer) == (404, "E_NOT_FOUND")


def test_a_retired_world_takes_no_reports(paper: ApiClient) -> None:
    paper.delete("/worlds/alpha")
    assert refusal(put_nodes(paper, node())) == (409, "E_WORLD_RETIRED")
