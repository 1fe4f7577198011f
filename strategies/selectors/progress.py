"""How far an apply has come: when it entered its phases, whom it asked and who has answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet
from django.db.models.functions import Now

from qmtl_site.audit.models import AuditEntry
from strategies.domain.plans import Plan
from strategies.models import Apply, ApplyAck, GateClient

ASKING = ("freeze", "unfreeze")


@dataclass
class Heard:
    """A gate client that was asked: which gates of the plan it holds, and when it answered in which phase."""

    client: GateClient
    strategies: Sequence[str]
    at: dict[str, datetime] = field(default_factory=dict)
    is_waited_for: bool = False


def entered_phases(apply: Apply) -> dict[str, datetime]:
    """When it entered each phase, as the audit has it; in order."""
    rows = AuditEntry.objects.filter(
        object_type="apply", object_id=f"{apply.world_id}/{apply.run_id}", stream=apply.world_id
    )
    found = rows.order_by("sequence").values_list("action", "at")
    return {action.partition(".")[2]: at for action, at in found}


def heard_clients(apply: Apply) -> list[Heard]:
    """Who was asked, as far as it is known: who answered, who is waited for, and who lost his lease by silence."""
    names = {each.strategy_id for each in Plan.read(apply.plan).openings}
    acks = list(ApplyAck.objects.filter(apply=apply).order_by("at", "id"))
    waited = waited_for(apply, names)
    rows = GateClient.objects.filter(pk__in=waited | {ack.client_id for ack in acks}) | silenced(apply)
    heard = {
        client.pk: Heard(
            client,
            sorted(h.strategy_id for h in client.holds.all() if h.strategy_id in names),
            is_waited_for=client.pk in waited,
        )
        for client in rows.order_by("client_id", "id").prefetch_related("holds")
    }
    for ack in acks:
        heard[ack.client_id].at[ack.phase] = ack.at
    return list(heard.values())


def waited_for(apply: Apply, names: set[str]) -> set[int]:
    """Who holds a gate that is to open, by a valid lease, and has not answered the present phase."""
    if apply.phase not in ASKING:
        return set()
    rows = GateClient.objects.filter(
        world=apply.world_id, revoked_at=None, lease_until__gt=Now(), holds__strategy__in=names
    ).exclude(acks__in=ApplyAck.objects.filter(apply=apply, phase=apply.phase))
    return set(rows.values_list("pk", flat=True))


def silenced(apply: Apply) -> QuerySet[GateClient]:
    """Whose lease was revoked because they did not answer this apply; the reason is the driver's."""
    return GateClient.objects.filter(
        world=apply.world_id, revoked_reason=f"silent in the freeze of {apply.run_id}"[:500]
    )
