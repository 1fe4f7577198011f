"""Fills are taken exactly, once, and never contradicted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.models import AuditEntry
from qmtl_site.http.refusals import Refusal
from strategies.domain.fills import FillRecord
from strategies.models import Fill
from strategies.services import keep_fills, report_fills
from tests.api import ApiClient, body
from tests.conftest import client_of
from tests.problem import nothing_written, pointer, refusal
from tests.statements import counted_statements
from tests.strategies.executing import FILLS, fill, listed
from tests.strategies.reporting import move, put_in_dry_run


def test_a_fill_is_listed_as_exactly_as_it_was_reported(paper: ApiClient) -> None:
    answer = paper.post(FILLS, [fill()])
    assert (answer.status_code, body(answer)) == (202, {"accepted": 1, "duplicates": 0})
    (item,) = listed(paper)
    assert {name: item[name] for name in fill()} == fill()
    assert item["reported_by"] == "root"


def test_a_batch_may_stand_in_an_object(paper: ApiClient) -> None:
    assert body(paper.post(FILLS, {"records": [fill()]}))["accepted"] == 1


def test_the_same_fill_again_is_nothing_new(paper: ApiClient) -> None:
    paper.post(FILLS, [fill()])
    again = fill(ts="2024-01-02T04:04:05.678901+01:00", price=64000.5, qty="0.1234567890123456780")
    answer = paper.post(FILLS, [again, again, fill("f2")])
    assert body(answer) == {"accepted": 1, "duplicates": 2}
    assert Fill.objects.count() == 2


@pytest.mark.parametrize("change", [{"qty": "1"}, {"mode": "live"}, {"venue": None}, {"order_id": "o2"}])
def test_another_word_under_a_known_id_is_refused_with_the_whole_batch(
    paper: ApiClient, change: dict[str, Any]
) -> None:
    paper.post(FILLS, [fill()])
    with nothing_written():
        answer = paper.post(FILLS, [fill("f0"), fill(**change)])
    assert (refusal(answer), pointer(answer)) == ((409, "E_IDEMPOTENCY"), "/1/fill_id")


def test_the_same_id_names_another_fill_of_another_strategy(paper: ApiClient) -> None:
    put_in_dry_run(paper, "rev")
    paper.post(FILLS, [fill()])
    assert body(paper.post(FILLS.replace("mom", "rev"), [fill(side="sell")]))["accepted"] == 1


def test_a_fill_that_comes_after_the_strategy_was_stopped_has_still_happened(paper: ApiClient) -> None:
    move("mom", "deactivate")
    assert paper.post(FILLS, [fill()]).status_code == 202


def test_a_retired_world_takes_none(paper: ApiClient) -> None:
    paper.delete("/worlds/alpha")
    assert refusal(paper.post(FILLS, [fill()])) == (409, "E_WORLD_RETIRED")


def later() -> str:
    return (timezone.now() + timedelta(days=2)).isoformat()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"qty": 0}, "/0/qty"),
        ({"qty": "-1"}, "/0/qty"),
        ({"qty": "NaN"}, "/0/qty"),
        ({"qty": True}, "/0/qty"),
        ({"qty": "1_000"}, "/0/qty"),
        ({"qty": "1e99"}, "/0/qty"),
        ({"qty": "1e21"}, "/0/qty"),
        ({"qty": "0.1234567890123456789"}, "/0/qty"),
        ({"qty": [1]}, "/0/qty"),
        ({"price": "0"}, "/0/price"),
        ({"price": "Infinity"}, "/0/price"),
        ({"fee": "a lot"}, "/0/fee"),
        ({"side": "long"}, "/0/side"),
        ({"mode": "shadow"}, "/0/mode"),
        ({"ts": "2024-01-02T03:04:05"}, "/0/ts"),
        ({"ts": "yesterday"}, "/0/ts"),
        ({"ts": "1800-01-01T00:00:00Z"}, "/0/ts"),
        ({"ts": later()}, "/0/ts"),
        ({"symbol": ""}, "/0/symbol"),
        ({"symbol": "a\x07b"}, "/0/symbol"),
        ({"symbol": "x" * 65}, "/0/symbol"),
        ({"fill_id": "x" * 129}, "/0/fill_id"),
        ({"order_id": 7}, "/0/order_id"),
        ({"liquidity": "maker"}, "/0/liquidity"),
    ],
)
def test_a_bad_record_is_refused_with_its_place(paper: ApiClient, change: dict[str, Any], place: str) -> None:
    with nothing_written():
        answer = paper.post(FILLS, [fill(**change)])
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), place)


@pytest.mark.parametrize(
    "posted", [[], {"records": []}, {"fills": [fill()]}, "x", None, [fill(), fill(qty="9")]]
)
def test_a_bad_batch_is_refused(paper: ApiClient, posted: Any) -> None:
    with nothing_written():
        answer = paper.post(FILLS, posted)
    assert answer.status_code in {400, 422}


def test_pages_go_from_the_newest_to_the_oldest_without_a_gap(paper: ApiClient) -> None:
    paper.post(FILLS, [fill(f"f{n}", ts=f"2024-01-0{1 + n // 3}T00:00:00Z") for n in range(9)])
    seen, cursor = [], ""
    while cursor is not None:
        page = body(paper.get(f"{FILLS}?limit=2{cursor and '&cursor=' + cursor}"))
        seen += [item["fill_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [f"f{n}" for n in (8, 7, 6, 5, 4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mode=live", ["f2"]),
        ("symbol=ETH/USDT", ["f3"]),
        ("order_id=o2", ["f2"]),
        ("from=2024-01-03T00:00:00Z", ["f3"]),
        ("to=2024-01-03T00:00:00Z", ["f2", "f1"]),
        ("mode=paper&symbol=BTC/USDT", ["f1"]),
    ],
)
def test_fills_are_found_by_what_they_are(paper: ApiClient, query: str, found: list[str]) -> None:
    second = fill("f2", mode="live", order_id="o2", ts="2024-01-02T04:00:00Z")
    paper.post(FILLS, [fill(), second, fill("f3", symbol="ETH/USDT", ts="2024-01-04T00:00:00Z")])
    assert [item["fill_id"] for item in listed(paper, query)] == found


@pytest.mark.parametrize(
    "query",
    ["mode=shadow", "from=2024", "from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z", "limit=0", "cursor=x"],
)
def test_a_bad_query_is_refused(paper: ApiClient, query: str) -> None:
    assert refusal(paper.get(f"{FILLS}?{query}")) == (422, "E_VALIDATION")


def test_only_runners_report(paper: ApiClient, someone: Callable[..., ApiClient]) -> None:
    assert someone("ann", world="alpha", roles=["operator"]).post(FILLS, [fill()]).status_code == 403
    assert someone("bob", world="alpha", roles=["runner"]).post(FILLS, [fill()]).status_code == 202


def test_an_unbound_strategy_has_none(paper: ApiClient) -> None:
    paper.make_strategy("rev")
    for answer in (paper.get(FILLS.replace("mom", "rev")), paper.post(FILLS.replace("mom", "rev"), [fill()])):
        assert refusal(answer) == (404, "E_NOT_FOUND")


def test_a_batch_is_one_act_and_no_event(paper: ApiClient) -> None:
    before = len(body(paper.get("/worlds/alpha/events?limit=500"))["events"])
    paper.post(FILLS, [fill(f"f{n}") for n in range(50)])
    paper.post(FILLS, [fill(f"f{n}") for n in range(50)])
    assert AuditEntry.objects.filter(action="fills.report").count() == 1
    assert len(body(paper.get("/worlds/alpha/events?limit=500"))["events"]) == before


def test_a_thousand_fills_take_as_many_statements_as_one(
    paper: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statements(*names: str) -> int:
        with monkeypatch.context() as counting:
            seen = counted_statements(counting)
            assert paper.post(FILLS, [fill(name) for name in names]).status_code == 202
            return len(seen)

    one = statements("a")
    assert statements(*(f"f{n}" for n in range(1000))) == one


def test_fills_of_several_strategies_are_kept_together(paper: ApiClient) -> None:
    put_in_dry_run(paper, "rev")
    records = {name: [FillRecord.model_validate(fill())] for name in ("mom", "rev")}
    for accepted in (1, 0):
        kept = keep_fills(world_id="alpha", fills=records, actor=Actor.service("test"))
        assert {each.accepted for each in kept.values()} == {accepted}


def test_two_who_report_the_same_fills_at_once_keep_each_once(committed: None) -> None:
    root = client_of(User.objects.create_superuser("root"))
    root.make_world(policy=None)
    put_in_dry_run(root, "mom")
    batch = [FillRecord.model_validate(fill(f"f{n}")) for n in range(200)]
    start, faults, accepted = Barrier(4), [], []

    def report(posted: list[FillRecord]) -> None:
        try:
            start.wait()
            kept = report_fills(
                world_id="alpha", strategy_id="mom", posted=posted, actor=Actor.service("test")
            )
            accepted.append(kept.accepted)
        except Refusal as refused:
            faults.append(refused)
        finally:
            connection.close()

    threads = [Thread(target=report, args=[batch[::step]]) for step in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (faults, sum(accepted), Fill.objects.count()) == ([], 200, 200)
