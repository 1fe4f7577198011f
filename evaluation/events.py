"""What happened to a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qmtl_site.outbox.events import Event


@dataclass(frozen=True, kw_only=True)
class RunEvent(Event):
    type: ClassVar[str] = ""
    world_id: str
    strategy_id: str
    run_id: str
    stage: str
    status: str

    @property
    def subject(self) -> str:
        return f"{self.strategy_id}/{self.run_id}"


@dataclass(frozen=True, kw_only=True)
class RunCreated(RunEvent):
    type: ClassVar[str] = "evaluation_run.created"


@dataclass(frozen=True, kw_only=True)
class RunUpdated(RunEvent):
    type: ClassVar[str] = "evaluation_run.updated"
    before: str
    reason: str = ""
    verdict: str | None = None
    recommended_stage: str | None = None
