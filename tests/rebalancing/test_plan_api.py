"""POST /rebalancing/plan: what is refused and where, which version is answered, and that nothing happens."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.api import ApiClient, body, results, returns
from tests.problem import nothing_written, pointer, refusal
from tests.rebalancing.conftest import asked, position

PLAN = "/rebalancing/plan"


def test_a_plan_changes_nothing_and_its_worlds_need_not_exist(root: ApiClient) -> None:
    with nothing_written():
        assert root.post(PLAN, asked(schema_version=2)).status_code == 200


def test_ten_percent_move_from_one_world_to_another(root: ApiClient) -> None:
    plan = body(root.post(PLAN, asked()))
    told = {
        world: [(d["symbol"], d["delta_qty"]) for d in each["deltas"]]
        for world, each in plan["per_world"].items()
    }
    assert told == {"alpha": [("BTC", -1), ("ETH", -3)], "beta": [("BTC", 1)]}
    assert [(d["symbol"], d["delta_qty"]) for d in plan["global_deltas"]] == [("ETH", -3)]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"schema_version": 0}, "/schema_version"),
    ({"schema_version": "2"}, "/schema_version"),
    ({"schema_version": True}, "/schema_version"),
    ({"schema_version": 1.5}, "/schema_version"),
    ({"mode": "magic"}, "/mode"),
    ({"total_equity": 0}, "/total_equity"),
    ({"total_equity": -1}, "/total_equity"),
    ({"total_equity": "NaN"}, "/total_equity"),
    ({"total_equity": "Infinity"}, "/total_equity"),
    ({"total_equity": 1e300}, "/total_equity"),
    ({"total_equity": True}, "/total_equity"),
    ({"lot_size_by_symbol": {"BTC": 0}}, "/lot_size_by_symbol/BTC"),
    ({"lot_size_by_symbol": {"BTC": -0.1}}, "/lot_size_by_symbol/BTC"),
    ({"lot_size_by_symbol": {"BTC": 1e-19}}, "/lot_size_by_symbol/BTC"),
    ({"min_trade_notional": -1}, "/min_trade_notional"),
    ({"world_alloc_after": {"alpha": 0.2}}, "/world_alloc_after/beta"),
    ({"world_alloc_before": {"beta": 0.2}}, "/world_alloc_before/alpha"),
    ({"world_alloc_before": {}, "world_alloc_after": {}}, "/positions/0/world_id"),
    ({"world_alloc_after": {"alpha": -0.1, "beta": 0.1}}, "/world_alloc_after/alpha"),
    ({"world_alloc_after": {"alpha": 1.1, "beta": 0.1}}, "/world_alloc_after/alpha"),
    ({"world_alloc_after": {"alpha": 0.6, "beta": 0.5}}, "/world_alloc_after"),
    (
        {"strategy_alloc_after_total": {"alpha": {"mom": 0.15, "rev": 0.1}}},
        "/strategy_alloc_after_total/alpha",
    ),
    ({"strategy_alloc_after_total": {"alpha": {"mom": 2}}}, "/strategy_alloc_after_total/alpha/mom"),
    ({"strategy_alloc_after_total": {"gamma": {"mom": 0.1}}}, "/strategy_alloc_after_total/gamma"),
    ({"strategy_alloc_before_total": {"a/b~c": {}}}, "/strategy_alloc_before_total/a~1b~0c"),
    ({"positions": [position("alpha", "m", "B", 1, 0)]}, "/positions/0/mark"),
    ({"positions": [position("alpha", "m", "B", 1, -5)]}, "/positions/0/mark"),
    ({"positions": [position("alpha", "m", "B", "NaN", 5)]}, "/positions/0/qty"),
    ({"positions": [position("alpha", "m", "B", 1e19, 5)]}, "/positions/0/qty"),
    ({"positions": [position("alpha", "m", "B", None, 5)]}, "/positions/0/qty"),
    ({"positions": [position("alpha", "m", "", 1, 5)]}, "/positions/0/symbol"),
    ({"positions": [position("alpha", "m", "B", 1, 5, "")]}, "/positions/0/venue"),
    ({"positions": [position("alpha", 7, "B", 1, 5)]}, "/positions/0/strategy_id"),  # type: ignore[arg-type]
    (
        {"positions": [{"world_id": "alpha", "strategy_id": "m", "symbol": "B", "qty": 1}]},
        "/positions/0/mark",
    ),
    ({"positions": [{**position("alpha", "m", "B", 1, 5), "price": 5}]}, "/positions/0/price"),
    ({"positions": {}}, "/positions"),
    ({"mode": "overlay"}, "/overlay/instrument_by_world/alpha"),
    ({"overlay": {"price_by_symbol": {"F": 0}}}, "/overlay/price_by_symbol/F"),
    ({"hybrid": {"default_cost_bps": -1}}, "/hybrid/default_cost_bps"),
    ({"rebalance_intent": {"meta": 1}}, "/rebalance_intent/meta"),
    ({"unknown": 1}, "/unknown"),
]


@pytest.mark.parametrize(("fields", "place"), BAD, ids=[place + str(n) for n, (_, place) in enumerate(BAD)])
def test_what_is_not_clear_is_refused_with_its_place(
    root: ApiClient, fields: dict[str, Any], place: str
) -> None:
    answer = root.post(PLAN, asked(**fields))
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), place)


@pytest.mark.parametrize("number", ["1e999", "NaN", "Infinity", "-Infinity", "01", "0x10"])
def test_what_is_no_number_of_json_is_malformed(root: ApiClient, number: str) -> None:
    raw = orjson.dumps(asked()).replace(b"100000", number.encode())
    assert refusal(root.post(PLAN, raw)) == (400, "E_MALFORMED")


@pytest.mark.parametrize("document", [[], "x", 7, None, {}])
def test_a_body_that_is_no_request_is_refused(root: ApiClient, document: Any) -> None:
    assert root.post(PLAN, orjson.dumps(document)).status_code == 422


def test_a_body_of_ten_megabytes_is_planned_or_refused(root: ApiClient) -> None:
    row = position("alpha", "s", "SYMBOL", 1.5, 100)
    one = root.post(PLAN, asked(positions=[row] * 100_000))
    assert one.status_code == 200
    assert body(one)["per_world"]["alpha"]["deltas"][0]["delta_qty"] == -50_000
    assert refusal(root.post(PLAN, asked(positions=[row] * 200_001))) in {
        (422, "E_VALIDATION"),
        (413, "E_TOO_LARGE"),
    }


def test_rows_of_one_position_add_up(root: ApiClient) -> None:
    twice = [position("alpha", "mom", "BTC", 1.5, 10_000), position("alpha", "mom", "BTC", 1.5, 10_000)]
    once = [position("alpha", "mom", "BTC", 3, 10_000)]
    answers = [body(root.post(PLAN, asked(positions=rows)))["per_world"] for rows in (twice, once)]
    assert answers[0] == answers[1]


def test_numbers_and_decimals_as_text_are_the_same(root: ApiClient) -> None:
    texts = {"total_equity": "100000", "world_alloc_before": {"alpha": "0.3", "beta": ".2"}}
    assert body(root.post(PLAN, asked(**texts))) == body(root.post(PLAN, asked()))


def test_all_digits_of_a_decimal_count(root: ApiClient) -> None:
    rows = [position("alpha", "mom", "BTC", "123456789.123456789012345678", 1)]
    answer = root.post(PLAN, asked(positions=rows, world_alloc_after={"alpha": 0, "beta": 0}))
    assert b'"delta_qty":-123456789.123456789012345678' in answer.content


@pytest.mark.parametrize(("version", "answered"), [(1, 1), (2, 2), (3, 2), (1000, 2)])
def test_the_version_is_the_lesser_of_asked_and_supported(
    root: ApiClient, version: int, answered: int
) -> None:
    plan = body(root.post(PLAN, asked(schema_version=version)))
    assert (plan["schema_version"], plan["rebalance_schema_version"]) == (answered, 2)
    assert ("alpha_metrics" in plan, "rebalance_intent" in plan) == (answered == 2, answered == 2)


def test_version_two_can_be_switched_off(root: ApiClient, settings: Any) -> None:
    settings.COMPAT_REBALANCE_V2 = False
    plan, health = body(root.post(PLAN, asked(schema_version=2))), body(root.get("/health"))
    assert (plan["schema_version"], plan["alpha_metrics_capable"], "alpha_metrics" in plan) == (
        1,
        False,
        False,
    )
    assert (health["rebalance_schema_version"], health["alpha_metrics_capable"]) == (1, False)


def test_version_two_can_be_demanded(root: ApiClient, settings: Any) -> None:
    settings.ALPHA_METRICS_REQUIRED = True
    answer = root.post(PLAN, asked())
    assert (refusal(answer), pointer(answer)) == ((400, "E_SCHEMA_VERSION_TOO_LOW"), "/schema_version")
    assert root.post(PLAN, asked(schema_version=2)).status_code == 200


def test_the_intent_is_echoed(root: ApiClient) -> None:
    meta = {"ticket": "OPS-1", "steps": [1, {"a": None}]}
    plan = body(root.post(PLAN, asked(schema_version=2, rebalance_intent={"meta": meta})))
    assert plan["rebalance_intent"] == {"meta": meta}


# --- figures ----------------------------------------------------------------------------------------------
@pytest.fixture
def measured(root: ApiClient) -> dict[str, float]:
    """The newest figures of `mom` in `alpha`."""
    root.make_world()
    root.make_strategy()
    root.submit("alpha", "mom", results(returns()))
    root.evaluate("alpha")
    blocks: dict[str, float] = body(root.get("/worlds/alpha/strategies/mom/runs/r1/metrics"))["evaluation"][
        "returns"
    ]
    return blocks


def test_figures_are_those_of_the_newest_evaluated_run(root: ApiClient, measured: dict[str, float]) -> None:
    metrics = body(root.post(PLAN, asked(schema_version=2)))["alpha_metrics"]["per_strategy"]["mom"]["alpha"]
    assert metrics == {
        "alpha_performance.sharpe": measured["sharpe"],
        "alpha_performance.max_drawdown": measured["max_drawdown"],
        "alpha_performance.win_ratio": measured["win_rate"],
        "alpha_performance.profit_factor": measured["profit_factor"],
        "alpha_performance.car_mdd": pytest.approx(measured["cagr"] / -measured["max_drawdown"]),
        "alpha_performance.rar_mdd": pytest.approx(
            measured["cagr"] / measured["volatility"] / -measured["max_drawdown"]
        ),
    }


def test_what_is_not_known_is_zero(root: ApiClient, measured: dict[str, float]) -> None:
    metrics = body(root.post(PLAN, asked(schema_version=2)))["alpha_metrics"]
    assert set(metrics["per_strategy"]["carry"]["beta"].values()) == {0.0}
    assert metrics["per_world"].keys() == {"alpha", "beta"}
    assert len(metrics["per_world"]["beta"]) == 6


def test_figures_are_told_to_those_with_a_role_in_the_world(
    root: ApiClient, someone: Any, measured: dict[str, float]
) -> None:
    stranger, viewer = someone("eve"), someone("ann", world="alpha", roles=["viewer", "runner"])
    told = [
        body(who.post(PLAN, asked(schema_version=2)))["alpha_metrics"]["per_strategy"]["mom"]["alpha"]
        for who in (stranger, viewer)
    ]
    assert [each["alpha_performance.sharpe"] for each in told] == [0.0, measured["sharpe"]]
