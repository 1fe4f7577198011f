"""What is asked of a plan, as exact numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, TypeAlias

Mode: TypeAlias = Literal["scaling", "overlay", "hybrid"]
Fractions: TypeAlias = Mapping[str, Fraction]
NOTHING = Fraction(0)


@dataclass(frozen=True)
class Doubt:
    """A place of the request (JSON pointer) that can be read in more than one way, or in none."""

    pointer: str
    detail: str


class Doubtful(ValueError):
    """The request is not planned: guessing would trade."""

    def __init__(self, doubts: Sequence[Doubt]) -> None:
        super().__init__(doubts[0].detail)
        self.doubts = tuple(doubts)


@dataclass(frozen=True)
class OverlayTerms:
    """Proxy instruments. `price_by_symbol` in currency; `min_order_notional` in currency."""

    instrument_by_world: Mapping[str, str] = field(default_factory=dict)
    price_by_symbol: Fractions = field(default_factory=dict)
    min_order_notional: Fraction = NOTHING


@dataclass(frozen=True)
class HybridTerms:
    """What is cheap enough to be scaled. `scale_min_notional` None: nothing is (an infinite minimum)."""

    scale_min_notional: Fraction | None = NOTHING
    cost_bps: Fractions = field(default_factory=dict)
    default_cost_bps: Fraction = NOTHING

    def bps_of(self, symbol: str) -> Fraction:
        return self.cost_bps.get(symbol, self.default_cost_bps)


@dataclass(frozen=True)
class Terms:
    """Fractions are of `total_equity` (currency). Maps of strategies are `{world: {strategy: fraction}}`."""

    total_equity: Fraction
    before: Fractions
    after: Fractions
    strategies_before: Mapping[str, Fractions] | None = None
    strategies_after: Mapping[str, Fractions] | None = None
    min_trade_notional: Fraction = NOTHING
    lots: Fractions = field(default_factory=dict)
    mode: Mode = "scaling"
    overlay: OverlayTerms = OverlayTerms()
    hybrid: HybridTerms = HybridTerms()
    shared_account: bool = False


def pointer(*path: str) -> str:
    """JSON pointer (RFC 6901) of a path."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
