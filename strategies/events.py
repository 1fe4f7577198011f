"""What happened to a strategy or its binding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qmtl_site.outbox.events import Event


@dataclass(frozen=True, kw_only=True)
class StrategyRegistered(Event):
    type: ClassVar[str] = "strategy.registered"
    strategy_id: str
    version: int
    owner: str

    @property
    def subject(self) -> str:
        return self.strategy_id


@dataclass(frozen=True, kw_only=True)
class StrategyUpdated(Event):
    type: ClassVar[str] = "strategy.updated"
    strategy_id: str
    version: int
    fields: list[str]

    @property
    def subject(self) -> str:
        return self.strategy_id


@dataclass(frozen=True, kw_only=True)
class BindingStateChanged(Event):
    type: ClassVar[str] = "binding.state_changed"
    world_id: str
    strategy_id: str
    before: str | None
    after: str
    reason: str

    @property
    def subject(self) -> str:
        return self.strategy_id
