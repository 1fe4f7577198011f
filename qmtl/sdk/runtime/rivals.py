"""One runner trades a strategy: who else holds its gate with its code trades it too, from an account of its own.

The lock on the state folder keeps a second one out on the same machine; this asks the service about all others, at the
start and each time that a lease is taken anew: who was stopped past his lease may have been replaced meanwhile.
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


class Place:
    """A runner's own, as the one that trades a strategy in a world.

    Whoever has a valid lease keeps the place. Of several that take one at once, as when all were asleep, the earliest
    does: the service gives leases of a world one after the other, and each asks for the others' after it has its own, so
    that no two can miss each other.
    """

    def __init__(self, client: Client, world_id: str, strategy_id: str, client_id: str) -> None:
        self.client, self.world_id = client, world_id
        self.strategy_id, self.client_id = strategy_id, client_id
        self.since: datetime | None = None
        """When its lease was given; None where that is not known, as when the answer was lost on its way."""
        self.is_lost = False
        """Whether somebody else has its very name."""

    def wait_for(self, *, say: Callable[[str], None], stop: threading.Event) -> None:
        """StrategyError where another runner of it lives. One that was killed holds its lease a while, and is waited
        for."""
        found = self._others()
        if not found:
            return
        leases = {each.client_id: each.lease_until for each in found}
        say(
            f"{found[0].client_id} holds the gate of {self.strategy_id}: is it there? "
            f"(at most until {found[0].lease_until})"
        )
        until = time.monotonic() + LONGEST_LEASE
        while found and time.monotonic() < until and not stop.wait(LOOK_EVERY):
            found = self._others()
            if any(leases.get(each.client_id) != each.lease_until for each in found):  # its heart beats
                break
        if found:
            raise second(self.strategy_id, found[0])

    def still_free(self) -> None:
        """Before a lease is taken anew: StrategyError where somebody else has taken the place meanwhile, be it under the
        same name."""
        for each in self._holders():
            if each.client_id != self.client_id:
                raise second(self.strategy_id, each)
            if self.since is not None and each.registered_at != self.since:
                self.is_lost = True
                raise namesake(self.strategy_id, each)
        self.since = None

    def taken(self) -> None:
        """After a lease was given, before anything opens by it: StrategyError where an earlier one is there."""
        found = self._holders()
        own = next((each for each in found if each.client_id == self.client_id), None)
        others = [each for each in found if each.client_id != self.client_id]
        earlier = min(others, key=age, default=None)
        if earlier is not None and (own is None or age(earlier) < age(own)):
            raise second(self.strategy_id, earlier)
        self.since = own.registered_at if own is not None else None

    def _holders(self) -> list[GateClient]:
        return holders_of(self.client, self.world_id, self.strategy_id)

    def _others(self) -> list[GateClient]:
        return [each for each in self._holders() if each.client_id != self.client_id]


def rivals_of(client: Client, world_id: str, strategy_id: str, client_id: str) -> list[GateClient]:
    """Others with a valid lease on its gate, who run its code."""
    return [each for each in holders_of(client, world_id, strategy_id) if each.client_id != client_id]


def holders_of(client: Client, world_id: str, strategy_id: str) -> list[GateClient]:
    """All with a valid lease on its gate; who tells no code only executes orders for it."""
    return [
        each
        for each in client.gates(world_id, strategy_id=strategy_id, live=True, limit=500)
        if any(held.get("id") == strategy_id and held.get("code_hash") for held in each.strategies)
    ]


def age(each: GateClient) -> tuple[datetime | None, str]:
    return each.registered_at, each.client_id


def second(strategy_id: str, other: GateClient) -> StrategyError:
    return StrategyError(
        f"another runner ({other.client_id}, since {other.registered_at}) trades {strategy_id} already: stop it first, "
        "a second one would trade everything twice; or revoke its gate, where it must not go on, and start again"
    )


def namesake(strategy_id: str, other: GateClient) -> StrategyError:
    return StrategyError(
        f"another runner has taken the name of this one ({other.client_id}, since {other.registered_at}) and trades "
        f"{strategy_id}: a state folder that was copied makes two of one name; run one of them, or give each a "
        "client_id of its own"
    )
