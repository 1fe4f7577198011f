"""Edges to a live domain: off unless said, set by promotions and demotions, and by hand."""

from __future__ import annotations

from typing import Any

from strategies.domain.plans import EdgeName
from tests.activation.acting import Holder, asked, drive, places, run_out, told
from tests.api import ApiClient, body
from tests.problem import nothing_written, refusal

EDGES = "/worlds/alpha/edges/overrides"
PAPER, LIVE = EdgeName("signal", "paper"), EdgeName("signal", "live")
TERMS: dict[str, Any] = {"pre_edges": [PAPER], "post_edges": [LIVE]}


def edges(client: ApiClient) -> dict[str, bool]:
    return {each["dst_node"]: each["active"] for each in body(client.get(EDGES))["items"]}


def override(client: ApiClient, **fields: Any) -> Any:
    given = {"src_node": "signal", "dst_node": "live", "active": True, "reason": "a test", **fields}
    return client.call("PUT", EDGES, given)


def test_a_promotion_turns_edges_off_before_and_on_after(gates: ApiClient, holder: Any) -> None:
    first: Holder = holder("g1", "a")
    apply = asked("one", opens={"a": 0.5}, **TERMS)
    assert edges(gates) == {}
    drive(apply)
    assert edges(gates) == {"paper": False}
    first.ack(apply)
    drive(apply)
    assert edges(gates) == {"paper": False, "live": True}


def test_a_demotion_turns_them_off_at_once(live: ApiClient) -> None:
    override(live)
    asked("down", closes=["a"], **TERMS)
    assert edges(live) == {"live": False}


def test_an_abandoned_promotion_turns_nothing_on(gates: ApiClient, holder: Any) -> None:
    holder("g1", "a")
    apply = drive(asked("one", opens={"a": 0.5}, **TERMS))
    assert run_out(apply).phase == "rolled_back"
    assert edges(gates) == {"paper": False}


def test_an_operator_overrides_an_edge_and_each_change_is_told_once(live: ApiClient) -> None:
    answers = [override(live), override(live), override(live, active=False)]
    assert [(answer.status_code, body(answer)["active"]) for answer in answers] == [
        (200, True),
        (200, True),
        (200, False),
    ]
    assert [each["active"] for each in told(live, "edge.overridden")] == [True, False]


BAD = [
    ({"src_node": ""}, "/src_node"),
    ({"active": 1}, "/active"),
    ({"reason": ""}, "/reason"),
    ({"x": 1}, "/x"),
]


def test_bad_edges_are_refused_with_the_place(live: ApiClient) -> None:
    with nothing_written():
        answers = {place: override(live, **fields) for fields, place in BAD}
    assert places(answers) == {place: place for _, place in BAD}


def test_only_operators_override(live: ApiClient, someone: Any) -> None:
    assert refusal(override(someone("sam", world="alpha", roles=["runner"]))) == (403, "E_FORBIDDEN")
