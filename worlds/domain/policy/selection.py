"""The `selection` section: who may go live, in which order, and how many together."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from worlds.domain.expression import parse_expression
from worlds.domain.policy.durations import AnyDuration, CountOrDuration, Duration, SomeDuration
from worlds.domain.policy.expressions import Gate, Score
from worlds.domain.policy.sections import CountFromOne, NotNegative, Number, Positive, Section

Side: TypeAlias = Literal["long", "short", "both"]


class Correlation(Section):
    """Strategies that move together are not live together."""

    max: Number = Field(default=0.8, ge=-1, le=1)
    """Two strategies above it count as one group."""
    max_per_group: CountFromOne = 1
    """How many of a group may be live."""
    absolute: bool = False
    """Compare the size of the correlation; then `max` is 0..1."""
    window: SomeDuration | None = Field(default=Duration.parse("60d"), validate_default=True)
    """The part of the records that is compared; null: all of them."""
    min_overlap: int = Field(default=20, ge=2, le=1_000_000)
    """With fewer common points the correlation is unknown."""


class Exposure(Section):
    """Bounds of the proposed portfolio; a null bound is off."""

    max_gross: Positive | None = 1.0
    """Largest sum of the weights."""
    max_weight: Positive | None = 1.0
    """Largest weight of one strategy."""
    max_per_family: Positive | None = 1.0
    """Largest sum of the weights of one family."""


class TopK(Section):
    """How many may be live."""

    k: int = Field(default=5, ge=1, le=10_000)
    """Largest number of live strategies."""
    per_side: dict[Side, int] = Field(default_factory=dict)
    """Largest number per side (long, short, both), each 0..k."""
    refill: bool = True
    """false: only the best k are looked at; those that a constraint drops are not replaced."""


class Hysteresis(Section):
    """What keeps strategies from going on and off around a bound."""

    promote_after: CountOrDuration = 1
    """Passes in a row before a promotion, or how long they must go on."""
    demote_after: CountOrDuration = 1
    """Failures in a row before a demotion, or how long they must go on."""
    min_dwell: AnyDuration = Duration.parse("0s")
    """Least stay in a state."""
    exit_gates: Gate | None = None
    """What a live strategy must keep; null: the entry gates. Never stricter than these."""
    swap_margin: NotNegative = 0.0
    """Added to the score of those who are live."""


class Weights(Section):
    """How the capital is divided among the live ones."""

    method: Literal["equal", "score", "inverse_volatility", "risk_parity", "hrp"] = "equal"


class Selection(Section):
    """Absent, or without gates: nothing is ever promoted."""

    gates: Gate | None = None
    """What a candidate must pass; null promotes nothing."""
    score: Score = Field(default=parse_expression("sharpe", kind="score"))
    """The order of those who pass, the highest first."""
    correlation: Correlation | None = None
    exposure: Exposure | None = None
    top_k: TopK | None = None
    hysteresis: Hysteresis = Hysteresis()
    weights: Weights = Weights()
