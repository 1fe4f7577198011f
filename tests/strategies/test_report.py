"""Reporting performance: what is taken, what changes nothing, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from qmtl_site.http.refusals import Unavailable
from strategies import schemas
from strategies.domain.reports import read_report
from strategies.models import PerformanceChunk, PerformanceSeries
from strategies.services import chunks
from tests.api import ApiClient, body
from tests.problem import nothing_written, pointer, refusal
from tests.strategies.reporting import PATH, at, days, listed, move, report, taken


def stored() -> list[tuple[Any, ...]]:
    """Everything that is kept of performance."""
    rows = PerformanceChunk.objects.order_by("series_id", "year")
    return [*rows.values_list(), *PerformanceSeries.objects.order_by("id").values_list()]


def events(client: ApiClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(client.get("/worlds/alpha/events?limit=500"))["events"]
    return found


def test_new_records_are_counted_and_listed(paper: ApiClient) -> None:
    answer = report(paper, days(1, 2))
    assert (answer.status_code, body(answer)) == (202, {"accepted": 2, "duplicates": 0, "mode": "paper"})
    assert [(item["ts"], item["return"]) for item in listed(paper)] == [(at(2), 0.002), (at(1), 0.001)]


def test_a_batch_may_stand_in_an_object(paper: ApiClient) -> None:
    assert taken(paper, {"records": days(1)})["accepted"] == 1


def test_the_return_follows_from_pnl_and_equity(paper: ApiClient) -> None:
    taken(paper, [{"ts": at(1), "pnl": 5, "equity": 105.0, "trades": 3}])
    (item,) = listed(paper)
    told = {name: item[name] for name in ("return", "pnl", "equity", "trades", "mode")}
    assert told == {"return": 0.05, "pnl": 5.0, "equity": 105.0, "trades": 3, "mode": "paper"}


def test_what_was_not_given_is_null(paper: ApiClient) -> None:
    taken(paper, days(1))
    (item,) = listed(paper)
    assert [item[name] for name in ("pnl", "equity", "trades")] == [None, None, None]


@pytest.mark.parametrize(
    "record",
    [
        {"return": 0.05, "pnl": 5, "equity": 105},
        {"return": 0.05, "pnl": None, "equity": None, "trades": None},
        {"return": -1},
        {"pnl": -100, "equity": 0},
        {"return": 0.0500000001, "pnl": 5, "equity": 105},
        {"return": 3, "trades": 0},
    ],
    ids=[
        "all that agrees",
        "nulls",
        "a total loss",
        "a total loss of pnl",
        "a rounded return",
        "whole numbers",
    ],
)
def test_what_may_be_reported(paper: ApiClient, record: dict[str, Any]) -> None:
    assert taken(paper, [{"ts": at(1), **record}])["accepted"] == 1


def test_a_time_is_kept_in_utc(paper: ApiClient) -> None:
    taken(paper, [{"ts": "2024-01-02T00:30:00.5+02:00", "return": 0.0}])
    assert listed(paper)[0]["ts"] == "2024-01-01T22:30:00.500000Z"


def test_the_same_again_changes_nothing(paper: ApiClient) -> None:
    records = [*days(1, 2), {"ts": at(3), "pnl": 1, "equity": 11, "trades": 2}]
    taken(paper, records)
    before = stored()
    with nothing_written():
        assert taken(paper, records) == {"accepted": 0, "duplicates": 3, "mode": "paper"}
    assert stored() == before


def test_what_is_listed_may_be_reported_again(paper: ApiClient) -> None:
    taken(paper, [{"ts": at(1), "pnl": 1, "equity": 12, "trades": 2}, *days(2)])
    again = [{n: v for n, v in item.items() if n not in {"mode", "stay"}} for item in listed(paper)]
    assert taken(paper, again) == {"accepted": 0, "duplicates": 2, "mode": "paper"}


def test_repeats_within_a_batch_are_duplicates(paper: ApiClient) -> None:
    assert taken(paper, days(1, 2, 1)) == {"accepted": 2, "duplicates": 1, "mode": "paper"}


def test_records_may_come_in_any_order(paper: ApiClient) -> None:
    taken(paper, days(40, 2))
    taken(paper, days(41, 3, 1))
    assert [item["ts"] for item in reversed(listed(paper))] == [at(n) for n in (1, 2, 3, 40, 41)]


@pytest.mark.parametrize(
    "other",
    [
        {"return": 0.5},
        {"return": 0.002, "trades": 1},
        {"return": 0.002, "pnl": 0.2, "equity": 100.2},
    ],
    ids=["another return", "another count", "more than before"],
)
def test_another_value_at_a_known_time_is_a_conflict(paper: ApiClient, other: dict[str, Any]) -> None:
    taken(paper, days(1, 2, 3))
    before = stored()
    with nothing_written():
        answer = report(paper, {"records": [*days(7, 1), {"ts": at(2), **other}, *days(2, year=2025)]})
    assert (refusal(answer), pointer(answer)) == ((409, "E_IDEMPOTENCY"), "/records/2/ts")
    assert at(2) in body(answer)["detail"]
    assert stored() == before


def test_of_many_conflicts_the_first_twenty_are_told(paper: ApiClient) -> None:
    taken(paper, days(*range(30)))
    answer = report(paper, [{"ts": at(number), "return": 0.9} for number in range(30)])
    assert [fault["pointer"] for fault in body(answer)["errors"]] == [f"/{n}/ts" for n in range(20)]


@pytest.mark.parametrize(
    ("steps", "state"),
    [(["deactivate"], "inactive"), (["deactivate", "resubmit"], "submitted"), (["archive"], "archived")],
)
def test_only_who_trades_reports(paper: ApiClient, steps: list[str], state: str) -> None:
    move("mom", *steps)
    with nothing_written():
        answer = report(paper, days(1))
    assert refusal(answer) == (409, "E_ILLEGAL_TRANSITION")
    assert body(answer)["current"] == state
    assert state in body(answer)["detail"]


def test_who_is_live_reports_live(paper: ApiClient) -> None:
    move("mom", "promote")
    assert taken(paper, days(1))["mode"] == "live"


def test_the_same_time_in_another_stay_is_another_record(paper: ApiClient) -> None:
    taken(paper, days(1))
    move("mom", "promote")
    assert taken(paper, [{"ts": at(1), "return": 0.5}])["accepted"] == 1
    move("mom", "demote")
    assert taken(paper, [{"ts": at(1), "return": 0.7}])["accepted"] == 1
    found = [(item["mode"], item["return"]) for item in listed(paper)]
    assert found == [("paper", 0.7), ("live", 0.5), ("paper", 0.001)]


def test_a_year_has_a_chunk_of_its_own(paper: ApiClient) -> None:
    taken(paper, [*days(1, 2), *days(1, year=2023), {"ts": "2024-01-01T00:30:00+01:00", "return": 0.0}])
    assert dict(PerformanceChunk.objects.values_list("year", "count")) == {2023: 2, 2024: 2}


def test_the_series_tells_what_there_is(paper: ApiClient) -> None:
    taken(paper, days(5))
    taken(paper, [*days(1), *days(9, year=2025)])
    taken(paper, days(5))
    series = PerformanceSeries.objects.get()
    assert (series.count, series.revision) == (3, 2)
    assert (series.first_at.isoformat(), series.last_at.isoformat()) == (
        "2024-01-02T00:00:00+00:00",
        "2025-01-10T00:00:00+00:00",
    )


def test_the_revision_rises_over_all_stays(paper: ApiClient) -> None:
    for number, step in enumerate(["promote", "demote", "promote"]):
        taken(paper, days(number))
        move("mom", step)
    assert list(PerformanceSeries.objects.order_by("id").values_list("revision", flat=True)) == [1, 2, 3]


def test_a_batch_is_one_act_without_its_values_and_no_event(paper: ApiClient) -> None:
    before = events(paper)
    taken(paper, days(1))
    taken(paper, days(1, 4, 3))
    assert events(paper) == before
    told = {"accepted": 2, "duplicates": 1, "mode": "paper", "first": at(3), "last": at(4)}
    act, _ = body(paper.get("/worlds/alpha/audit?action=performance.report"))["items"]
    assert {**act["details"], **told} == act["details"]


def test_a_paused_world_takes_reports(paper: ApiClient) -> None:
    paper.post("/worlds/alpha/state", {"state": "PAUSED", "reason": "a test"})
    assert taken(paper, days(1))["accepted"] == 1


def test_a_retired_world_takes_none(paper: ApiClient) -> None:
    paper.delete("/worlds/alpha?reason=over")
    assert refusal(report(paper, days(1))) == (409, "E_WORLD_RETIRED")


def test_who_is_not_bound_is_not_found(paper: ApiClient) -> None:
    paper.make_strategy("other")
    for name in ("other", "unknown"):
        assert refusal(report(paper, days(1), name)) == (404, "E_NOT_FOUND")
        assert refusal(paper.get(PATH.replace("mom", name))) == (404, "E_NOT_FOUND")


@pytest.mark.parametrize(("role", "status"), [("runner", 202), ("owner", 403), ("submitter", 403)])
def test_runners_report(paper: ApiClient, someone: Callable[..., ApiClient], role: str, status: int) -> None:
    assert report(someone("ann", world="alpha", roles=[role]), days(1)).status_code == status


@pytest.mark.parametrize("number", [1, 9], ids=["before", "after"])
def test_a_chunk_that_moved_meanwhile_is_not_overwritten(paper: ApiClient, number: int) -> None:
    """As if the lock had failed: another one reports between the reading and the writing."""
    taken(paper, days(4, 5))
    series = PerformanceSeries.objects.get()
    records = schemas.PerformanceList.model_validate(days(number)).root
    late = chunks.changes_of(read_report(records, now=timezone.now()), series)
    taken(paper, days(6))
    with pytest.raises(Unavailable):
        chunks.write(series, late)
    assert [item["ts"] for item in listed(paper)] == [at(6), at(5), at(4)]


def test_more_than_a_year_may_hold_is_refused(paper: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strategies.services.performance.MAX_POINTS", 3)
    taken(paper, days(1, 2))
    answer = report(paper, {"records": days(3, 4)})
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "/records")
    assert taken(paper, days(2, 3, 1))["accepted"] == 1


def queries(client: ApiClient, records: Any) -> int:
    with CaptureQueriesContext(connection) as captured:
        taken(client, records)
    return len(captured)


def test_a_larger_batch_takes_no_more_queries(paper: ApiClient) -> None:
    taken(paper, days(1, 100))
    few = [queries(paper, days(101)), queries(paper, days(2))]
    many = [queries(paper, days(*range(102, 300))), queries(paper, days(*range(3, 90)))]
    assert many == few


def test_a_clock_may_be_somewhat_ahead(paper: ApiClient) -> None:
    ahead = timezone.now() + timedelta(hours=23)
    assert taken(paper, [{"ts": ahead.isoformat(), "return": 0.1}])["accepted"] == 1
