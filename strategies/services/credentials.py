"""Credentials leave the service only to who holds a gate of a live strategy, and every time it is written down."""

from __future__ import annotations

from typing import Any

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.refusals import Forbidden, NotFound
from qmtl_site.ledger.transactions import use_case
from strategies.models import Binding, GateClient
from strategies.services.gates import Claim, leased
from worlds.models import World
from worlds.selectors import broker_settings
from worlds.services import open_credentials


@use_case
def hand_out_credentials(*, world_id: str, claim: Claim, actor: Actor) -> dict[str, Any]:
    """The broker's settings with its credentials in the clear.

    For whoever holds a valid lease on the gate of a live strategy of a world that allows live trading, and runs no
    other code than the judged one. Its gate may be closed: a halted strategy must still be able to flatten. Forbidden
    for everybody else, NotFound where no credentials are kept.
    """
    client = leased(world_id, claim, actor)
    if client is None:
        raise Forbidden(f"{claim.client_id} holds no such lease in {world_id}: register again")
    if not World.objects.get(pk=world_id).allow_live:
        raise Forbidden(f"World {world_id} does not allow live trading")
    live, foreign = live_holds(client)
    if not live:
        raise Forbidden(f"{claim.client_id} holds no gate of a live strategy")
    if foreign:
        raise Forbidden(f"{', '.join(foreign)}: {claim.client_id} runs other code than the judged one")
    row = broker_settings(world_id)
    if row is None or row.sealed_credentials is None:
        raise NotFound(f"World {world_id} keeps no credentials")
    secrets = open_credentials(row)
    record(
        actor,
        "broker.hand_out",
        object_type="broker",
        object_id=world_id,
        world_id=world_id,
        client_id=client.client_id,
        executor=client.executor,
        strategies=live,
        exchange=row.exchange,
        credentials=row.credentials_fingerprint,
    )
    return {
        "world_id": world_id,
        "kind": row.kind,
        "exchange": row.exchange,
        "sandbox": row.sandbox,
        "options": row.options,
        "credentials": secrets,
        "fingerprint": row.credentials_fingerprint,
    }


def live_holds(client: GateClient) -> tuple[list[str], list[str]]:
    """Live strategies whose gates it holds, and those of them that it runs by other code than the judged one."""
    bound = Binding.objects.filter(
        world=client.world_id, state=Binding.State.LIVE, strategy__in=client.holds.values("strategy")
    )
    runs = dict(client.holds.values_list("strategy_id", "code_hash"))
    judged = dict(bound.order_by("strategy_id").values_list("strategy_id", "judged_code_hash"))
    foreign = [name for name, code in judged.items() if code and runs[name] and runs[name] != code]
    return list(judged), foreign
