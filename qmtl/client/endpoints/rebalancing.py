"""Allocations and rebalancing. The newest schema is asked for first, the older one where it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qmtl.client.calls import Call, Negotiated, get, given, send
from qmtl.client.documents import Allocations, RebalancePlan
from qmtl.client.endpoints.endpoint import endpoint

SCHEMA_VERSIONS = (2, 1)


class RebalancingEndpoints:
    @endpoint
    def allocations(self, *, world_id: str | None = None) -> Call[Allocations]:
        return get("/allocations", Allocations, query=given(world_id=world_id))

    @endpoint
    def set_allocations(self, allocations: Mapping[str, Any]) -> Call[dict[str, Any]]:
        """`{run_id, total_equity, world_allocations, positions, ...}`; once per run_id."""
        return send("POST", "/allocations", dict[str, Any], body=allocations, repeatable=True)

    @endpoint
    def rebalance_plan(self, request: Mapping[str, Any]) -> Negotiated[RebalancePlan]:
        """What would be traded; no side effect. A `schema_version` in the request is taken as it is."""
        return negotiated("/rebalancing/plan", request)

    @endpoint
    def rebalance_apply(self, request: Mapping[str, Any]) -> Negotiated[RebalancePlan]:
        """Record the approved plan under its `run_id`."""
        return negotiated("/rebalancing/apply", request)

    @endpoint
    def rebalance_run(self, run_id: str) -> Call[RebalancePlan]:
        """A recorded plan, with what became of its orders."""
        return get("/rebalancing/runs/{run_id}", RebalancePlan, run_id=run_id)

    @endpoint
    def allocators(self, world_id: str) -> Call[dict[str, Any]]:
        """What each allocator would give the world's strategies, with its risk, turnover and cost."""
        return get("/worlds/{world_id}/allocators", dict[str, Any], world_id=world_id)

    @endpoint
    def rebalance_execute(
        self, /, run_id: str, *, dry_run: bool = False, **fields: Any
    ) -> Call[dict[str, Any]]:
        """Carry out a recorded plan; repeated, nothing is filled twice."""
        body = given(run_id=run_id, dry_run=dry_run or None, **fields)
        return send("POST", "/rebalancing/execute", dict[str, Any], body=body, repeatable=True)


def negotiated(path: str, request: Mapping[str, Any]) -> Negotiated[RebalancePlan]:
    asked = [request["schema_version"]] if "schema_version" in request else SCHEMA_VERSIONS
    return Negotiated(
        [
            send("POST", path, RebalancePlan, body={**request, "schema_version": version}, repeatable=True)
            for version in asked
        ]
    )
