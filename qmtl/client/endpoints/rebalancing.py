"""Allocations and rebalancing. The newest schema is asked for first, the older one where it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qmtl.client.calls import Call, Negotiated, Pages, get, given, listed, send
from qmtl.client.documents import Allocations, RebalancePlan
from qmtl.client.endpoints.endpoint import endpoint, paged

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

    @endpoint
    def rebalance_cancel(self, /, run_id: str, *, reason: str, abandon: bool = False) -> Call[dict[str, Any]]:
        """Withdraw a plan that has not begun, or end its execution: nothing more is sent, what was filled stays.

        `abandon`: no runner has its orders any more.
        """
        body = given(run_id=run_id, reason=reason, abandon=abandon or None)
        return send("POST", "/rebalancing/cancel", dict[str, Any], body=body, repeatable=True)

    @paged
    def rebalance_orders(
        self, run_id: str, *, status: str | None = None, limit: int | None = None
    ) -> Pages[dict[str, Any]]:
        """All orders of an execution, in the order in which they are sent."""
        query = given(status=status, limit=limit)
        return listed("/rebalancing/runs/{run_id}/orders", dict[str, Any], query=query, run_id=run_id)

    @endpoint
    def report_orders(
        self, world_id: str, *, client_id: str, lease_secret: str, orders: Sequence[Mapping[str, Any]]
    ) -> Call[dict[str, Any]]:
        """What became of handed orders that are not filled, by their executor: `[{order_id, outcome: not_filled |
        taken_back, reason}]`."""
        body = {"client_id": client_id, "lease_secret": lease_secret, "orders": list(orders)}
        return send(
            "POST", "/worlds/{world_id}/rebalancing/orders", dict[str, Any], body=body, repeatable=True,
            world_id=world_id,
        )  # fmt: skip


def negotiated(path: str, request: Mapping[str, Any]) -> Negotiated[RebalancePlan]:
    asked = [request["schema_version"]] if "schema_version" in request else SCHEMA_VERSIONS
    return Negotiated(
        [
            send("POST", path, RebalancePlan, body={**request, "schema_version": version}, repeatable=True)
            for version in asked
        ]
    )
