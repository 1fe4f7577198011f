"""The accounts of a run: on paper and behind the gate, as they were saved, or new with the world's capital."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from qmtl.brokers import Broker
from qmtl.client import Client
from qmtl.client.documents import World
from qmtl.sdk.runtime import brokers
from qmtl.sdk.runtime.desk import Desk
from qmtl.sdk.runtime.gatekeeper import GateKeeper

DEFAULT_CAPITAL = 1_000_000


class Accounts:
    """`saved`: states of desks by mode."""

    def __init__(
        self,
        client: Client,
        world: World,
        keeper: GateKeeper,
        *,
        strategy_id: str,
        symbols: tuple[str, ...],
        saved: Mapping[str, Any],
    ) -> None:
        self.client, self.world, self.keeper = client, world, keeper
        self.strategy_id, self.symbols, self.saved = strategy_id, symbols, saved
        self.settings = broker_settings(world)

    @property
    def capital(self) -> Decimal:
        return Decimal(str(self.world.reference_capital or DEFAULT_CAPITAL))

    def paper(self) -> Desk:
        return self._desk(brokers.paper_broker(self.settings, cash=self.capital))

    def live(self) -> Desk:
        """At the world's broker, which may be a simulation too. BrokerError, Refused where it cannot be reached."""
        broker = brokers.live_broker(
            self.client,
            self.settings,
            self.keeper,
            strategy_id=self.strategy_id,
            symbols=self.symbols,
            cash=self.capital,
        )
        return self._desk(broker)

    def _desk(self, broker: Broker) -> Desk:
        made = Desk(
            world_id=self.world.id,
            strategy_id=self.strategy_id,
            symbols=self.symbols,
            broker=broker,
            capital=self.capital,
            gate=self.keeper if broker.mode == "live" else None,
            round_qty=brokers.lots_of(broker),
        )
        if state := self.saved.get(broker.mode):
            made.load(state)
        return made


def broker_settings(world: World) -> dict[str, Any]:
    return dict(world.raw.get("broker") or {"kind": "paper"})
