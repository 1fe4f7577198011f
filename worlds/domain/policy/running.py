"""How a world is run by: its risk tier, when it is evaluated, how old things may be."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from worlds.domain.policy.cron import Crontab
from worlds.domain.policy.durations import Duration, SomeDuration
from worlds.domain.policy.sections import Section


def _crontab(text: str) -> str:
    try:
        Crontab.parse(text)
    except ValueError as error:
        raise PydanticCustomError("crontab", "{reason}", {"reason": str(error)}) from None
    return text


def _timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ValueError, OSError, LookupError):
        # A key with odd characters raises ValueError, one that is a folder OSError, a missing one KeyError.
        raise PydanticCustomError("timezone", "no such timezone") from None
    return text


class RiskProfile(Section):
    """How much is at stake."""

    tier: Literal["low", "medium", "high"] = "medium"
    """`high`: the dangerous acts need two different people."""
    client_critical: bool = False
    """With tier high: errors and missing metrics always fail."""
    max_capital_at_risk_pct: float | None = Field(default=None, ge=0, le=100)
    """Largest share of the capital at risk, in per cent; recorded, and shown to approvers."""


class Schedule(Section):
    """When the world is evaluated: `every`, or `crontab` with its `timezone`."""

    every: SomeDuration | None = Duration.parse("1d")
    """From one evaluation to the next, at least 1s."""
    crontab: Annotated[str, StringConstraints(max_length=200), AfterValidator(_crontab)] | None = None
    """Five fields; instead of `every`."""
    timezone: Annotated[str, StringConstraints(max_length=64), AfterValidator(_timezone)] | None = None
    """Of the crontab; UTC unless said."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        """A crontab leaves no room for the default of `every`, and brings the default timezone."""
        if not isinstance(data, dict) or data.get("crontab") is None:
            return data
        filled = {"every": None, **data}
        if filled.get("timezone") is None:
            filled["timezone"] = "UTC"
        return filled

    def parsed_crontab(self) -> Crontab | None:
        return None if self.crontab is None else Crontab.parse(self.crontab)


class DataCurrency(Section):
    """How fresh and how long a record must be; a null bound is off."""

    max_lag: SomeDuration | None = None
    """A record whose newest point is older is stale."""
    min_history: SomeDuration | None = None
    """A record that spans less is not judged."""


class DecisionAge(Section):
    """How long a decision is good for."""

    ttl: SomeDuration = Duration.parse("300s")
    """How long a client may cache it."""
    max_age: SomeDuration | None = None
    """An older one is stale and closes gates; null: twice the schedule."""


class Validation(Section):
    """What happens to what cannot be judged."""

    on_error: Literal["fail", "warn"] = "fail"
    """Outcome of a rule that breaks."""
    on_missing_metric: Literal["fail", "warn", "ignore"] = "fail"
    """Outcome where a figure is missing: fail, inconclusive (warn), or not looked at (ignore)."""
