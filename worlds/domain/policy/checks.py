"""What a well-formed document can still get wrong: parts of it that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from worlds.domain.expression.names import nearest
from worlds.domain.policy.document import Policy
from worlds.domain.policy.faults import Finding, Path
from worlds.domain.policy.gate_checks import findings_in_gates
from worlds.domain.policy.profiles import STAGE_ALIASES


def findings_in(policy: Policy, document: Mapping[str, Any]) -> list[Finding]:
    """All contradictions; `document` is what the policy was made from, for the places inside its gates."""
    return [
        *_schedule(policy),
        *_profiles(policy),
        *_selection(policy),
        *_override(policy),
        *_repetitions(policy),
        *findings_in_gates(policy, document),
    ]


def _schedule(policy: Policy) -> Iterator[Finding]:
    schedule = policy.schedule
    if schedule.every is not None and schedule.crontab is not None:
        message = "every and crontab exclude each other"
        yield Finding(("schedule", "crontab"), message, concerns=(("schedule", "every"),))
    if schedule.every is None and schedule.crontab is None:
        message = "a world needs a schedule: every, or crontab"
        yield Finding(("schedule",), message, concerns=(("schedule", "every"), ("schedule", "crontab")))
    if schedule.timezone is not None and schedule.crontab is None:
        message = "a timezone goes with a crontab only"
        yield Finding(("schedule", "timezone"), message, concerns=(("schedule", "crontab"),))


def _profiles(policy: Policy) -> Iterator[Finding]:
    """A profile that is named must be there; the names of the stages themselves are the default."""
    chosen, known = policy.default_profile_by_stage, list(policy.validation_profiles)
    for stage, alias in STAGE_ALIASES.items():
        name, key = chosen.name_for(stage), chosen.spelling(stage)
        path: Path = ("default_profile_by_stage", key)
        if name is not None and name != stage and name not in known:
            message = f"there is no validation profile {name}"
            concerns: tuple[Path, ...] = (("validation_profiles", name),)
            yield Finding(path, message, tuple(nearest(name, known) or known[:3]), concerns=concerns)
        both = {stage, alias} <= chosen.model_fields_set
        if both and getattr(chosen, alias) not in (None, getattr(chosen, stage)):
            yield Finding(("default_profile_by_stage", alias), f"{alias} and {stage} name different profiles")


def _selection(policy: Policy) -> Iterator[Finding]:
    selection = policy.selection
    if selection is None:
        return
    top_k, correlation = selection.top_k, selection.correlation
    if top_k is not None:
        for side, count in top_k.per_side.items():
            if not 0 <= count <= top_k.k:
                path: Path = ("selection", "top_k", "per_side", side)
                concerns: tuple[Path, ...] = (("selection", "top_k", "k"),)
                yield Finding(path, f"must be within 0 and k = {top_k.k}", concerns=concerns)
    if correlation is not None and correlation.absolute and correlation.max < 0:
        message = "an absolute correlation is never negative"
        concerns = (("selection", "correlation", "absolute"),)
        yield Finding(("selection", "correlation", "max"), message, concerns=concerns)


def _override(policy: Policy) -> Iterator[Finding]:
    override = policy.governance.override
    if override.review_after.delta > override.expires_after.delta:
        message = f"must not be longer than expires_after ({override.expires_after})"
        concerns: tuple[Path, ...] = (("governance", "override", "expires_after"),)
        yield Finding(("governance", "override", "review_after"), message, concerns=concerns)


def _repetitions(policy: Policy) -> Iterator[Finding]:
    lists: list[tuple[Path, Iterable[object]]] = [
        (("governance", "live_promotion", "approvers"), policy.governance.live_promotion.approvers)
    ]
    if policy.live_monitoring is not None:
        lists.append((("live_monitoring", "windows"), policy.live_monitoring.windows))
    if policy.paper_shadow_consistency is not None:
        lists.append((("paper_shadow_consistency", "stages"), policy.paper_shadow_consistency.stages))
    for path, items in lists:
        values = list(items)
        for index, value in enumerate(values):
            if value in values[:index]:
                yield Finding((*path, index), f"{value} is there twice")
