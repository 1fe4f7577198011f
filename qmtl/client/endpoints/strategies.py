"""Strategies, their bindings, and what is reported of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from qmtl.client.calls import Call, Pages, get, given, listed, send
from qmtl.client.documents import (
    Accepted,
    Binding,
    Bindings,
    CommandAnswer,
    Fill,
    PerformancePoint,
    StrategyRecord,
)
from qmtl.client.endpoints.endpoint import endpoint, paged

STRATEGY = "/strategies/{strategy_id}"
BOUND = "/worlds/{world_id}/strategies/{strategy_id}"


class StrategyEndpoints:
    @endpoint
    def register_strategy(self, /, strategy_id: str, **fields: Any) -> Call[StrategyRecord]:
        """A new strategy, yours: name, family, tags, side, model_card, code_hash. StrategyExists."""
        return send("POST", "/strategies", StrategyRecord, body={"id": strategy_id, **fields}, key=True)

    @paged
    def strategies(
        self, *, family: str | None = None, owner: str | None = None, limit: int | None = None
    ) -> Pages[StrategyRecord]:
        """Those that you own or that are bound in your worlds."""
        return listed("/strategies", StrategyRecord, query=given(family=family, owner=owner, limit=limit))

    @endpoint
    def strategy(self, strategy_id: str) -> Call[StrategyRecord]:
        return get(STRATEGY, StrategyRecord, strategy_id=strategy_id)

    @endpoint
    def change_strategy(
        self, /, strategy_id: str, *, if_match: str | None = None, **fields: Any
    ) -> Call[StrategyRecord]:
        """Change it, or register its next version."""
        return send(
            "PATCH", STRATEGY, StrategyRecord, body=fields, if_match=if_match, strategy_id=strategy_id
        )

    @endpoint
    def activate_strategy(self, strategy_id: str, *, world_id: str, reason: str) -> Call[CommandAnswer]:
        """Start it in a world, or send it live, by hand (operator)."""
        body = {"world_id": world_id, "reason": reason}
        return send("POST", f"{STRATEGY}/activate", CommandAnswer, body=body, strategy_id=strategy_id)

    @endpoint
    def deactivate_strategy(self, strategy_id: str, *, world_id: str, reason: str) -> Call[CommandAnswer]:
        body = {"world_id": world_id, "reason": reason}
        return send("POST", f"{STRATEGY}/deactivate", CommandAnswer, body=body, strategy_id=strategy_id)

    # --- bindings ---------------------------------------------------------------------------------------------
    @endpoint
    def bind(self, world_id: str, strategy_ids: Sequence[str]) -> Call[Bindings]:
        return send(
            "POST",
            "/worlds/{world_id}/bindings",
            Bindings,
            body={"strategies": list(strategy_ids)},
            repeatable=True,
            world_id=world_id,
        )

    @paged
    def bindings(
        self, world_id: str, *, state: str | None = None, limit: int | None = None
    ) -> Pages[Binding]:
        """Strategies of a world with their state and latest figures."""
        query = given(state=state, limit=limit)
        return listed("/worlds/{world_id}/bindings", Binding, query=query, world_id=world_id)

    # --- what a runner reports --------------------------------------------------------------------------------
    @endpoint
    def report_performance(
        self,
        world_id: str,
        strategy_id: str,
        records: Sequence[Mapping[str, Any]],
        *,
        mode: str | None = None,
    ) -> Call[Accepted]:
        """`[{ts, return | pnl + equity, trades?}]`; what was told before is a duplicate, not an error. mode: paper or
        live, of the account that earned it; by default the strategy's own by now."""
        return send(
            "POST",
            f"{BOUND}/performance",
            Accepted,
            body={"records": list(records), **given(mode=mode)},
            repeatable=True,
            world_id=world_id,
            strategy_id=strategy_id,
        )

    @paged
    def performance(
        self,
        world_id: str,
        strategy_id: str,
        *,
        mode: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> Pages[PerformancePoint]:
        """What was reported from `start` on and before `end`, newest first."""
        query = {"mode": mode, "from": start, "to": end, "limit": limit}
        return listed(
            f"{BOUND}/performance", PerformancePoint, query=query, world_id=world_id, strategy_id=strategy_id
        )

    @endpoint
    def report_fills(
        self, world_id: str, strategy_id: str, fills: Sequence[Mapping[str, Any]]
    ) -> Call[Accepted]:
        """`[{fill_id, order_id, ts, symbol, venue?, side, qty, price, fee, mode}]`, append-only, once per fill_id."""
        return send(
            "POST",
            f"{BOUND}/fills",
            Accepted,
            body=list(fills),
            repeatable=True,
            world_id=world_id,
            strategy_id=strategy_id,
        )

    @paged
    def fills(
        self, world_id: str, strategy_id: str, *, mode: str | None = None, limit: int | None = None
    ) -> Pages[Fill]:
        query = given(mode=mode, limit=limit)
        return listed(f"{BOUND}/fills", Fill, query=query, world_id=world_id, strategy_id=strategy_id)

    @endpoint
    def nodes(self, world_id: str, strategy_id: str) -> Call[dict[str, Any]]:
        """The node states that its runner reported last."""
        return get(f"{BOUND}/nodes", dict[str, Any], world_id=world_id, strategy_id=strategy_id)

    @endpoint
    def report_nodes(
        self, world_id: str, strategy_id: str, nodes: Sequence[Mapping[str, Any]]
    ) -> Call[dict[str, Any]]:
        return send(
            "PUT",
            f"{BOUND}/nodes",
            dict[str, Any],
            body={"nodes": list(nodes)},
            repeatable=True,
            world_id=world_id,
            strategy_id=strategy_id,
        )
