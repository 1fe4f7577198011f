"""The labelled scenario sets that ship with the project (`evaluation/scenarios`)."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from evaluation.domain.figures import flatten
from evaluation.domain.policy_diff import Scenario
from qmtl_site.http.refusals import Invalid
from worlds.domain.policy import Policy, load_policy

SCENARIO_SETS = ("good", "borderline", "bad", "known_bad")
ALL = "all"
FOLDER = Path(__file__).parents[1] / "scenarios"
NO_BLOCK = frozenset({"name", "about", "stage", "expect"})


def scenarios_named(names: Sequence[str]) -> list[Scenario]:
    """The scenarios of these sets, each once; `all` means every set. An unknown name is refused."""
    for place, name in enumerate(names):
        if name not in {*SCENARIO_SETS, ALL}:
            known = ", ".join(SCENARIO_SETS)
            raise Invalid.at(
                f"/scenarios/{place}",
                f"there is no scenario set {name[:80]!r}; there are {known}, or {ALL}",
                nearest=get_close_matches(name[:80], SCENARIO_SETS),
            )
    wanted = SCENARIO_SETS if ALL in names else [name for name in SCENARIO_SETS if name in names]
    return [scenario for name in wanted for scenario in scenario_set(name)]


@cache
def scenario_set(label: str) -> tuple[Scenario, ...]:
    entries = YAML(typ="safe", pure=True).load((FOLDER / f"{label}.yaml").read_text(encoding="utf-8"))
    return tuple(scenario_of(label, entry) for entry in entries)


def scenario_of(label: str, entry: dict[str, Any]) -> Scenario:
    figures: dict[str, float | None] = {}
    for block, values in entry.items():
        if block not in NO_BLOCK:
            flatten(block, values, figures)
    expect = entry["expect"]
    return Scenario(
        label=label,
        name=entry["name"],
        about=entry["about"],
        stage=entry["stage"],
        figures=figures,
        verdict=expect["verdict"],
        reason=expect["reason"],
    )


@cache
def reference_policy() -> Policy:
    """The policy under which each scenario shows what it is labelled with."""
    return load_policy((FOLDER / "reference_policy.yaml").read_text(encoding="utf-8"), media="yaml")
