"""Activation, applies, gates and their holders, brokers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from qmtl.client.calls import Call, Pages, get, given, listed, send
from qmtl.client.documents import (
    Ack,
    Activation,
    Activations,
    Apply,
    Edge,
    Edges,
    GateClient,
    Lease,
    Standing,
    StateHash,
)
from qmtl.client.endpoints.endpoint import endpoint, paged

WORLD = "/worlds/{world_id}"
GATE = WORLD + "/gates/{client_id}"


class TradingEndpoints:
    @endpoint
    def activation(
        self, world_id: str, strategy_id: str, *, side: str | None = None, at: datetime | None = None
    ) -> Call[Activation]:
        """The envelope of one strategy now, or as it was; its `etag` serves as `if_match`."""
        query = given(strategy_id=strategy_id, side=side, at=at)
        return get(f"{WORLD}/activation", Activation, query=query, world_id=world_id)

    @endpoint
    def activations(self, world_id: str, *, at: datetime | None = None) -> Call[Activations]:
        """Those of all strategies of a world."""
        return get(f"{WORLD}/activation", Activations, query=given(at=at), world_id=world_id)

    @endpoint
    def set_activation(
        self,
        world_id: str,
        strategy_id: str,
        *,
        reason: str,
        active: bool | None = None,
        weight: float | None = None,
        side: str | None = None,
        if_match: str | None = None,
    ) -> Call[Activation]:
        """Close or re-open the gate of a live strategy, or set its weight. NotLive."""
        body = given(strategy_id=strategy_id, reason=reason, active=active, weight=weight, side=side)
        return send("PUT", f"{WORLD}/activation", Activation, body=body, if_match=if_match, world_id=world_id)

    @endpoint
    def activation_state_hash(self, world_id: str) -> Call[StateHash]:
        """`qmtl.contracts.activation.state_hash` of the world's events must give the same."""
        return get(f"{WORLD}/activation/state_hash", StateHash, world_id=world_id)

    # --- applies ----------------------------------------------------------------------------------------------
    @endpoint
    def apply(
        self,
        world_id: str,
        run_id: str,
        *,
        activate: Sequence[str | Mapping[str, Any]] | None = None,
        deactivate: Sequence[str] | None = None,
        decision_id: str | None = None,
        reason: str | None = None,
    ) -> Call[Apply]:
        """Begin a two-phase apply of a plan, or of the newest decision. `run_id` names the same plan for all time."""
        plan = None
        if activate is not None or deactivate is not None:
            plan = {"activate": list(activate or ()), "deactivate": list(deactivate or ())}
        body = given(run_id=run_id, plan=plan, decision_id=decision_id, reason=reason)
        return send("POST", f"{WORLD}/apply", Apply, body=body, repeatable=True, world_id=world_id)

    @paged
    def applies(self, world_id: str, *, phase: str | None = None, limit: int | None = None) -> Pages[Apply]:
        return listed(f"{WORLD}/applies", Apply, query=given(phase=phase, limit=limit), world_id=world_id)

    @endpoint
    def apply_status(self, world_id: str, run_id: str) -> Call[Apply]:
        return get(f"{WORLD}/applies/{{run_id}}", Apply, world_id=world_id, run_id=run_id)

    @endpoint
    def acknowledge(
        self,
        world_id: str,
        run_id: str,
        *,
        client_id: str,
        lease_secret: str,
        phase: str,
        sequence: int,
        epoch: Sequence[int],
    ) -> Call[Ack]:
        """Say that a phase was seen, as the holder of a gate. StaleAck."""
        body = {
            "client_id": client_id,
            "lease_secret": lease_secret,
            "phase": phase,
            "sequence": sequence,
            "epoch": list(epoch),
        }
        return send(
            "POST",
            f"{WORLD}/applies/{{run_id}}/acks",
            Ack,
            body=body,
            repeatable=True,
            world_id=world_id,
            run_id=run_id,
        )

    # --- gates ------------------------------------------------------------------------------------------------
    @endpoint
    def register_gate(
        self,
        world_id: str,
        client_id: str,
        strategies: Sequence[Mapping[str, Any]],
        *,
        executor: str | None = None,
    ) -> Call[Lease]:
        """A lease on the gates of `[{id, code_hash?}]`; the same client's former one ends."""
        body = given(client_id=client_id, strategies=list(strategies), executor=executor)
        return send("POST", f"{WORLD}/gates", Lease, body=body, repeatable=True, world_id=world_id)

    @paged
    def gates(
        self,
        world_id: str,
        *,
        strategy_id: str | None = None,
        live: bool | None = None,
        limit: int | None = None,
    ) -> Pages[GateClient]:
        """Gate clients, newest first. live: only those with a valid lease by the service's clock, or only others."""
        query = given(strategy_id=strategy_id, live=live, limit=limit)
        return listed(f"{WORLD}/gates", GateClient, query=query, world_id=world_id)

    @endpoint
    def gate(self, world_id: str, client_id: str) -> Call[GateClient]:
        return get(GATE, GateClient, world_id=world_id, client_id=client_id)

    @endpoint
    def revoke_gate(self, world_id: str, client_id: str) -> Call[GateClient]:
        return send("DELETE", GATE, GateClient, world_id=world_id, client_id=client_id)

    @endpoint
    def heartbeat(
        self, world_id: str, client_id: str, *, lease_secret: str, cross_context_cache_hits: int = 0
    ) -> Call[Standing]:
        """Renew a lease. Asked once and briefly: whoever holds gates counts the time himself. GateClosed."""
        body: dict[str, Any] = {"lease_secret": lease_secret}
        if cross_context_cache_hits:
            body["cross_context_cache_hits"] = cross_context_cache_hits
        call = send("POST", f"{GATE}/heartbeat", Standing, body=body, world_id=world_id, client_id=client_id)
        return call.within(5.0, tries=1)

    @endpoint
    def clear_cross_context_hits(self, world_id: str) -> Call[dict[str, Any]]:
        return send(
            "DELETE", f"{WORLD}/cross-context-hits", dict[str, Any], repeatable=True, world_id=world_id
        )

    # --- edges ------------------------------------------------------------------------------------------------
    @endpoint
    def edge_overrides(self, world_id: str) -> Call[Edges]:
        return get(f"{WORLD}/edges/overrides", Edges, world_id=world_id)

    @endpoint
    def override_edge(
        self, world_id: str, src_node: str, dst_node: str, *, active: bool, reason: str
    ) -> Call[Edge]:
        body = {"src_node": src_node, "dst_node": dst_node, "active": active, "reason": reason}
        return send("PUT", f"{WORLD}/edges/overrides", Edge, body=body, repeatable=True, world_id=world_id)

    # --- brokers ----------------------------------------------------------------------------------------------
    @endpoint
    def broker(self, world_id: str) -> Call[dict[str, Any]]:
        """A world's broker settings; secrets are never among them."""
        return get(f"{WORLD}/broker", dict[str, Any], world_id=world_id)

    @endpoint
    def set_broker(
        self, world_id: str, settings: Mapping[str, Any], *, if_match: str | None = None
    ) -> Call[dict[str, Any]]:
        return send(
            "PUT", f"{WORLD}/broker", dict[str, Any], body=settings, if_match=if_match, world_id=world_id
        )

    @endpoint
    def broker_credentials(self, world_id: str, *, client_id: str, lease_secret: str) -> Call[dict[str, Any]]:
        """For the holder of a lease on a live strategy's gate: exchange, options, credentials. Not to be kept."""
        call = get(
            f"{WORLD}/broker/credentials", dict[str, Any], query={"client_id": client_id}, world_id=world_id
        )
        return replace(call, headers={"X-Lease-Secret": lease_secret})
