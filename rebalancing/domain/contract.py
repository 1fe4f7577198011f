"""The versions of the plan's answer: which one a caller gets, and what it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NEWEST = 2
ENVELOPE = ("sharpe", "max_drawdown", "win_ratio", "profit_factor", "car_mdd", "rar_mdd")
UNKNOWN: Mapping[str, float] = {f"alpha_performance.{name}": 0.0 for name in ENVELOPE}
"""In the envelope, and only there, what is not known is 0.0."""


@dataclass(frozen=True)
class Supported:
    """What the service is set up to answer, and to demand."""

    version: int
    alpha_metrics_required: bool

    @property
    def capable(self) -> bool:
        return self.version >= NEWEST

    def refuses(self, asked: int) -> bool:
        return self.alpha_metrics_required and asked < NEWEST

    def negotiated(self, asked: int) -> int:
        return min(asked, self.version)


def supported(*, compat_v2: bool, alpha_metrics_required: bool) -> Supported:
    return Supported(NEWEST if compat_v2 else 1, alpha_metrics_required)


def answer(
    plan: Mapping[str, Any],
    *,
    version: int,
    by: Supported,
    alpha_metrics: Mapping[str, Any],
    intent: Mapping[str, Any],
) -> dict[str, Any]:
    """The document of a version: 1 has no `alpha_metrics` and no `rebalance_intent`, not even as null."""
    document = {
        "schema_version": version,
        "rebalance_schema_version": by.version,
        "alpha_metrics_capable": by.capable,
        **plan,
    }
    if version >= NEWEST:
        document |= {"alpha_metrics": alpha_metrics, "rebalance_intent": {"meta": dict(intent)}}
    return document


def envelope_of(figures: Mapping[str, Any]) -> dict[str, float]:
    """The six keys from the newest figures of a run; 0.0 where one cannot be known.

    `car_mdd` = cagr / |max_drawdown|, `rar_mdd` = (cagr / volatility) / |max_drawdown|.
    """
    cagr, depth = figures.get("returns.cagr"), figures.get("returns.max_drawdown")
    spread = figures.get("returns.volatility")
    car = cagr / abs(depth) if cagr is not None and depth else None
    known = {
        "sharpe": figures.get("returns.sharpe"),
        "max_drawdown": depth,
        "win_ratio": figures.get("returns.win_rate"),
        "profit_factor": figures.get("returns.profit_factor"),
        "car_mdd": car,
        "rar_mdd": car / spread if car is not None and spread else None,
    }
    return {f"alpha_performance.{name}": float(value or 0.0) for name, value in known.items()}


def narrowed(document: Mapping[str, Any], world: str) -> dict[str, Any]:
    """The answer as one world's readers may see it: nothing of the other worlds but what is netted with them."""
    own = dict(document)
    own["per_world"] = {world: document["per_world"][world]}
    own["global_deltas"] = document["global_deltas"] if document["shared_account"] else []
    for name in ("overlay_deltas", "attribution", "residuals"):
        if name in own:
            own[name] = [row for row in own[name] if row["world_id"] in {world, None}]
    if metrics := document.get("alpha_metrics"):
        own["alpha_metrics"] = {
            "per_world": {name: each for name, each in metrics["per_world"].items() if name == world},
            "per_strategy": {
                strategy: {world: by_world[world]}
                for strategy, by_world in metrics["per_strategy"].items()
                if world in by_world
            },
        }
    return own
