"""ETags: changes that name what they saw, and documents that never change."""

from __future__ import annotations

import pytest

from tests.api import ApiClient, body, results, returns
from tests.problem import nothing_written, refusal

RUN = "/worlds/alpha/strategies/mom/runs/r1"


def documents(client: ApiClient) -> list[str]:
    """Addresses of immutable documents."""
    refs = body(client.get("/worlds/alpha/snapshots/alpha-mom-r1"))["storage_refs"]
    return [
        f"{RUN}/metrics",
        "/worlds/alpha/snapshots/alpha-mom-r1",
        refs["full_returns_series"],
        refs["full_pnl_series"],
    ]


def test_an_immutable_document_may_be_kept_for_ever(judged: ApiClient) -> None:
    for path in documents(judged):
        answer = judged.get(path)
        assert answer["ETag"].startswith('"')
        assert "immutable" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*", ' {} , "x"'])
def test_a_document_that_the_caller_has_is_not_sent_again(judged: ApiClient, form: str) -> None:
    for path in documents(judged):
        etag = judged.get(path)["ETag"]
        again = judged.get(path, if_none_match=form.format(etag))
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)


@pytest.mark.parametrize("tag", ["", '"other"', "nonsense", ",,", '"' + "a" * 5000 + '"', "é"])
def test_another_tag_gets_the_document(judged: ApiClient, tag: str) -> None:
    assert judged.get(f"{RUN}/metrics", if_none_match=tag).status_code == 200


def test_latest_is_never_kept(judged: ApiClient) -> None:
    answer = judged.get("/worlds/alpha/strategies/mom/runs/latest/metrics")
    assert "immutable" not in answer["Cache-Control"]
    assert not answer.has_header("ETag")
    again = judged.get("/worlds/alpha/strategies/mom/runs/latest/metrics", if_none_match="*")
    assert again.status_code == 200


def test_a_304_needs_a_token_too(judged: ApiClient) -> None:
    assert refusal(ApiClient(None).get(f"{RUN}/metrics", if_none_match="*"))[0] == 401


def test_metrics_stay_the_same_bytes_when_a_newer_run_is_judged(judged: ApiClient) -> None:
    before = judged.get(f"{RUN}/metrics").content
    judged.submit("alpha", "mom", results(returns(mean=0.002)), run_id="r2")
    judged.evaluate("alpha")
    assert judged.get(f"{RUN}/metrics").content == before


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("PATCH", "/worlds/alpha", {"name": "B"}),
        ("DELETE", "/worlds/alpha", None),
        ("POST", "/worlds/alpha/state", {"state": "PAUSED", "reason": "a test"}),
        ("PATCH", "/strategies/mom", {"name": "B"}),
    ],
)
def test_a_change_of_what_has_moved_is_refused(
    ready: ApiClient, method: str, path: str, document: dict[str, str] | None
) -> None:
    of = "/strategies/mom" if "strategies" in path else "/worlds/alpha"
    seen = ready.get(of)["ETag"]
    ready.patch(of, {"name": "A"})
    for stale in (seen, '"0"', "nonsense", ""):
        with nothing_written():
            assert refusal(ready.call(method, path, document, if_match=stale)) == (412, "E_PRECONDITION")
    assert ready.call(method, path, document, if_match=ready.get(of)["ETag"]).status_code == 200


@pytest.mark.parametrize("given", ["*", None])
def test_a_change_without_a_condition_is_made(ready: ApiClient, given: str | None) -> None:
    headers = {} if given is None else {"if_match": given}
    answer = ready.patch("/worlds/alpha", {"name": "B"}, **headers)
    assert (answer.status_code, body(answer)["name"]) == (200, "B")


def test_each_change_gives_another_etag(ready: ApiClient) -> None:
    tags = [ready.patch("/worlds/alpha", {"name": name})["ETag"] for name in ("A", "B", "C")]
    assert len(set(tags)) == 3
