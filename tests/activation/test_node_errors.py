"""A node in error keeps its strategy to computing, wherever a gate is read, until it is reset."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qmtl_site.http.refusals import IllegalTransition
from qmtl_site.metrics import tallies
from qmtl_site.metrics.models import Tally
from strategies.selectors.shown import gates_of
from strategies.selectors.tallies import DOWNGRADES
from tests.activation.acting import Holder, drive, gate, go, is_open, put, run_out
from tests.api import ApiClient, body
from tests.problem import refusal
from tests.statements import counted_statements
from tests.strategies.executing import node, put_nodes

PATH = "/worlds/alpha/strategies/a/nodes"


def fail(client: ApiClient, name: str = "weights") -> None:
    assert put_nodes(client, node(name, "error"), path=PATH).status_code == 200


def reset(client: ApiClient, name: str = "weights") -> None:
    assert put_nodes(client, node(name, "initialized"), path=PATH).status_code == 200


def test_the_gate_shuts_with_the_first_error_and_holds_until_the_last_reset(live: ApiClient) -> None:
    assert is_open(gate(live))
    fail(live, "weights")
    fail(live, "prices")
    shut = gate(live)
    assert (shut["active"], shut["effective_mode"], shut["execution_domain"]) == (
        False,
        "compute-only",
        "backtest",
    )
    reset(live, "weights")
    assert not is_open(gate(live))
    reset(live, "prices")
    assert is_open(gate(live))


def test_its_etag_moves_with_it(live: ApiClient) -> None:
    before = gate(live)["etag"]
    fail(live)
    assert gate(live)["etag"] != before


def test_the_error_of_one_strategy_is_nothing_to_another(gates: ApiClient) -> None:
    go("first", opens={"a": 0.5, "b": 0.5})
    fail(gates)
    assert not is_open(gate(gates, "a"))
    assert is_open(gate(gates, "b"))


def test_nothing_opens_while_a_node_is_in_error(gates: ApiClient) -> None:
    fail(gates)
    with pytest.raises(IllegalTransition, match="a: a node is in error"):
        go("first", opens={"a": 0.5})
    assert not is_open(gate(gates))


def test_an_apply_that_is_under_way_when_a_node_fails_opens_nothing(
    gates: ApiClient, holder: Callable[..., Holder]
) -> None:
    holder("g1", "a")
    apply = go("first", opens={"a": 0.5})
    fail(gates)
    assert run_out(apply).phase == "rolled_back"
    assert not is_open(gate(gates))


def test_a_node_that_fails_between_freeze_and_switch_keeps_it_shut(
    gates: ApiClient, holder: Callable[..., Holder]
) -> None:
    client = holder("g1", "a")
    apply = go("first", opens={"a": 0.5})
    client.ack(apply)
    fail(gates)
    assert drive(apply).phase == "rolled_back"
    assert not is_open(gate(gates))


def test_an_operator_cannot_open_it_either(live: ApiClient) -> None:
    fail(live)
    assert put(live, active=False).status_code == 200
    answer = put(live, active=True)
    assert (refusal(answer), body(answer)["current"]) == ((409, "E_ILLEGAL_TRANSITION"), "node_error")


def test_closing_is_always_possible_and_told_as_what_it_is(live: ApiClient) -> None:
    fail(live)
    assert put(live, active=False).status_code == 200
    reset(live)
    assert not is_open(gate(live))


def test_the_worlds_own_mode_is_that_of_the_others(gates: ApiClient) -> None:
    go("first", opens={"a": 0.5})
    assert body(gates.get("/worlds/alpha/decide"))["effective_mode"] == "live"
    fail(gates)
    assert body(gates.get("/worlds/alpha/decide"))["effective_mode"] == "paper"


def test_where_every_strategy_fails_the_world_computes_only_and_says_why(gates: ApiClient) -> None:
    for name in ("a", "b", "c"):
        put_nodes(gates, node(state="error"), path=PATH.replace("/a/", f"/{name}/"))
    told = body(gates.get("/worlds/alpha/decide"))
    assert (told["effective_mode"], told["reason"]) == ("compute-only", "node_error")


def test_a_strategy_on_paper_computes_only_too(gates: ApiClient) -> None:
    fail(gates)
    assert gate(gates)["effective_mode"] == "compute-only"


def test_the_list_of_bindings_says_so(live: ApiClient) -> None:
    fail(live)
    rows = body(live.get("/worlds/alpha/bindings"))["items"]
    assert {row["strategy_id"]: row["effective_mode"] for row in rows}["a"] == "compute-only"


def test_the_page_of_gates_shows_it_kept_shut(live: ApiClient) -> None:
    fail(live)
    (row,) = gates_of("alpha")
    assert row.standing == "kept shut"


def test_reading_takes_no_statement_more(live: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("/worlds/alpha/activation", "/worlds/alpha/decide"):
        seen = counted_statements(monkeypatch)
        live.get(path)
        healthy = len(seen)
        fail(live)
        seen.clear()
        live.get(path)
        assert len(seen) == healthy
        reset(live)


def test_whoever_holds_the_gate_is_told_with_the_next_heartbeat(
    live: ApiClient, holder: Callable[..., Holder]
) -> None:
    client = holder("g1", "a")
    fail(live)
    (shut,) = body(client.beat())["gates"]
    assert not is_open(shut)
    reset(live)
    (again,) = body(client.beat())["gates"]
    assert is_open(again)


def test_each_lowering_is_counted(live: ApiClient) -> None:
    fail(live)
    tallies.bring()
    Tally.objects.all().delete()
    gate(live)
    tallies.bring()
    assert list(Tally.objects.values_list("name", "value")) == [(DOWNGRADES.name, 1.0)]
