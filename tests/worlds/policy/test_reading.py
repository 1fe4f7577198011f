"""Hostile and broken texts."""

from __future__ import annotations

import copy
import json
import math
import time
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worlds.domain.policy import (
    MAX_POLICY_BYTES,
    PolicyFault,
    PolicyRefused,
    canonical_document,
    load_policy,
    policy_from_document,
)

Media = Literal["yaml", "json"]


def refusal_of(text: str | bytes, media: Media) -> PolicyFault:
    with pytest.raises(PolicyRefused) as refusal:
        load_policy(text, media=media)
    return refusal.value.faults[0]


BAD_YAML = [
    ("", "is a mapping"),
    ("[1]", "is a mapping"),
    ("just text", "is a mapping"),
    ("a: &x 1\nb: *x", "anchors"),
    ("b: *x", "aliases"),
    ("a: &a [*a]", "anchors"),
    ("version: 1\nversion: 1", "there twice"),
    ("version: !!int 1", "tags"),
    ("version: !foo 1", "tags"),
    ("! version: 1", "tags"),
    ("version: 1\n---\nversion: 1", "more than one document"),
    ("%YAML 1.1\n---\nversion: 1", "only YAML 1.2"),
    ("%TAG ! tag:x,2000:\n---\nversion: !y 1", "tags"),
    ("1: 2", "not text"),
    ("null: 2", "not text"),
    ("true: 2", "not text"),
    ("? [a]\n: 1", "not a mapping or a list"),
    ("? {a: 1}\n: 1", "not a mapping or a list"),
    ("2020-01-01: 1", "unknown key"),
    ("<<: {version: 1}", "unknown key"),
    ("a: [", "not YAML"),
    ("a: b: c", "not YAML"),
    ("\tversion: 1", "not YAML"),
    ("a: 'x", "not YAML"),
    ('a: "\\ud800"', "not allowed"),
    ('a: "\\0"', "not allowed"),
    ('a: "\\UFFFFFFFF"', "not YAML"),
    ("a: \x07", "not YAML"),
    ("decision: {ttl: 2020-01-01}", "write a duration"),
    ("selection: {exposure: {max_weight: .inf}}", "finite"),
    ("selection: {exposure: {max_weight: -.Inf}}", "finite"),
    ("selection: {exposure: {max_weight: .NaN}}", "finite"),
    ("selection: {exposure: {max_weight: 1e999}}", "finite"),
    ("selection: {exposure: {max_weight: 1_000}}", "must be a number"),
    ("selection: {top_k: {k: 99999999999999999999999}}", "finite"),
    ("selection: {top_k: {k: 9007199254740993}}", "too large"),
    ("selection: {top_k: {k: 0x" + "f" * 5000 + "}}", "finite"),
    ("selection: {top_k: {k: " + "9" * 5000 + "}}", "finite"),
]
BAD_JSON = [
    ("", "not JSON"),
    ("[1]", "is a mapping"),
    ("{'version': 1}", "not JSON"),
    ('{"version": 1,}', "not JSON"),
    ('{"version": 1} {}', "not JSON"),
    ('{"version": 1, "version": 1}', "there twice"),
    ('{"decision": {"ttl": "1d", "ttl": "1d"}}', "there twice"),
    ('{"version": NaN}', "not JSON"),
    ('{"selection": {"exposure": {"max_weight": 1e999}}}', "not JSON"),
    ('{"selection": {"exposure": {"max_weight": Infinity}}}', "not JSON"),
    ('{"selection": {"top_k": {"k": 99999999999999999999999}}}', "whole number"),
    ('{"selection": {"top_k": {"k": ' + "9" * 5000 + "}}}", ""),
    ('{"a": "\\ud800"}', "not JSON"),
    ('{"a": "\\u0000"}', "not allowed"),
    ('{"\\u0000": 1}', "not text"),
    ('\ufeff{"version": 1}', "not JSON"),
]


@pytest.mark.parametrize(("text", "message"), BAD_YAML)
def test_yaml_that_a_policy_may_not_use_is_refused(text: str, message: str) -> None:
    assert message in refusal_of(text, "yaml").message


@pytest.mark.parametrize(("text", "message"), BAD_JSON)
def test_json_that_is_not_strict_is_refused(text: str, message: str) -> None:
    assert message in refusal_of(text, "json").message


@pytest.mark.parametrize("media", ["yaml", "json"])
@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{" * 100_000,
        '{"a":' * 50_000,
        "- " * 100_000,
        "? " * 100_000,
        '{"a":[' + "1," * 120_000 + "1]}",
        "selection: {gates: " + "{not: " * 30_000,
        '{"selection": {"gates": "' + "(" * 200_000 + '"}}',
        '{"selection": {"gates": ' + '{"not":' * 60 + '"sharpe > 1"' + "}" * 60 + "}}",
        "a: " + "x" * 250_000,
        '{"' + "x" * 250_000 + '": 1}',
        "\n".join(f"k{index}: 1" for index in range(20_000)),
    ],
)
def test_a_hostile_text_is_refused_at_once(text: str, media: Media) -> None:
    began = time.perf_counter()
    refusal_of(text, media)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("media", ["yaml", "json"])
def test_a_text_above_the_limit_is_refused(media: Media) -> None:
    assert str(MAX_POLICY_BYTES) in refusal_of("{}" + " " * MAX_POLICY_BYTES, media).message


@pytest.mark.parametrize("media", ["yaml", "json"])
@pytest.mark.parametrize("text", [b"\xff\xfe", b"version: \xc3", "\ud800", "{}\0", b"\x00" * 10])
def test_what_is_no_clean_utf8_is_refused(text: str | bytes, media: Media) -> None:
    assert refusal_of(text, media).message


def test_yes_no_and_on_are_text_in_yaml() -> None:
    policy = load_policy("rebalancing: {on_switch: off}", media="yaml")
    assert policy.rebalancing.on_switch == "off"


def test_json_faults_have_places_too() -> None:
    fault = refusal_of('{\n  "selection": {\n    "gates": "sharpe > 1 and foo > 1"}}', "json")
    assert (fault.path, fault.line, fault.column) == ("selection.gates", 3, 30)


@given(st.text() | st.binary(), st.sampled_from(["yaml", "json"]))
def test_nothing_but_a_refusal_comes_of_noise(text: str | bytes, media: Media) -> None:
    try:
        load_policy(text, media=media)
    except PolicyRefused as refusal:
        assert refusal.faults


FRAGMENTS = [
    "selection", "gates", ":", " ", "\n", "  ", "- ", "{", "}", "[", "]", ",", '"', "'", "|", ">", "&a", "*a",
    "!t", "%YAML", "---", "?", "sharpe > 1", "1", "\\", "\\x", "#", "null", "\t", "\u2028", "all",
    "version: 1\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join), st.sampled_from(["yaml", "json"]))
def test_nothing_but_a_refusal_comes_of_shuffled_pieces(text: str, media: Media) -> None:
    try:
        load_policy(text, media=media)
    except PolicyRefused as refusal:
        assert refusal.faults


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = [
    "version", "selection", "gates", "all", "any", "not", "metric", "min", "max", "top_k", "k", "per_side",
    "long", "schedule", "every", "crontab", "timezone", "score", "validation_profiles", "p", "sample",
    "stress", "scenarios", "hysteresis", "exit_gates", "governance", "default_profile_by_stage", "paper",
    "paper_only",
]  # fmt: skip

keys = st.sampled_from(KEYS) | st.text(max_size=4)
documents: st.SearchStrategy[Any] = st.recursive(
    scalars | st.sampled_from(["sharpe > 1", "sharpe", "1d", "p", {"metric": "sharpe", "min": 1}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(keys, documents, max_size=4))
def test_nothing_but_a_refusal_comes_of_any_document(document: dict[str, Any]) -> None:
    try:
        policy_from_document(document)
    except PolicyRefused as refusal:
        assert refusal.faults


HOSTILE: list[Any] = [
    None, True, False, -1, 0, 1, 2**53, 10**400, -0.0, 1e308, math.nan, math.inf, "", "x" * 300, "999999999w",
    "0s", "P999999999W", "PT", "\u0663d", "* * * * *", "0 0 0 0 0", "*/0 * * * *", "1-0 * * * *", "/", "..",
    "99999-1 * * * *", "a\x7f", "long", "sharpe > 1", "sharpe", "1/0", "(" * 70, {}, [], [[]], {"": ""},
    {"required": 1},
]  # fmt: skip
EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "policy-full.yaml"
FULL = canonical_document(load_policy(EXAMPLE.read_bytes(), media="yaml"))


def places_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places_of(item, (*path, key)))]


@given(
    st.lists(
        st.tuples(st.sampled_from(places_of(FULL)[1:]), st.sampled_from(HOSTILE)), min_size=1, max_size=3
    )
)
def test_nothing_but_a_refusal_comes_of_a_spoilt_policy(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    document = copy.deepcopy(FULL)
    for path, value in changes:
        container: Any = document
        for part in path[:-1]:
            container = (
                container[part] if isinstance(container, dict | list) and part_in(part, container) else {}
            )
        if isinstance(container, dict):
            container[path[-1]] = copy.deepcopy(value)
    try:
        policy = policy_from_document(document)
    except PolicyRefused as refusal:
        assert refusal.faults
    else:
        assert canonical_document(policy_from_document(canonical_document(policy))) == canonical_document(
            policy
        )


def part_in(part: Any, container: Any) -> bool:
    return (
        part in container if isinstance(container, dict) else isinstance(part, int) and part < len(container)
    )


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", 1j, math.nan, {1: 2}, {None: 1}, "\ud800"])
def test_values_that_json_does_not_have_are_refused(value: object) -> None:
    with pytest.raises(PolicyRefused):
        policy_from_document({"selection": {"score": value}})


def test_a_document_that_contains_itself_is_refused() -> None:
    document: dict[str, Any] = {}
    document["selection"] = document
    with pytest.raises(PolicyRefused, match="too deeply"):
        policy_from_document(document)


@given(st.dictionaries(keys, documents, max_size=4))
def test_the_places_of_json_do_not_change_its_meaning(document: dict[str, Any]) -> None:
    def outcome(read: Any) -> Any:
        try:
            return read()
        except PolicyRefused as refusal:
            return {(fault.path, fault.message) for fault in refusal.faults}

    try:
        text = json.dumps(document, allow_nan=False)
    except ValueError:
        return
    if "\\ud" in text or "\\u0000" in text or any(len(word) > 15 for word in text.split()):
        return
    assert outcome(lambda: load_policy(text, media="json")) == outcome(lambda: policy_from_document(document))
