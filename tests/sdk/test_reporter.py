"""What waits to be told: kept while nobody takes it, left out only where it can never be taken, and then alone."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from qmtl.client import Client, Config, QmtlError, Retries
from qmtl.sdk.runtime.reporter import Reporter


class Service:
    """Takes performance unless it is told not to; `bad` times are conflicts."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, float]] = {"paper": {}, "live": {}}
        self.refuses: httpx.Response | None = None
        self.bad: set[str] = set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.refuses is not None:
            return self.refuses
        posted = json.loads(request.content)
        bad = [place for place, each in enumerate(posted["records"]) if each["ts"] in self.bad]
        if bad:
            faults = [{"pointer": f"/records/{place}/ts", "detail": "another value"} for place in bad[:2]]
            return problem(409, "E_IDEMPOTENCY", errors=faults)
        kept = self.kept[posted["mode"]]
        new = {each["ts"]: each["return"] for each in posted["records"] if each["ts"] not in kept}
        kept.update(new)
        told = {
            "accepted": len(new),
            "duplicates": len(posted["records"]) - len(new),
            "mode": posted["mode"],
        }
        return httpx.Response(202, json=told)


def problem(status: int, code: str, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"status": status, "code": code, "detail": "no", **more})


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def reporter(service: Service) -> Reporter:
    client = Client(config=Config("http://told", "t"), retries=Retries(tries=1))
    client.http = httpx.Client(transport=httpx.MockTransport(service.answer))
    return Reporter(client, "w", "s")


def earn(reporter: Reporter, mode: str, *days: str) -> None:
    for day in days:
        reporter.performance(mode, {"ts": day, "return": 0.1, "trades": 0})


def test_each_record_is_told_under_the_mode_that_earned_it(service: Service, reporter: Reporter) -> None:
    earn(reporter, "paper", "1", "2")
    earn(reporter, "live", "3")
    earn(reporter, "paper", "3")
    reporter.flush()
    assert {mode: list(kept) for mode, kept in service.kept.items()} == {
        "paper": ["1", "2", "3"],
        "live": ["3"],
    }
    assert (reporter.told.performance, reporter.told.dropped) == (4, {})


@pytest.mark.parametrize(
    "refusal",
    [problem(503, "E_UNAVAILABLE"), problem(403, "E_FORBIDDEN"), problem(429, "E_RATE_LIMITED")],
    ids=["away", "not let in", "too much"],
)
def test_what_is_not_taken_now_waits(service: Service, reporter: Reporter, refusal: httpx.Response) -> None:
    earn(reporter, "live", "1", "2")
    service.refuses = refusal
    with pytest.raises(QmtlError):
        reporter.flush()
    other = Reporter(reporter.client, "w", "s")
    other.load(json.loads(json.dumps(reporter.state())))
    service.refuses = None
    other.flush()
    assert (list(service.kept["live"]), other.told.dropped, other.waiting) == (["1", "2"], {}, 0)


def test_a_record_that_cannot_be_taken_keeps_no_other_out(service: Service, reporter: Reporter) -> None:
    service.bad = {"2", "4", "5"}
    earn(reporter, "live", "1", "2", "3", "4", "5", "6")
    reporter.flush()
    assert list(service.kept["live"]) == ["1", "3", "6"]
    assert (reporter.told.performance, sum(reporter.told.dropped.values())) == (3, 3)


def test_a_refusal_of_all_leaves_all_out_and_goes_on(service: Service, reporter: Reporter) -> None:
    earn(reporter, "live", "1", "2")
    service.refuses = problem(409, "E_WORLD_RETIRED")
    reporter.flush()
    assert (sum(reporter.told.dropped.values()), reporter.waiting) == (2, 0)


# --- without a lease --------------------------------------------------------------------------------------------
@pytest.fixture
def leased() -> list[bool]:
    """Whether the runner has its lease."""
    return [True]


@pytest.fixture
def asleep(reporter: Reporter, leased: list[bool]) -> Reporter:
    reporter.may_tell = lambda: leased[0]
    return reporter


def test_what_was_earned_without_a_lease_is_told_when_there_is_one_again(
    service: Service, asleep: Reporter, leased: list[bool]
) -> None:
    earn(asleep, "paper", "1")
    asleep.flush()
    leased[0] = False
    earn(asleep, "paper", "2", "3")
    asleep.flush()
    assert (list(service.kept["paper"]), asleep.waiting) == (["1"], 2)
    leased[0] = True
    asleep.flush()
    assert list(service.kept["paper"]) == ["1", "2", "3"]


def test_who_gives_way_tells_nothing_of_the_time_without_a_lease(
    service: Service, asleep: Reporter, leased: list[bool]
) -> None:
    earn(asleep, "paper", "1")
    asleep.settle()
    leased[0] = False
    earn(asleep, "paper", "2", "3")
    asleep.give_way()
    asleep.flush()
    assert list(service.kept["paper"]) == ["1"]
    assert asleep.told.dropped == {"another runner traded meanwhile, and tells of it": 2}
    assert asleep.state() == {"performance": [], "fills": []}


def test_who_ends_without_a_lease_remembers_what_is_not_told(
    service: Service, asleep: Reporter, leased: list[bool]
) -> None:
    leased[0] = False
    earn(asleep, "paper", "1")
    asleep.stop()
    assert sum(asleep.told.dropped.values()) == 1
    other = Reporter(asleep.client, "w", "s")
    other.load(json.loads(json.dumps(asleep.state())))
    other.flush()
    assert list(service.kept["paper"]) == ["1"]
