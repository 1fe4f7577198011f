"""How faults are told, and what is no fault."""

from __future__ import annotations

import pytest

from tests.worlds.policy.test_refusals import faults_of, selection
from worlds.domain.policy import PolicyRefused, load_policy, policy_from_document


def test_all_faults_are_told_together_in_the_order_of_the_text() -> None:
    text = """\
version: 1
selectoin: {}
schedule: {every: 1d, timezone: Mars/Base}
validation_profiles:
  paper:
    performance: {max_dd_max: -0.2, sharpe_min: "1"}
selection:
  gates:
    all:
      - {metric: sharpee, min: 1}
      - sharpe > 1 and foo > 2
  hysteresis: {exit_gates: "max_drawdown <= 0.2"}
  top_k: {k: 3, per_side: {long: 4}}
default_profile_by_stage: {live: lve}
"""
    assert [(fault.path, fault.line, fault.column) for fault in faults_of(text)] == [
        ("selectoin", 2, 1),
        ("schedule.timezone", 3, 33),
        ("validation_profiles.paper.performance.max_dd_max", 6, 31),
        ("validation_profiles.paper.performance.sharpe_min", 6, 49),
        ("selection.gates.all[0].metric", 10, 18),
        ("selection.gates.all[1]", 11, 24),
        ("selection.hysteresis.exit_gates", 12, 28),
        ("selection.top_k.per_side.long", 13, 34),
        ("default_profile_by_stage.live", 14, 34),
    ]


def test_what_rests_on_a_faulty_value_is_not_blamed() -> None:
    (fault,) = faults_of(selection("top_k: {k: ten, per_side: {long: 8}}"))
    assert fault.path == "selection.top_k.k"


def test_a_pointer_escapes_its_parts() -> None:
    with pytest.raises(PolicyRefused) as refusal:
        policy_from_document({"selection": {"gates": {"all": ["sharpe > 1", "x/y~ > 1"]}}, "a/b~c": 1})
    assert {fault.pointer for fault in refusal.value.faults} == {"/selection/gates/all/1", "/a~1b~0c"}


def test_a_document_without_text_has_faults_without_lines() -> None:
    with pytest.raises(PolicyRefused) as refusal:
        policy_from_document({"version": 3})
    (fault,) = refusal.value.faults
    assert (fault.path, fault.line, fault.column) == ("version", None, None)


def test_a_refusal_reads_as_one_line_per_fault() -> None:
    with pytest.raises(PolicyRefused) as refusal:
        load_policy("selectoin: {}\nversion: 2", media="yaml")
    assert (
        str(refusal.value).splitlines()[0] == "selectoin: unknown key; nearest: selection (line 1, column 1)"
    )


ALLOWED = [
    "gates: 'sharpe >= 1.5', hysteresis: {exit_gates: 'sharpe >= 1.5'}",
    "gates: 'sharpe >= 1.5', hysteresis: {exit_gates: 'sharpe >= 1'}",
    # Another window is another figure; a metric that only the exit gates bound is a rule of its own.
    "gates: '28d.sharpe >= 1.5', hysteresis: {exit_gates: 'sharpe >= 2'}",
    "gates: 'sharpe >= 1.5', hysteresis: {exit_gates: '7d.total_return >= -0.05'}",
    # What the other terms of the entry gates ask of the metric is not followed.
    "gates: 'sharpe >= 1 and (sharpe >= 2 or cagr > 1)', hysteresis: {exit_gates: 'sharpe >= 1.5'}",
    "gates: 'sharpe >= 1.5', hysteresis: {exit_gates: 'sharpe >= 2 or cagr > 0'}",
    "gates: 'sharpe == 1'",
    "gates: 'max_drawdown <= 0 and max_drawdown >= -0.2'",
    "gates: null",
]


@pytest.mark.parametrize("text", ALLOWED)
def test_what_is_not_provably_wrong_is_allowed(text: str) -> None:
    load_policy(selection(text), media="yaml")
