"""Paths, methods, queries: whatever is asked, the answer is a document."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.api import ApiClient, body
from tests.problem import pointer, refusal


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/worlds/",
        "/worlds//",
        "/worlds/%00",
        "/worlds/a%0A",
        "/worlds/a%2Fb",
        "/worlds/..%2F..%2Fetc",
        "/worlds/%FF",
        "/worlds/-a",
        "/worlds/w%C3%B6rld",
        "/worlds/latest",
        "/worlds/ALPHA",
        "/worlds/" + "a" * 129,
        "/worlds/" + "a" * 5000,
        "/worlds/alpha/policies/0",
        "/worlds/alpha/policies/01",
        "/worlds/alpha/policies/-1",
        "/worlds/alpha/policies/99999999999999999999",
        "/worlds/alpha/policies/2",
        "/worlds/alpha/snapshots/nothing",
        "/worlds/alpha/blobs/" + "0" * 64 + ".parquet",
        "/worlds/alpha/blobs/xyz.parquet",
        "/worlds/alpha/strategies/mom/runs/nothing",
        "/worlds/alpha/strategies/mom/runs/latest",
        "/worlds/alpha/strategies/mom/runs/LATEST",
        "/worlds/alpha/strategies/mom/runs/nothing/metrics",
        "/worlds/alpha/strategies/mom/runs/nothing/history",
        "/worlds/alpha/strategies/mom/runs/nothing/report",
        "/worlds/nowhere/live-monitoring",
        "/strategies/nobody",
        "/schema/?format=xyz",
    ],
)
def test_an_unknown_address_is_a_problem_document(ready: ApiClient, path: str) -> None:
    assert refusal(ready.get(path)) == (404, "E_NOT_FOUND")


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PUT", "PROPFIND", "X"])
def test_a_method_that_is_not_served_is_refused_and_the_others_are_named(
    ready: ApiClient, method: str
) -> None:
    for path in ("/worlds", "/worlds/alpha", "/strategies/mom", "/worlds/alpha/snapshots/x", "/healthz"):
        answer = ready.call(method, path)
        assert refusal(answer) == (405, "E_METHOD"), path
        assert "GET" in answer["Allow"]


def test_head_is_get_without_its_body(judged: ApiClient) -> None:
    run = "/worlds/alpha/strategies/mom/runs/r1"
    for path in ("/worlds", "/worlds/alpha", run, f"{run}/metrics", "/worlds/alpha/snapshots/alpha-mom-r1"):
        head, get = judged.call("HEAD", path), judged.get(path)
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers.get("ETag") == get.headers.get("ETag"), path


LISTS = [
    "/worlds",
    "/strategies",
    "/worlds/alpha/bindings",
    "/worlds/alpha/policies",
    "/worlds/alpha/audit",
    "/worlds/alpha/snapshots",
    "/worlds/alpha/strategies/mom/runs",
]


@pytest.mark.parametrize("limit", ["0", "-1", "501", "x", "", "1.5", "1e2", "²", "99999999999999", "\0"])
def test_a_bad_limit_is_refused_by_every_list(ready: ApiClient, limit: str) -> None:
    for path in [*LISTS, "/worlds/alpha/events"]:
        answer = ready.get(f"{path}?limit={quote(limit)}")
        assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "?limit"), path


# Texts that are no cursor: base64 of nothing, null, [], wrong types, a naive time, a NUL, a huge key.
CURSORS = [
    "x", "%00", "%FF", "é", "bnVsbA", "W10", "WzEsMl0", "eyJhIjoxLCJiIjoyfQ", "WyIyMDIwLTAxLTAxIiwxXQ",
    "WyIyMDIwLTAxLTAxVDAwOjAwOjAwWiIsbnVsbF0", "WyIyMDIwLTAxLTAxVDAwOjAwOjAwWiIsdHJ1ZV0",
    "WyIyMDIwLTAxLTAxVDAwOjAwOjAwWiIsIlx1MDAwMCJd", "WyIyMDIwLTAxLTAxVDAwOjAwOjAwWiIsOTk5OTk5OTk5OTk5OTk5OTk5OV0",
    "a" * 4000,
]  # fmt: skip


@pytest.mark.parametrize("cursor", CURSORS)
def test_a_bad_cursor_is_refused_by_every_list(ready: ApiClient, cursor: str) -> None:
    for path in LISTS:
        answer = ready.get(f"{path}?cursor={cursor}")
        assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "?cursor"), path


def test_a_cursor_of_another_list_is_refused(ready: ApiClient) -> None:
    cursor = body(ready.get("/worlds/alpha/audit?limit=1"))["next_cursor"]
    assert refusal(ready.get(f"/worlds?cursor={cursor}")) == (422, "E_VALIDATION")


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("/worlds?state=active", "?state"),
        ("/worlds/alpha/bindings?state=nope", "?state"),
        ("/worlds/alpha/policies?state=nope", "?state"),
        ("/worlds/alpha/strategies/mom/runs?stage=nope", "?stage"),
        ("/worlds/alpha/strategies/mom/runs?status=%00", "?status"),
        ("/worlds/alpha/strategies/mom/runs/latest?stage=nope", "?stage"),
        ("/worlds/alpha/strategies/mom/runs/latest/metrics?stage=nope", "?stage"),
        ("/worlds/alpha/strategies/mom/runs/latest/report?stage=nope", "?stage"),
        ("/worlds/alpha/strategies/mom/runs/latest/report?format=pdf", "?format"),
        ("/worlds/alpha/live-monitoring?format=%00", "?format"),
        ("/worlds/alpha/events?after=-1", "?after"),
        ("/worlds/alpha/events?after=x", "?after"),
        ("/worlds/alpha/events?after=%C2%B2", "?after"),
        ("/worlds/alpha/events?after=999", "?after"),
        ("/worlds/alpha/events?after=99999999999999999999", "?after"),
    ],
)
def test_a_bad_filter_is_refused_with_its_name(ready: ApiClient, query: str, place: str) -> None:
    answer = ready.get(query)
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), place)


@pytest.mark.parametrize("query", ["owner=%00", "owner=%FF", "owner=%ED%A0%80"])
def test_odd_text_in_a_filter_finds_nothing(ready: ApiClient, query: str) -> None:
    assert body(ready.get(f"/strategies?{query}"))["items"] == []


@pytest.mark.parametrize("world_id", ["a", "A.b_c-9", "0", "x" * 128, "a..b", "con"])
def test_an_odd_but_good_id_is_an_address(root: ApiClient, world_id: str) -> None:
    root.make_world(world_id, policy=None)
    assert body(root.get(f"/worlds/{world_id}"))["id"] == world_id


def test_a_run_id_may_hold_colons(ready: ApiClient) -> None:
    path = "/worlds/alpha/strategies/mom/runs"
    assert ready.post(path, {"run_id": "2026-01-01T00:00:00Z-1"}).status_code == 202
    assert body(ready.get(f"{path}/2026-01-01T00:00:00Z-1"))["status"] == "submitted"


def test_a_run_without_an_id_gets_one(ready: ApiClient) -> None:
    answer = ready.post("/worlds/alpha/strategies/mom/runs", {})
    assert ready.get(answer["Location"]).status_code == 200


def test_a_request_id_is_kept_when_it_is_good(root: ApiClient) -> None:
    assert root.get("/worlds", x_request_id="abc-1")["X-Request-ID"] == "abc-1"


def test_a_request_id_is_replaced_when_it_is_not(root: ApiClient) -> None:
    assert root.get("/worlds", x_request_id="a b\tc")["X-Request-ID"] != "a b\tc"


@pytest.mark.parametrize("accept", ["text/html", "image/png", "*/*", "nonsense", "application/xml;q=0.1"])
def test_the_service_speaks_json_whatever_is_accepted(ready: ApiClient, accept: str) -> None:
    assert ready.get("/worlds/alpha", accept=accept)["Content-Type"] == "application/json"


def test_the_schema_is_json_unless_yaml_is_named(ready: ApiClient) -> None:
    for accept in ("image/png", "application/json", "*/*"):
        assert body(ready.get("/schema/", accept=accept))["openapi"].startswith("3.")
    assert ready.get("/schema/?format=yaml").content.startswith(b"openapi:")
    assert refusal(ready.get("/schema/?format=xml")) == (404, "E_NOT_FOUND")


def test_the_type_of_a_problem_leads_to_a_page_about_its_code(root: ApiClient) -> None:
    problem = body(root.get("/worlds/nowhere"))
    page, _, anchor = problem["type"].partition("#")
    answer = root.get(page)
    assert answer.status_code == 200
    assert anchor.upper() in answer.content.decode()
