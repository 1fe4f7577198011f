"""Results that cannot be used: a 4xx problem document with the place, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.models import EvaluationRun
from tests.api import ApiClient, body, results, returns
from tests.problem import nothing_written, pointer, refusal

RUNS = "/worlds/alpha/strategies/mom/runs"
DAY = {"start": "2020-01-01", "interval": "1d"}
GOOD = [0.01, -0.02, 0.03]


def series(values: Any = GOOD, **fields: Any) -> dict[str, Any]:
    return {"values": values, **(fields or DAY)}


BAD = {
    "a value as text": ({"returns": series(["0.1", 0.2])}, "/returns/values/0"),
    "NaN as text": ({"returns": series([0.1, "NaN"])}, "/returns/values/1"),
    "Infinity as text": ({"returns": series([0.1, "Infinity"])}, "/returns/values/1"),
    "a boolean": ({"returns": series([True, 0.2])}, "/returns/values/0"),
    "a null": ({"returns": series([0.1, None])}, "/returns/values/1"),
    "values that are no list": ({"returns": series({"a": 1})}, "/returns/values"),
    "an empty series": ({"returns": series([])}, "/returns/values"),
    "one point": ({"returns": series([0.1])}, "/returns/values"),
    "a return below -1": ({"returns": series([0.1, -0.2, -1.01])}, "/returns/values/2"),
    "no times": ({"returns": {"values": GOOD}}, "/returns/start"),
    "no interval": ({"returns": series(start="2020-01-01")}, "/returns/interval"),
    "an unknown interval": ({"returns": series(start="2020-01-01", interval="1y")}, "/returns/interval"),
    "an unknown calendar": ({"returns": series(**DAY, calendar="lunar")}, "/returns/calendar"),
    "a start that is no time": ({"returns": series(start="soon", interval="1d")}, "/returns/start"),
    "a start before time": (
        {"returns": series(start="0001-01-01T00:00:00+14:00", interval="1d")},
        "/returns/start",
    ),
    "a start after time": (
        {"returns": series(start="9999-12-31T23:59:59-14:00", interval="1d")},
        "/returns/start",
    ),
    "beyond the year 2200": (
        {"returns": series(start="2020-01-01", interval="999999w")},
        "/returns/values",
    ),
    "dates out of order": (
        {"returns": series(timestamps=["2020-01-02", "2020-01-01", "2020-01-03"])},
        "/returns/timestamps/1",
    ),
    "a date twice": (
        {"returns": series(timestamps=["2020-01-01", "2020-01-02", "2020-01-02"])},
        "/returns/timestamps/2",
    ),
    "the same moment in two zones": (
        {"returns": series([0.1, 0.2], timestamps=["2020-01-01T02:00:00+02:00", "2020-01-01T00:00:00Z"])},
        "/returns/timestamps/1",
    ),
    "too few dates": ({"returns": series(timestamps=["2020-01-01"])}, "/returns/timestamps"),
    "dates twice": ({"returns": series(timestamps=["2020-01-01"], **DAY)}, "/returns/timestamps"),
    "an unknown member": ({"returns": series(**DAY, valuez=1)}, "/returns/valuez"),
    "an unknown source": ({"returns": series(**DAY, source="guess")}, "/returns/source"),
    "two records": ({"returns": series(), "equity": series([1.0, 2.0, 3.0])}, ""),
    "no record": ({"trades": {"count": 1}}, ""),
    "negative equity": ({"equity": series([1.0, -1.0, 2.0])}, "/equity/values/1"),
    "equity that rises from nothing": ({"equity": series([1.0, 0.0, 2.0])}, "/equity/values/2"),
    "one equity": ({"equity": series([1.0])}, "/equity/values"),
    "pnl without capital": ({"pnl": series()}, "/pnl/starting_capital"),
    "pnl with no capital": ({"pnl": series(**DAY, starting_capital=0)}, "/pnl/starting_capital"),
    "pnl that loses more than all": (
        {"pnl": series([-5.0, 1.0], **DAY, starting_capital=1)},
        "/pnl/values/0",
    ),
    "pnl beyond numbers": (
        {"pnl": series([1e308, 1e308, 1e308], **DAY, starting_capital=1)},
        "/pnl/values/1",
    ),
    "an unknown metric": ({"metrics": {"returns": {"sharp": 1.0}}}, "/metrics/returns/sharp"),
    "an unknown block": ({"metrics": {"retruns": {"sharpe": 1.0}}}, "/metrics/retruns"),
    "a metric as text": ({"metrics": {"returns": {"sharpe": "1"}}}, "/metrics/returns/sharpe"),
    "a metric that is NaN as text": ({"metrics": {"returns": {"sharpe": "nan"}}}, "/metrics/returns/sharpe"),
    "trades as a fraction": (results(trades={"count": 1.5}), "/trades/count"),
    "negative trades": (results(trades={"count": -1}), "/trades/count"),
    "a huge count": (results(trades={"count": 2**63}), "/trades/count"),
    "an extra metric as text": (results(meta={"extra_metrics": {"a": "x"}}), "/meta/extra_metrics/a"),
    "an unknown risk figure": (results(risk={"adv": 1.0}), "/risk/adv"),
    "a bad benchmark": (results(benchmark_returns=series([0.1, -2.0])), "/benchmark_returns/values/1"),
}


@pytest.mark.parametrize(("posted", "place"), BAD.values(), ids=BAD.keys())
def test_bad_results_are_refused_with_their_place(ready: ApiClient, posted: Any, place: str) -> None:
    with nothing_written():
        answer = ready.submit("alpha", "mom", posted)
    assert refusal(answer) == (422, "E_VALIDATION")
    assert pointer(answer) == f"/results{place}"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "0x10", "01", ".5"])
def test_what_is_no_json_number_is_malformed(ready: ApiClient, number: str) -> None:
    raw = f'{{"results": {{"returns": {{"values": [0.1, {number}], "start": "2020-01-01", "interval": "1d"}}}}}}'
    with nothing_written():
        assert refusal(ready.post(RUNS, raw)) == (400, "E_MALFORMED")


def test_bad_results_leave_a_waiting_run_as_it_was(ready: ApiClient) -> None:
    ready.post(RUNS, {"run_id": "r1"})
    with nothing_written():
        answer = ready.post(f"{RUNS}/r1/results", {"returns": series([0.1, -2.0])})
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "/returns/values/1")
    assert EvaluationRun.objects.get().status == "submitted"


@pytest.mark.parametrize(
    ("posted", "most"),
    [
        ({"returns": series(["x"] * 1000)}, 1),
        ({"returns": series([0.1] * 1000, timestamps=[1] * 1000)}, 1),
        ({"metrics": {"returns": {f"m{n}": 1.0 for n in range(400)}}}, 20),
        ({"metrics": {f"b{n}": {} for n in range(40)}}, 20),
        ({"metrics": {"returns": {f"m{n}": 1.0 for n in range(501)}}}, 1),
        ({f"member{n}": 1 for n in range(1000)}, 100),
    ],
)
def test_of_very_many_faults_some_are_told(ready: ApiClient, posted: Any, most: int) -> None:
    answer = ready.submit("alpha", "mom", posted)
    assert refusal(answer) == (422, "E_VALIDATION")
    assert 1 <= len(body(answer)["errors"]) <= most


def test_a_name_is_escaped_in_its_pointer(ready: ApiClient) -> None:
    answer = ready.submit("alpha", "mom", {"metrics": {"returns": {"a/b~c": 1.0}}})
    assert pointer(answer) == "/results/metrics/returns/a~1b~0c"


def test_the_nearest_metric_is_named(ready: ApiClient) -> None:
    answer = ready.submit("alpha", "mom", {"metrics": {"returns": {"sharp": 1.0}}})
    assert "returns.sharpe" in body(answer)["errors"][0]["nearest"]


def test_a_series_may_not_be_longer_than_a_million_points(ready: ApiClient) -> None:
    raw = b'{"results":{"returns":{"start":"2020-01-01","interval":"1m","values":[%s]}}}' % (
        b",".join([b"0"] * 1_000_001)
    )
    with nothing_written():
        answer = ready.post(RUNS, raw)
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "/results/returns/values")


def test_a_body_over_the_limit_is_refused(ready: ApiClient, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1000
    with nothing_written():
        assert refusal(ready.submit("alpha", "mom", results())) == (413, "E_TOO_LARGE")


@pytest.mark.parametrize(
    ("world", "strategy"), [("nowhere", "mom"), ("alpha", "nobody"), ("ALPHA", "mom"), ("alpha", "MOM")]
)
def test_a_run_of_an_unknown_world_or_strategy_is_refused(
    ready: ApiClient, world: str, strategy: str
) -> None:
    with nothing_written():
        assert refusal(ready.submit(world, strategy, results())) == (404, "E_NOT_FOUND")


def test_results_for_an_unknown_run_are_refused(ready: ApiClient) -> None:
    with nothing_written():
        assert refusal(ready.post(f"{RUNS}/r9/results", results())) == (404, "E_NOT_FOUND")


def test_an_evaluated_run_takes_no_results(judged: ApiClient) -> None:
    with nothing_written():
        answer = judged.post(f"{RUNS}/r1/results", results(returns(mean=0.01)))
    assert refusal(answer) == (409, "E_RUN_FINAL")


def test_the_same_run_again_answers_the_run_that_exists(ready: ApiClient) -> None:
    first = ready.submit("alpha", "mom", results())
    with nothing_written():
        again = ready.submit("alpha", "mom", results())
    assert (again.status_code, body(again)) == (200, body(first))


def test_the_same_run_with_defaults_written_out_is_the_same_payload(ready: ApiClient) -> None:
    ready.submit("alpha", "mom", results())
    assert ready.submit("alpha", "mom", results(meta={}), stage="backtest").status_code == 200


def test_a_run_id_with_another_payload_is_a_conflict(ready: ApiClient) -> None:
    ready.submit("alpha", "mom", results())
    with nothing_written():
        answer = ready.submit("alpha", "mom", results(returns(mean=0.001)))
    assert refusal(answer) == (409, "E_RUN_CONFLICT")


def test_the_same_results_while_they_wait_change_nothing(ready: ApiClient) -> None:
    ready.submit("alpha", "mom", results())
    with nothing_written():
        assert ready.post(f"{RUNS}/r1/results", results()).status_code == 202


def test_other_results_while_they_wait_are_a_conflict(ready: ApiClient) -> None:
    ready.submit("alpha", "mom", results())
    with nothing_written():
        answer = ready.post(f"{RUNS}/r1/results", results(returns(mean=0.001)))
    assert refusal(answer) == (409, "E_RUN_CONFLICT")


def test_a_running_backtest_does_not_start_again_once_results_are_in(ready: ApiClient) -> None:
    ready.submit("alpha", "mom", results())
    answer = ready.patch(f"{RUNS}/r1", {"status": "backtest_running"})
    assert refusal(answer) == (409, "E_ILLEGAL_TRANSITION")
    assert (body(answer)["current"], body(answer)["open"]) == ("evaluating", ["expire", "finish"])


IMPOSSIBLE = {
    "a drawdown above 0": ("returns", "max_drawdown", 0.5),
    "a drawdown below -1": ("returns", "max_drawdown", -1.2),
    "a probability above 1": ("robustness", "probabilistic_sharpe_ratio", 2.0),
    "a negative volatility": ("returns", "volatility", -2),
    "a win rate in per cent": ("returns", "win_rate", 55.0),
    "a total return below -1": ("returns", "total_return", -1.5),
    "a negative number of trades": ("sample", "n_trades_total", -1),
}


@pytest.mark.parametrize("given", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_finished_metrics_that_no_record_can_have_are_refused(ready: ApiClient, given: Any) -> None:
    block, name, value = given
    with nothing_written():
        answer = ready.post(RUNS, {"run_id": "x", "results": {"metrics": {block: {name: value}}}})
    assert refusal(answer) == (422, "E_VALIDATION")
    assert pointer(answer) == f"/results/metrics/{block}/{name}"


def test_finished_metrics_without_a_figure_are_nothing(ready: ApiClient) -> None:
    answer = ready.post(RUNS, {"results": {"metrics": {"returns": {}}}})
    assert refusal(answer) == (422, "E_VALIDATION")
