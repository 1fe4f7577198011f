"""Lists: pages by cursor, filters, and the same number of queries however long they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api import POLICY, ApiClient, body, results, returns

RUNS = "/worlds/alpha/strategies/mom/runs"


def many_runs(client: ApiClient, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        client.submit("alpha", "mom", results(returns(60, seed=number)), run_id=f"r{number}")
        client.evaluate("alpha")


def pages(client: ApiClient, path: str, limit: int) -> list[list[Any]]:
    found, cursor = [], ""
    while True:
        answer = body(client.get(f"{path}?limit={limit}{cursor}"))
        found.append(answer["items"])
        if answer["next_cursor"] is None:
            return found
        cursor = f"&cursor={answer['next_cursor']}"


MAKE: dict[str, tuple[str, Callable[[ApiClient, int], Any]]] = {
    "worlds": ("/worlds", lambda c, n: c.post("/worlds", {"id": f"w{n}"})),
    "strategies": ("/strategies", lambda c, n: c.post("/strategies", {"id": f"s{n}"})),
    "bindings": ("/worlds/alpha/bindings", lambda c, n: bind(c, n)),
    "policies": ("/worlds/alpha/policies", lambda c, n: c.post("/worlds/alpha/policies", POLICY)),
    "audit": ("/worlds/alpha/audit", lambda c, n: c.patch("/worlds/alpha", {"name": f"A{n}"})),
    "runs": (RUNS, lambda c, n: many_runs(c, 1, n)),
    "snapshots": ("/worlds/alpha/snapshots", lambda c, n: many_runs(c, 1, n)),
}


def bind(client: ApiClient, number: int) -> None:
    client.post("/strategies", {"id": f"s{number}"})
    client.post("/worlds/alpha/bindings", {"strategies": [f"s{number}"]})


@pytest.mark.parametrize(("path", "make"), MAKE.values(), ids=MAKE.keys())
def test_a_list_is_paged_newest_first_and_whole(
    ready: ApiClient, path: str, make: Callable[[ApiClient, int], Any]
) -> None:
    for number in range(7):
        make(ready, number)
    whole = body(ready.get(f"{path}?limit=500"))["items"]
    paged = pages(ready, path, 3)
    assert [item for page in paged for item in page] == whole
    assert all(len(page) == 3 for page in paged[:-1])
    times = [item.get("created_at") or item["at"] for item in whole]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(("path", "make"), MAKE.values(), ids=MAKE.keys())
def test_a_page_is_not_moved_by_what_is_added_meanwhile(
    ready: ApiClient, path: str, make: Callable[[ApiClient, int], Any]
) -> None:
    for number in range(5):
        make(ready, number)
    first = body(ready.get(f"{path}?limit=2"))
    following = f"{path}?limit=2&cursor={first['next_cursor']}"
    expected = body(ready.get(following))["items"]
    make(ready, 5)
    assert [identity(item) for item in body(ready.get(following))["items"]] == list(map(identity, expected))


def identity(item: dict[str, Any]) -> Any:
    names = ("sequence", "run_id", "snapshot_id", "version", "strategy_id", "id")
    return next(item[name] for name in names if name in item)


def queries(client: ApiClient, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
        return len(captured)


@pytest.mark.parametrize(("path", "make"), MAKE.values(), ids=MAKE.keys())
def test_a_longer_list_takes_no_more_queries(
    ready: ApiClient, path: str, make: Callable[[ApiClient, int], Any]
) -> None:
    make(ready, 0)
    make(ready, 1)
    short = queries(ready, path)
    for number in range(2, 30):
        make(ready, number)
    assert len(body(ready.get(path))["items"]) >= 30
    assert queries(ready, path) == short


@pytest.mark.parametrize("path", ["/worlds/alpha/roles", "/worlds/alpha/events", "/worlds/alpha/describe"])
def test_a_fuller_world_takes_no_more_queries(ready: ApiClient, someone: Any, path: str) -> None:
    few = queries(ready, path)
    for number in range(20):
        someone(f"u{number}", world="alpha", roles=["viewer"])
        bind(ready, number)
    assert queries(ready, path) == few


def test_worlds_are_found_by_state_and_owner(ready: ApiClient, someone: Any) -> None:
    ready.make_world("beta", policy=None)
    ready.post("/worlds/beta/state", {"state": "PAUSED", "reason": "a test"})
    assert ids(ready.get("/worlds?state=PAUSED")) == ["beta"]
    assert ids(ready.get("/worlds?owner=root")) == ["beta", "alpha"]
    assert ids(ready.get("/worlds?owner=nobody")) == []


def test_strategies_are_found_by_family_and_owner(ready: ApiClient) -> None:
    ready.make_strategy("trend-1", family="trend")
    assert ids(ready.get("/strategies?family=trend")) == ["trend-1"]
    assert ids(ready.get("/strategies?owner=root&limit=1")) == ["trend-1"]


def test_bindings_are_found_by_state(judged: ApiClient) -> None:
    bind(judged, 1)
    (dry,) = body(judged.get("/worlds/alpha/bindings?state=dry_run"))["items"]
    assert (dry["strategy_id"], dry["effective_mode"], dry["execution_domain"]) == ("mom", "paper", "dryrun")
    assert dry["latest"]["figures"]["returns.sharpe"] > 1


def test_runs_are_found_by_stage_and_status(judged: ApiClient) -> None:
    judged.post(RUNS, {"run_id": "p1", "stage": "paper"})
    assert runs(judged, "stage=paper") == ["p1"]
    assert runs(judged, "status=evaluated") == ["r1"]
    assert runs(judged, "stage=paper&status=evaluated") == []


def test_snapshots_are_found_by_strategy(judged: ApiClient) -> None:
    assert len(body(judged.get("/worlds/alpha/snapshots?strategy_id=mom"))["items"]) == 1
    assert body(judged.get("/worlds/alpha/snapshots?strategy_id=other"))["items"] == []


def test_the_audit_is_found_by_action_and_object(judged: ApiClient) -> None:
    found = body(judged.get("/worlds/alpha/audit?action=run.create"))["items"]
    assert [row["object_id"] for row in found] == ["alpha/mom/r1"]
    assert len(body(judged.get("/worlds/alpha/audit?object_id=alpha/mom/r1"))["items"]) == 3


def test_events_are_read_on_from_a_sequence(judged: ApiClient) -> None:
    first = body(judged.get("/worlds/alpha/events?limit=3"))
    rest = body(judged.get(f"/worlds/alpha/events?after={first['next']}"))
    numbers = [event["sequence"] for event in first["events"] + rest["events"]]
    assert numbers == list(range(1, rest["next"] + 1))
    end = body(judged.get(f"/worlds/alpha/events?after={rest['next']}"))
    assert end == {"events": [], "next": rest["next"]}


def ids(answer: Any) -> list[str]:
    return [item["id"] for item in body(answer)["items"]]


def runs(client: ApiClient, query: str) -> list[str]:
    return [item["run_id"] for item in body(client.get(f"{RUNS}?{query}"))["items"]]
