"""Allocators beside each other: what each would give, and what that would mean for risk, turnover and cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qmtl.portfolio import Method, weights

METHODS: tuple[Method, ...] = ("equal", "score", "inverse_volatility", "risk_parity", "hrp")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bounds:
    """Of the policy's exposure section; None: off."""

    max_gross: float | None = 1.0
    max_weight: float | None = None
    max_per_family: float | None = None


@dataclass(frozen=True)
class Field:
    """Strategies among which a world's capital is divided. `returns` (n, periods), NaN where one has no point;
    `current` (n,): their fractions of the world's capital now; `capital`: the world's, in currency.
    """

    names: Sequence[str]
    families: Sequence[str]
    scores: Floats
    returns: Floats
    current: Floats
    periods_per_year: float
    capital: float
    cost_bps: float


@dataclass(frozen=True)
class Allocator:
    """Weights by one method, fractions of the world's capital, and what they mean.

    `volatility` annualised, over the common points; `contributions`: shares of its square that sum to 1. None and
    empty where fewer than two points are common. `turnover` and `cost` in currency, from the current weights.
    """

    method: Method
    method_used: Method
    reason: str | None
    weights: Mapping[str, float]
    volatility: float | None
    contributions: Mapping[str, float]
    turnover: float
    cost: float


def compare(field: Field, bounds: Bounds) -> list[Allocator]:
    """All methods over the same records."""
    return [by(method, field, bounds) for method in METHODS]


def by(method: Method, field: Field, bounds: Bounds) -> Allocator:
    n = len(field.names)
    found = weights(
        method,
        n=n,
        scores=field.scores,
        returns=field.returns,
        families=field.families,
        canary=np.ones(n),
        max_gross=bounds.max_gross,
        max_weight=bounds.max_weight,
        max_per_family=bounds.max_per_family,
    )
    volatility, parts = risk_of(found.weights, field)
    turnover = field.capital * math.fsum(np.abs(found.weights - field.current).tolist())
    return Allocator(
        method=method,
        method_used=found.method_used,
        reason=found.reason,
        weights=dict(zip(field.names, found.weights.tolist(), strict=True)),
        volatility=volatility,
        contributions=dict(zip(field.names, parts, strict=True)) if parts else {},
        turnover=turnover,
        cost=turnover * field.cost_bps / 10_000,
    )


def risk_of(shares: Floats, field: Field) -> tuple[float | None, list[float]]:
    """Volatility of the portfolio, and whose it is: w_i (C w)_i / w'Cw."""
    common = field.returns[:, np.isfinite(field.returns).all(axis=0)]
    if common.shape[1] < 2:
        return None, []
    centred = common - common.mean(axis=1, keepdims=True)
    portfolio = shares @ centred
    variance = float(portfolio @ portfolio) / (common.shape[1] - 1)
    if variance <= 0:
        return 0.0, []
    parts = shares * (centred @ portfolio) / (common.shape[1] - 1) / variance
    return math.sqrt(variance * field.periods_per_year), parts.tolist()
