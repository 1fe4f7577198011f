"""Defaults, profiles, hashes and the schema."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from worlds.domain.expression import parse_expression
from worlds.domain.policy import (
    Duration,
    Policy,
    PolicyRefused,
    Stage,
    canonical_bytes,
    canonical_document,
    checksum,
    load_policy,
    policy_from_document,
    policy_schema,
    ruleset_hash,
)
from worlds.domain.schedule import max_age

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
DOCS = Path(__file__).parents[3] / "docs" / "policy.md"


def yaml(text: str) -> Policy:
    return load_policy(text, media="yaml")


def example(name: str) -> str:
    return (EXAMPLES / f"policy-{name}.yaml").read_text()


@pytest.mark.parametrize("name", ["minimal", "full"])
def test_the_examples_load(name: str) -> None:
    assert yaml(example(name)).selection is not None


def test_an_empty_policy_promotes_nothing_and_has_every_other_default() -> None:
    policy = yaml("version: 1")
    assert policy.selection is None
    assert policy.cohort is None
    assert policy.validation_profiles == {}
    assert policy.schedule.every == Duration.parse("1d")
    assert policy.evaluation_window == Duration.parse("90d")
    assert policy.governance.live_promotion.mode == "manual_approval"
    assert policy.gating_policy.apply.freeze_timeout_ms == 30_000


def test_a_present_section_has_the_defaults_of_its_keys() -> None:
    policy = yaml("{validation_profiles: {backtest: {performance: {}, sample: {}}}, selection: {top_k: {}}}")
    profile = policy.profile("backtest")
    assert profile is not None
    assert profile.performance is not None
    assert profile.sample is not None
    assert (profile.performance.sharpe_min, profile.performance.max_dd_max) == (0.5, 0.25)
    assert (profile.performance.severity, profile.performance.owner) == ("blocking", "quant")
    assert (profile.sample.min_effective_years, profile.sample.severity) == (2.0, "soft")
    assert profile.risk is None
    assert policy.selection is not None
    assert policy.selection.top_k is not None
    assert policy.selection.top_k.k == 5
    assert policy.selection.score == parse_expression("sharpe", kind="score")


def test_an_explicit_null_turns_one_bound_off() -> None:
    policy = yaml("validation_profiles: {p: {performance: {sharpe_min: null}}}")
    performance = policy.validation_profiles["p"].performance
    assert performance is not None
    assert (performance.sharpe_min, performance.max_dd_max) == (None, 0.25)


@pytest.mark.parametrize(
    ("section", "severity", "owner"),
    [
        ("cohort", "soft", "risk"),
        ("portfolio", "soft", "risk"),
        ("benchmark", "soft", "quant"),
        ("stress", "info", "ops"),
        ("paper_shadow_consistency", "soft", "ops"),
        ("live_monitoring", "soft", "risk"),
    ],
)
def test_a_rule_has_its_own_severity_and_owner(section: str, severity: str, owner: str) -> None:
    rule = getattr(yaml(f"{section}: {{}}"), section)
    assert (rule.severity, rule.owner, rule.mode) == (severity, owner, "active")


def test_a_stage_has_only_its_own_profile() -> None:
    policy = yaml("validation_profiles: {backtest: {}, strict: {}}")
    assert policy.profile_for("paper") is None
    backtest = policy.profile_for("backtest")
    assert backtest is not None
    assert backtest.name == "backtest"


def test_a_stage_may_go_by_the_name_of_its_recommendation() -> None:
    policy = yaml(
        "{validation_profiles: {a: {}, b: {}}, default_profile_by_stage: {backtest_only: a, paper: b}}"
    )
    stages: tuple[Stage, ...] = ("backtest", "paper", "live")
    profiles = [policy.profile_for(stage) for stage in stages]
    assert [profile and profile.name for profile in profiles] == ["a", "b", None]


def test_high_tier_and_client_critical_always_fail_closed() -> None:
    validation = "validation: {on_error: warn, on_missing_metric: ignore}"
    text = "risk_profile: {tier: %s, client_critical: true}\n" + validation
    high, medium = yaml(text % "high"), yaml(text % "medium")
    assert (high.effective_on_error, high.effective_on_missing_metric) == ("fail", "fail")
    assert (medium.effective_on_error, medium.effective_on_missing_metric) == ("warn", "ignore")


@pytest.mark.parametrize(
    ("text", "delta"),
    [
        ("30s", timedelta(seconds=30)),
        ("2w", timedelta(weeks=2)),
        ("P7D", timedelta(days=7)),
        ("PT30S", timedelta(seconds=30)),
        ("P1DT12H30M", timedelta(days=1, hours=12, minutes=30)),
    ],
)
def test_a_duration_keeps_its_text(text: str, delta: timedelta) -> None:
    policy = yaml(f"evaluation_window: {text}")
    assert policy.evaluation_window is not None
    assert policy.evaluation_window.delta == delta
    assert canonical_document(policy)["evaluation_window"] == text


def test_a_decision_ages_by_twice_the_schedule_unless_said() -> None:
    assert max_age(yaml("schedule: {every: 3h}")) == timedelta(hours=6)
    assert max_age(yaml("decision: {max_age: 1h}")) == timedelta(hours=1)


def test_a_crontab_is_in_utc_unless_said() -> None:
    schedule = yaml("schedule: {crontab: '0 0 * * mon'}").schedule
    crontab = schedule.parsed_crontab()
    assert (schedule.every, schedule.timezone) == (None, "UTC")
    assert crontab is not None
    assert crontab.weekdays == {1}


@pytest.mark.parametrize(
    "text", ["0 0 31 2 1", "*/5 9-17 * * 1-5", "0 0 29 2 *", "0,30 0 1 jan,jul *", "5/15 * * * 7"]
)
def test_a_crontab_that_fires_is_accepted(text: str) -> None:
    assert yaml(f"schedule: {{crontab: '{text}'}}").schedule.crontab == text


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        yaml("version: 1").version = 1


def test_both_forms_of_a_gate_have_one_checksum() -> None:
    text = yaml("selection: {gates: 'sharpe >= 1 and returns.cagr <= 3'}")
    tree = yaml("selection: {gates: {all: [{metric: sharpe, min: 1.0}, {metric: cagr, max: 3}]}}")
    assert checksum(text) == checksum(tree)


def test_yaml_and_json_have_one_checksum() -> None:
    policy = yaml(example("full"))
    assert checksum(load_policy(canonical_bytes(policy), media="json")) == checksum(policy)


def test_written_defaults_do_not_change_the_checksum() -> None:
    written = yaml("{version: 1, schedule: {every: 1d}, default_profile_by_stage: {paper_only: paper}}")
    assert checksum(written) == checksum(yaml("version: 1"))


@pytest.mark.parametrize("name", ["minimal", "full"])
def test_the_canonical_document_is_its_own_canonical_document(name: str) -> None:
    document = canonical_document(yaml(example(name)))
    assert canonical_document(policy_from_document(document)) == document


def test_the_checksum_of_the_empty_policy_is_pinned() -> None:
    """It is kept with every result: a change of a default is a change of all policies that rely on it."""
    assert checksum(yaml("version: 1")) == PINNED


PINNED = "3a2bb3d9f537f53e0b073e29dc4c5055f0fd508f141273b9067deb9cb3bff289"


def test_the_ruleset_hash_covers_policy_profile_and_version() -> None:
    one, other = yaml("version: 1"), yaml("evaluation_window: 30d")
    hashes = {
        ruleset_hash(one, "paper", "1"),
        ruleset_hash(one, None, "1"),
        ruleset_hash(one, "paper", "2"),
        ruleset_hash(other, "paper", "1"),
    }
    assert len(hashes) == 4
    assert ruleset_hash(one, "paper", "1") == ruleset_hash(yaml("{}"), "paper", "1")


def schema_validator() -> Any:
    schema = policy_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def as_plain(text: str) -> Any:
    return YAML(typ="safe", pure=True).load("%YAML 1.2\n---\n" + text)


@pytest.mark.parametrize("name", ["minimal", "full"])
def test_the_examples_pass_the_schema(name: str) -> None:
    schema_validator().validate(as_plain(example(name)))
    schema_validator().validate(canonical_document(yaml(example(name))))


@pytest.mark.parametrize(
    "text",
    [
        "selectoin: {}",
        "selection: {gats: 'sharpe > 1'}",
        "selection: {gates: {al: []}}",
        "selection: {gates: ''}",
        "selection: {gates: {all: [{metric: sharpe, mn: 1}]}}",
        "selection: {top_k: {k: 0}}",
        "selection: {hysteresis: {promote_after: soon}}",
        "version: 2",
        "decision: {ttl: 5}",
        "governance: {live_promotion: {canary: {for_: 1d}}}",
        "validation_profiles: {p: {sample: {min_trades: 1}}}",
        "live_monitoring: {windows: [45]}",
        "gating_policy: {dataset_fingerprint: {required: false}}",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(text: str) -> None:
    assert not schema_validator().is_valid(as_plain(text))
    with pytest.raises(PolicyRefused):
        yaml(text)


def test_a_caller_may_change_its_copy_of_the_schema() -> None:
    policy_schema()["$defs"].clear()
    assert policy_schema()["$defs"]


def keys_of(document: Any) -> set[str]:
    if isinstance(document, list):
        return {key for item in document for key in keys_of(item)}
    if not isinstance(document, dict):
        return set()
    return set(document) | {key for value in document.values() for key in keys_of(value)}


def known_keys() -> set[str]:
    definitions = {
        name: part for name, part in policy_schema()["$defs"].items() if not name.startswith("Gate")
    }
    return {key for part in [policy_schema(), *definitions.values()] for key in part.get("properties", {})}


def test_the_full_example_has_every_key() -> None:
    left_out = {"crontab", "timezone", "backtest_only", "paper_only", "paper_ok_live_candidate"}
    assert known_keys() - keys_of(as_plain(example("full"))) == left_out


def test_every_key_is_explained_in_the_documentation() -> None:
    text = DOCS.read_text()
    assert {key for key in known_keys() if not re.search(rf"[`.]{key}[`.]", text)} == set()
