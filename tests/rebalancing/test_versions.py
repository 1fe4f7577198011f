"""Both compatibility flags, with every version that may be asked for, at every endpoint that plans."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancing.models import PlanRecord, Proposal
from rebalancing.services import propose_after_switch
from tests.api import ApiClient, body
from tests.problem import nothing_written, pointer, refusal
from tests.rebalancing.conftest import asked, events_of
from tests.rebalancing.test_allocations import said
from tests.rebalancing.test_proposals import switching  # noqa: F401

NEWER = {"alpha_metrics", "rebalance_intent"}
PLANNING = ["/rebalancing/plan", "/rebalancing/apply"]
each_planning = pytest.mark.parametrize("path", PLANNING)


@each_planning
@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("compat", [False, True])
@pytest.mark.parametrize("version", [None, 1, 2, 3, 1_000_000])
def test_the_version_is_the_lesser_of_asked_and_supported_or_too_low(
    desk: ApiClient, settings: Any, path: str, compat: bool, required: bool, version: int | None
) -> None:
    settings.COMPAT_REBALANCE_V2, settings.ALPHA_METRICS_REQUIRED = compat, required
    fields = {} if version is None else {"schema_version": version}
    fields |= {"run_id": "r1"} if path.endswith("apply") else {}
    answer = desk.post(path, asked(**fields))
    wanted = version or 1
    if required and wanted < 2:
        assert (refusal(answer), pointer(answer)) == ((400, "E_SCHEMA_VERSION_TOO_LOW"), "/schema_version")
        assert not PlanRecord.objects.exists()
        return
    document = body(answer)
    negotiated = min(wanted, 2 if compat else 1)
    assert document["schema_version"] == negotiated
    assert (document["rebalance_schema_version"], document["alpha_metrics_capable"]) == (
        2 if compat else 1,
        compat,
    )
    assert document.keys() & NEWER == (NEWER if negotiated == 2 else set())
    if path.endswith("apply"):
        (told,) = events_of(desk, "alpha", "rebalancing.planned")
        assert told["schema_version"] == negotiated
        assert told.keys() & NEWER == document.keys() & NEWER


@each_planning
@pytest.mark.parametrize(
    "version", [0, -1, 1.0, 1.5, "2", "", None, True, [2], {"v": 2}, 1_000_001, 2**63],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("required", [False, True])
def test_what_is_no_version_is_refused_whatever_the_flags_say(
    desk: ApiClient, settings: Any, path: str, version: Any, required: bool
) -> None:
    settings.ALPHA_METRICS_REQUIRED = required
    with nothing_written():
        answer = desk.post(
            path,
            asked(run_id="r1", schema_version=version)
            if path.endswith("apply")
            else asked(schema_version=version),
        )
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "/schema_version")


def test_a_recorded_plan_keeps_its_version_when_the_flags_change(desk: ApiClient, settings: Any) -> None:
    first = desk.post("/rebalancing/apply", asked(run_id="r1", schema_version=2))
    settings.COMPAT_REBALANCE_V2 = False
    again = desk.post("/rebalancing/apply", asked(run_id="r1", schema_version=2))
    assert (again.status_code, again.content) == (200, first.content)
    done = body(desk.post("/rebalancing/execute", {"run_id": "r1"}))
    assert (done["schema_version"], done["rebalance_schema_version"]) == (2, 2)
    assert events_of(desk, "alpha", "rebalancing.applied")[-1]["schema_version"] == 2


def test_a_recorded_plan_of_version_one_is_still_executed_and_read_where_two_is_required(
    desk: ApiClient, settings: Any
) -> None:
    first = desk.post("/rebalancing/apply", asked(run_id="r1"))
    settings.ALPHA_METRICS_REQUIRED = True
    assert desk.get("/rebalancing/runs/r1").content == first.content
    assert body(desk.post("/rebalancing/execute", {"run_id": "r1"}))["schema_version"] == 1


@pytest.mark.parametrize("compat", [False, True])
@pytest.mark.parametrize("required", [False, True])
def test_allocations_that_are_executed_are_planned_whatever_the_flags_say(
    desk: ApiClient, settings: Any, compat: bool, required: bool
) -> None:
    settings.COMPAT_REBALANCE_V2, settings.ALPHA_METRICS_REQUIRED = compat, required
    desk.post("/allocations", said(run_id="a1"))
    moved = said(run_id="a2", world_allocations={"alpha": 0.2, "beta": 0.3}, execute=True)
    answer = desk.post("/allocations", moved)
    assert answer.status_code == 201, answer.content
    assert body(answer)["execution"]["schema_version"] == (2 if compat and required else 1)
    refused = desk.post("/allocations", moved | {"run_id": "a3", "schema_version": 1})
    assert refused.status_code == (400 if required else 201)


@pytest.mark.parametrize("compat", [False, True])
@pytest.mark.parametrize("required", [False, True])
def test_a_proposal_is_made_whatever_the_flags_say(
    switching: ApiClient,  # noqa: F811
    settings: Any,
    compat: bool,
    required: bool,
) -> None:
    settings.COMPAT_REBALANCE_V2, settings.ALPHA_METRICS_REQUIRED = compat, required
    assert propose_after_switch(world_id="alpha", run_id="x") is not None
    (told,) = events_of(switching, "alpha", "rebalancing.planned")
    assert (told["origin"], told["schema_version"]) == ("promotion", 2 if compat else 1)
    assert Proposal.objects.count() == 1


@pytest.mark.parametrize("compat", [False, True])
def test_health_says_what_is_supported(root: ApiClient, settings: Any, compat: bool) -> None:
    settings.COMPAT_REBALANCE_V2 = compat
    found = body(root.get("/health"))
    assert (found["rebalance_schema_version"], found["alpha_metrics_capable"]) == (2 if compat else 1, compat)
