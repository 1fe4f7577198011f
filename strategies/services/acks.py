"""What holders of gates say that they have seen of an apply."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from psycopg.rows import namedtuple_row

from qmtl_site.audit.actor import Actor
from qmtl_site.database import native_cursor
from qmtl_site.http.refusals import NotFound
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import CHANNEL
from strategies.errors import StaleAck
from strategies.selectors.asked import HOW_MANY
from strategies.selectors.tallies import ACK_SECONDS
from strategies.services.gates import Claim, hash_of

# Everybody answers at once, so these few statements are what an apply waits for. The lock puts answers in a row:
# the last one sees all others, and wakes the driver.
ASKED = """
SELECT id, phase, phase_since, ARRAY[incarnation, number] AS epoch, freeze_sequence, unfreeze_sequence
FROM strategies_apply WHERE world_id = %s AND run_id = %s FOR NO KEY UPDATE
"""
HOLDING = """
SELECT c.id, c.secret_hash, opened.held, opened.frozen_at,
       (SELECT k.sequence FROM strategies_applyack k
        WHERE k.apply_id = %(apply)s AND k.client_id = c.id AND k.phase = %(phase)s) AS known
FROM strategies_gateclient c CROSS JOIN LATERAL (
    SELECT count(*) AS held, max((
        SELECT g.sequence FROM strategies_binding b JOIN strategies_activation g ON g.binding_id = b.id
        WHERE b.world_id = c.world_id AND b.strategy_id = h.strategy_id
          AND g.incarnation = a.incarnation AND g.number = a.number AND g.freeze)) AS frozen_at
    FROM strategies_apply a
    CROSS JOIN LATERAL jsonb_to_recordset(a.plan -> 'openings') AS o (strategy_id text)
    JOIN strategies_gatehold h ON h.client_id = c.id AND h.strategy_id = o.strategy_id
    WHERE a.id = %(apply)s
) opened
WHERE c.world_id = %(world)s AND c.client_id = %(client)s AND c.revoked_at IS NULL AND c.lease_until > now()
  AND c.user_id = %(user)s AND c.token_digest = %(token)s
"""
KEEP = """
INSERT INTO strategies_applyack (apply_id, client_id, phase, sequence, at)
VALUES (%(apply)s, %(client)s, %(phase)s, %(sequence)s, clock_timestamp())
RETURNING EXTRACT(EPOCH FROM at - %(since)s)::float8
"""
WAKE = f"SELECT pg_notify(%(channel)s, %(world)s) WHERE ({HOW_MANY} = %(apply)s) = 0"


@dataclass(frozen=True)
class Receipt(Claim):
    """What a client says that it has seen."""

    phase: str
    sequence: int
    epoch: tuple[int, int]


@use_case
def acknowledge(*, world_id: str, run_id: str, receipt: Receipt, actor: Actor) -> int:
    """A gate client has seen a phase of an apply, up to this sequence; the same word twice is one, the first.

    StaleAck for another apply, phase, epoch or client, a lower sequence, or a lease that has run out or does not hold
    what the apply opens.
    """
    with native_cursor(namedtuple_row) as cursor:
        apply = cursor.execute(ASKED, [world_id, run_id]).fetchone()
        if apply is None:
            raise NotFound(f"World {world_id} has no apply {run_id}")
        given = {
            "apply": apply.id,
            "world": world_id,
            "client": receipt.client_id,
            "phase": receipt.phase,
            "user": actor.user_id or 0,
            "token": receipt.token_digest,
        }
        client = known_holder(cursor.execute(HOLDING, given).fetchone(), receipt, world_id, run_id)
        if list(receipt.epoch) != apply.epoch:
            raise StaleAck(f"Apply {run_id} has epoch {apply.epoch}, not {list(receipt.epoch)}")
        refuse_earlier(apply, client, receipt, run_id)
        if client.known is not None:
            return int(client.known)
        if apply.phase != receipt.phase:
            raise StaleAck(f"Apply {run_id} is in {apply.phase}")
        given |= {
            "client": client.id,
            "sequence": receipt.sequence,
            "since": apply.phase_since,
            "channel": CHANNEL,
        }
        ((seconds,),) = cursor.execute(KEEP, given).fetchall()
        cursor.execute(WAKE, given)
    transaction.on_commit(partial(ACK_SECONDS.observe, max(seconds, 0.0), receipt.phase))
    return receipt.sequence


def known_holder(client: Any, receipt: Receipt, world_id: str, run_id: str) -> Any:
    """StaleAck without a valid lease of that secret, user and token, or on nothing that this apply opens."""
    if client is None or not hmac.compare_digest(client.secret_hash, hash_of(receipt.secret)):
        raise StaleAck(f"{receipt.client_id} holds no such lease in {world_id}")
    if not client.held:
        raise StaleAck(f"{receipt.client_id} holds no gate that apply {run_id} opens")
    return client


def refuse_earlier(apply: Any, client: Any, receipt: Receipt, run_id: str) -> None:
    """What he must have seen: in the freeze the last of his own gates frozen, afterwards the phase itself."""
    asked_at = apply.unfreeze_sequence
    if receipt.phase == "freeze":
        asked_at = client.frozen_at or apply.freeze_sequence
    if client.known is not None:
        asked_at = client.known
    if asked_at is None:
        raise StaleAck(f"Apply {run_id} is in {apply.phase}")
    if receipt.sequence < asked_at:
        raise StaleAck(f"Apply {run_id} asked at sequence {asked_at}; {receipt.sequence} came before it")
