"""Documents that cannot be read or used: worlds, strategies, policies, states, roles, tokens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import POLICY, ApiClient, body
from tests.problem import nothing_written, pointer, refusal

UNREADABLE = {
    "no JSON": b"{",
    "text": b"hello",
    "two documents": b"{}{}",
    "a trailing comma": b'{"id": "x",}',
    "single quotes": b"{'id': 'x'}",
    "bytes": b"\xff\xfe\x00",
    "a lone surrogate": b'{"id": "x", "name": "\\ud800"}',
    "a raw NUL": b'{"id": "x", "name": "a\x00b"}',
    "an escaped NUL": b'{"id": "x", "name": "a\\u0000b"}',
    "a NUL in a name": b'{"id": "x", "a\\u0000b": 1}',
    "a key that stands twice": b'{"id": "x", "name": "a", "name": "b"}',
    "a key twice, once escaped": b'{"id": "x", "n\\u0061me": "a", "name": "b"}',
    "a key twice far inside": b'{"id": "x", "labels": [{"a:b": 1, "c": {"d": 1, "d": 1}}]}',
    "nested 65 deep": b'{"id": "x", "model_card": ' + b'{"a":' * 65 + b"1" + b"}" * 65 + b"}",
    "nested 300 deep": b'{"id": "x", "model_card": ' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}",
    "nested 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("path", ["/worlds", "/strategies"])
def test_what_cannot_be_read_is_malformed(root: ApiClient, path: str, raw: bytes) -> None:
    with nothing_written():
        assert refusal(root.post(path, raw)) == (400, "E_MALFORMED")


@pytest.mark.parametrize("raw", [b"[]", b"null", b"1", b'"x"', b"true", b"[{}]"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/worlds"),
        ("POST", "/strategies"),
        ("POST", "/tokens"),
        ("POST", "/worlds/alpha/state"),
        ("POST", "/worlds/alpha/bindings"),
        ("POST", "/worlds/alpha/policies/1/activate"),
        ("PATCH", "/strategies/mom"),
        ("POST", "/worlds/alpha/strategies/mom/runs"),
        ("DELETE", "/worlds/alpha/roles"),
    ],
)
def test_a_body_that_is_no_object_is_refused(ready: ApiClient, method: str, path: str, raw: bytes) -> None:
    with nothing_written():
        answer = ready.call(method, path, raw)
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "")


WORLD = {
    "no id": ({}, "/id"),
    "an empty id": ({"id": ""}, "/id"),
    "an id with a slash": ({"id": "a/b"}, "/id"),
    "an id with a space": ({"id": "a b"}, "/id"),
    "an id with a colon": ({"id": "a:b"}, "/id"),
    "an id with a newline": ({"id": "ab\n"}, "/id"),
    "an id beyond ASCII": ({"id": "wörld"}, "/id"),
    "an id that starts with a dot": ({"id": ".a"}, "/id"),
    "an id that is too long": ({"id": "a" * 129}, "/id"),
    "an id that is reserved": ({"id": "Latest"}, "/id"),
    "an id that is a number": ({"id": 1}, "/id"),
    "an unknown member": ({"id": "x", "colour": "red"}, "/colour"),
    "a flag as text": ({"id": "x", "allow_live": "yes"}, "/allow_live"),
    "a flag as a number": ({"id": "x", "allow_live": 1}, "/allow_live"),
    "no periods": ({"id": "x", "periods_per_year": 0}, "/periods_per_year"),
    "periods as text": ({"id": "x", "periods_per_year": "252"}, "/periods_per_year"),
    "a boolean capital": ({"id": "x", "reference_capital": True}, "/reference_capital"),
    "NaN of capital": ({"id": "x", "reference_capital": "NaN"}, "/reference_capital"),
    "Infinity of capital": ({"id": "x", "reference_capital": "Infinity"}, "/reference_capital"),
    "too much capital": ({"id": "x", "reference_capital": 1e300}, "/reference_capital"),
    "a huge integer": ({"id": "x", "reference_capital": 10**400}, ""),
    "a currency in small letters": ({"id": "x", "reference_currency": "usd"}, "/reference_currency"),
    "labels that are no list": ({"id": "x", "labels": "a"}, "/labels"),
    "an unknown owner": ({"id": "x", "owner": "nobody"}, "/owner"),
    "a null name": ({"id": "x", "name": None}, "/name"),
    "a preset of another year": (
        {
            "id": "x",
            "periods_per_year": 252,
            "data_presets": [{"id": "h", "source": "csv", "interval": "1h"}],
        },
        "",
    ),
    "a preset against the default year": (
        {"id": "x", "data_presets": [{"id": "h", "source": "csv", "interval": "1h"}]},
        "/data_presets/0/interval",
    ),
    "a benchmark below -1": (
        {"id": "x", "benchmark": {"values": [0.1, -3], "start": "2020-01-01", "interval": "1d"}},
        "/benchmark/values/1",
    ),
}


@pytest.mark.parametrize(("document", "place"), WORLD.values(), ids=WORLD.keys())
def test_a_bad_world_is_refused_with_its_place(root: ApiClient, document: Any, place: str) -> None:
    raw = document if 10**400 not in document.values() else f'{{"id": "x", "periods_per_year": {10**400}}}'
    with nothing_written():
        answer = root.post("/worlds", raw)
    assert refusal(answer) in {(422, "E_VALIDATION"), (400, "E_MALFORMED")}
    if answer.status_code == 422 and place:
        assert pointer(answer) == place


STRATEGY = {
    "a fractional version": ({"id": "x", "version": 1.5}, "/version"),
    "version 0": ({"id": "x", "version": 0}, "/version"),
    "an unknown side": ({"id": "x", "side": "up"}, "/side"),
    "a model card that is a list": ({"id": "x", "model_card": []}, "/model_card"),
    "an empty tag": ({"id": "x", "tags": [""]}, "/tags/0"),
    "too many tags": ({"id": "x", "tags": ["a"] * 51}, "/tags"),
    "a null model card": ({"id": "x", "model_card": None}, "/model_card"),
}


@pytest.mark.parametrize(("document", "place"), STRATEGY.values(), ids=STRATEGY.keys())
def test_a_bad_strategy_is_refused_with_its_place(root: ApiClient, document: Any, place: str) -> None:
    with nothing_written():
        answer = root.post("/strategies", document)
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), place)


def policy(**profile: Any) -> dict[str, Any]:
    return {"version": 1, "validation_profiles": {"backtest": profile}}


POLICIES = {
    "a misspelt section": ({"version": 1, "selektion": {}}, "selektion", "selection"),
    "a misspelt bound": (
        policy(performance={"sharp_min": 1}),
        "validation_profiles.backtest.performance.sharp_min",
        "sharpe_min",
    ),
    "a contradicting sign": (
        policy(performance={"max_dd_max": -0.25}),
        "validation_profiles.backtest.performance.max_dd_max",
        None,
    ),
    "an unknown metric in a gate": ({"version": 1, "selection": {"gates": "sharp > 1"}}, "gates", "sharpe"),
}


@pytest.mark.parametrize(("document", "path", "nearest"), POLICIES.values(), ids=POLICIES.keys())
@pytest.mark.parametrize("where", ["policy", "policies"])
def test_a_bad_policy_is_refused_with_path_and_nearest(
    ready: ApiClient, where: str, document: Any, path: str, nearest: str | None
) -> None:
    with nothing_written():
        answer = ready.post(f"/worlds/alpha/{where}", document)
    assert refusal(answer) == (422, "E_VALIDATION")
    (fault,) = body(answer)["errors"]
    assert path in fault["detail"]
    assert nearest is None or nearest in fault["nearest"]
    assert fault["line"] >= 1


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe", b"a: [", b"a: &x 1\nb: *x", b"a: \x00", b"- 1", b"[" * 5000]
)
@pytest.mark.parametrize("media", ["application/yaml", "application/json"])
def test_text_that_is_no_policy_is_refused(ready: ApiClient, raw: bytes, media: str) -> None:
    with nothing_written():
        assert refusal(ready.post("/worlds/alpha/policy", raw, content_type=media)) == (422, "E_VALIDATION")


def test_a_policy_over_256_kib_is_refused(ready: ApiClient) -> None:
    raw = b"version: 1 #" + b"x" * 256 * 1024
    answer = ready.post("/worlds/alpha/policy", raw, content_type="application/yaml")
    assert refusal(answer) == (422, "E_VALIDATION")


def test_the_active_policy_stays_when_another_is_refused(ready: ApiClient) -> None:
    ready.post("/worlds/alpha/policy", {"version": 1, "selektion": {}})
    assert body(ready.get("/worlds/alpha"))["active_policy_version"] == 1


def test_ids_that_differ_by_case_only_are_the_same(ready: ApiClient) -> None:
    with nothing_written():
        assert refusal(ready.post("/worlds", {"id": "Alpha"})) == (409, "E_WORLD_EXISTS")
        assert refusal(ready.post("/strategies", {"id": "MOM"})) == (409, "E_STRATEGY_EXISTS")


@pytest.mark.parametrize("run_id", ["latest", "LATEST", "a/b", "", "-a", "a" * 129, "a b", "ä"])
def test_a_bad_run_id_is_refused(ready: ApiClient, run_id: str) -> None:
    with nothing_written():
        answer = ready.post("/worlds/alpha/strategies/mom/runs", {"run_id": run_id})
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "/run_id")


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense", ""],
)
def test_json_is_taken_under_any_content_type(root: ApiClient, media: str) -> None:
    assert root.post("/worlds", {"id": "alpha"}, content_type=media).status_code == 201


def test_a_policy_may_hold_escaped_text(ready: ApiClient) -> None:
    assert (
        ready.post("/worlds/alpha/policy", {**POLICY, "selection": {"gates": "sharpe > 1"}}).status_code
        == 201
    )


def test_a_number_beyond_64_bits_is_kept_as_a_float(ready: ApiClient) -> None:
    answer = ready.patch("/strategies/mom", {"model_card": {"size": 1e20, "count": 12}})
    assert answer.status_code == 200
    assert body(ready.get("/strategies/mom"))["model_card"] == {"size": 1e20, "count": 12}
