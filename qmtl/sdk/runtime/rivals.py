"""One runner trades a strategy: who else holds its gate with its code trades it too, from an account of its own.

The lock on the state folder keeps a second one out on the same machine; this asks the service about all others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from qmtl.client import Client
from qmtl.client.documents import GateClient
from qmtl.sdk.errors import StrategyError

LOOK_EVERY = 0.5
LONGEST_LEASE = 60.0
"""Seconds that a runner that was killed is waited for, if its lease does not end before."""


def refuse_second(
    client: Client,
    world_id: str,
    strategy_id: str,
    client_id: str,
    *,
    say: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """StrategyError where another runner of it lives. One that was killed holds its lease a while, and is waited for."""
    found = rivals_of(client, world_id, strategy_id, client_id)
    if not found:
        return
    leases = {each.client_id: each.lease_until for each in found}
    say(
        f"{found[0].client_id} holds the gate of {strategy_id}: is it there? (at most until {found[0].lease_until})"
    )
    until = time.monotonic() + LONGEST_LEASE
    while found and time.monotonic() < until and not stop.wait(LOOK_EVERY):
        found = rivals_of(client, world_id, strategy_id, client_id)
        if any(leases.get(each.client_id) != each.lease_until for each in found):  # its heart beats
            break
    if found:
        raise second(strategy_id, found[0])


def refuse_later(client: Client, world_id: str, strategy_id: str, client_id: str) -> None:
    """Of two that registered at once, the later one gives way."""
    others = rivals_of(client, world_id, strategy_id, client_id)
    if not others:
        return
    own = client.gate(world_id, client_id)
    if (earlier := min(others, key=age)) and age(earlier) < age(own):
        raise second(strategy_id, earlier)


def rivals_of(client: Client, world_id: str, strategy_id: str, client_id: str) -> list[GateClient]:
    """Others with a valid lease on its gate; who tells no code only executes orders for it."""
    return [
        each
        for each in client.gates(world_id, limit=500)
        if each.holds_lease
        and each.client_id != client_id
        and any(held.get("id") == strategy_id and held.get("code_hash") for held in each.strategies)
    ]


def age(each: GateClient) -> tuple[datetime | None, str]:
    return each.registered_at, each.client_id


def second(strategy_id: str, other: GateClient) -> StrategyError:
    return StrategyError(
        f"another runner ({other.client_id}, since {other.registered_at}) trades {strategy_id} already: stop it first, "
        "a second one would trade everything twice; or revoke its gate, where it must not go on, and start again"
    )
