"""Reads of applies, gate clients and edges."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from qmtl_site.http.refusals import NotFound
from strategies.domain.plans import Plan
from strategies.models import Apply, ApplyAck, EdgeOverride, GateClient, GateHold
from strategies.selectors.asked import silent_holders


def applies_of(world_id: str) -> QuerySet[Apply]:
    return Apply.objects.filter(world_id=world_id)


def get_apply(world_id: str, run_id: str) -> Apply:
    found = applies_of(world_id).filter(run_id=run_id).first()
    if found is None:
        raise NotFound(f"World {world_id} has no apply {run_id}")
    return found


def apply_summary(apply: Apply) -> dict[str, Any]:
    plan = Plan.read(apply.plan)
    return {
        "world_id": apply.world_id,
        "run_id": apply.run_id,
        "phase": apply.phase,
        "epoch": list(apply.epoch),
        "plan": {
            "activate": [each.strategy_id for each in plan.openings],
            "deactivate": [each.strategy_id for each in plan.closings],
        },
        "decision_id": apply.decision_id or None,
        "policy_version": apply.policy_version,
        "requested_by": apply.actor,
        "reason": apply.reason,
        "outcome": apply.outcome,
        "created_at": apply.created_at,
        "phase_since": apply.phase_since,
        "deadline": apply.deadline,
        "settled_at": apply.settled_at,
    }


def apply_document(apply: Apply) -> dict[str, Any]:
    """With who was asked and who has answered, in each phase that asks."""
    acks = ApplyAck.objects.filter(apply=apply).select_related("client").order_by("at", "id")
    told = [
        {"client_id": ack.client.client_id, "phase": ack.phase, "sequence": ack.sequence, "at": ack.at}
        for ack in acks
    ]
    return {
        **apply_summary(apply),
        "freeze_sequence": apply.freeze_sequence,
        "unfreeze_sequence": apply.unfreeze_sequence,
        "acks": told,
        "waiting_for": waiting_for(apply),
    }


def waiting_for(apply: Apply) -> list[str]:
    """Clients with a valid lease on a gate that is to open, who have not acknowledged the present phase."""
    if apply.phase not in {"freeze", "unfreeze"}:
        return []
    return [each.client_id for each in silent_holders(apply.pk)]


def gate_clients_of(world_id: str) -> QuerySet[GateClient]:
    return GateClient.objects.filter(world_id=world_id).select_related("user").prefetch_related("holds")


def holding(rows: QuerySet[GateClient], strategy_id: str) -> QuerySet[GateClient]:
    """Those that hold, or held, the gate of a strategy."""
    return rows.filter(Exists(GateHold.objects.filter(client=OuterRef("pk"), strategy=strategy_id)))


def leased(rows: QuerySet[GateClient], *, is_live: bool) -> QuerySet[GateClient]:
    """Those with a valid lease by the database's clock, or those without one."""
    valid = Q(revoked_at=None, lease_until__gt=Now())
    return rows.filter(valid) if is_live else rows.exclude(valid)


def get_client(world_id: str, client_id: str) -> GateClient:
    rows = gate_clients_of(world_id).filter(client_id=client_id)
    found = rows.filter(revoked_at=None).first() or rows.order_by("-id").first()
    if found is None:
        raise NotFound(f"World {world_id} has no gate client {client_id}")
    return found


def client_document(client: GateClient) -> dict[str, Any]:
    held = sorted(client.holds.all(), key=lambda hold: hold.strategy_id)
    return {
        "world_id": client.world_id,
        "client_id": client.client_id,
        "user": client.user.username,
        "executor": client.executor,
        "strategies": [{"id": hold.strategy_id, "code_hash": hold.code_hash or None} for hold in held],
        "registered_at": client.registered_at,
        "lease_until": client.lease_until,
        "holds_lease": client.revoked_at is None and client.lease_until > timezone.now(),
        "revoked_at": client.revoked_at,
        "revoked_reason": client.revoked_reason,
    }


def edges_of(world_id: str) -> list[dict[str, Any]]:
    rows = EdgeOverride.objects.filter(world_id=world_id).order_by("src_node", "dst_node")
    return [edge_document(row) for row in rows]


def edge_document(row: EdgeOverride) -> dict[str, Any]:
    return {
        "src_node": row.src_node,
        "dst_node": row.dst_node,
        "active": row.active,
        "reason": row.reason,
        "changed_by": row.changed_by,
        "changed_at": row.changed_at,
    }
