"""Models of an execution on paper: what is traded in which steps, what it costs, and where it fills.

Every price and amount is an exact decimal; a model may round only against the one who trades.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import Any, Protocol

from qmtl.brokers.orders import Side

ZERO, BPS = Decimal(0), Decimal("0.0001")


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A closed bar, or (with four equal prices) a quote. `volume` None: not known, everything fills.

    ts: when it closed; orders of a time before it may fill in it.
    """

    ts: datetime
    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None = None
    venue: str = ""

    def __post_init__(self) -> None:
        prices = (self.open, self.high, self.low, self.close)
        if not all(price.is_finite() and price > 0 for price in prices):
            raise ValueError(f"prices of {self.symbol} are positive")
        if self.low > min(prices) or self.high < max(prices):
            raise ValueError(f"a bar of {self.symbol} from {self.low} to {self.high} leaves its own range")
        if self.volume is not None and not (self.volume.is_finite() and self.volume >= 0):
            raise ValueError(f"a volume of {self.volume}")
        if self.ts.tzinfo is None:
            raise ValueError("the time of a bar has a zone")


def quote(symbol: str, price: Decimal, ts: datetime, *, venue: str = "") -> Bar:
    """One price at one time, as much of it as anybody wants."""
    return Bar(ts=ts, symbol=symbol, open=price, high=price, low=price, close=price, venue=venue)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How an instrument trades. `tick` also is what fill prices are rounded to, against the trader."""

    lot: Decimal = Decimal("0.00000001")
    tick: Decimal = Decimal("0.00000001")
    min_notional: Decimal = ZERO
    shortable: bool = True

    def __post_init__(self) -> None:
        if not (self.lot > 0 and self.tick > 0 and self.min_notional >= 0):
            raise ValueError("lot and tick are positive, min_notional is not negative")

    def whole_lots(self, qty: Decimal) -> Decimal:
        """As much of it as can be traded."""
        return steps(qty, self.lot, up=False)


def steps(number: Decimal, step: Decimal, *, up: bool) -> Decimal:
    """The nearest multiple of a step at or above (`up`), or at or below."""
    count = (number / step).to_integral_value(rounding=ROUND_CEILING if up else ROUND_FLOOR)
    return count * step


class Slippage(Protocol):
    """Where an order fills, given where the market was. Never better than `reference`."""

    def price(self, side: Side, reference: Decimal, qty: Decimal, volume: Decimal | None) -> Decimal: ...


@dataclass(frozen=True)
class NoSlippage:
    """At the reference price."""

    def price(self, side: Side, reference: Decimal, qty: Decimal, volume: Decimal | None) -> Decimal:
        return reference


@dataclass(frozen=True)
class FixedSlippage:
    """A fixed part of the price, in basis points: half a spread, say."""

    bps: Decimal

    def __post_init__(self) -> None:
        if not 0 <= self.bps < 10_000:
            raise ValueError("slippage is from 0 to 10,000 basis points")

    def price(self, side: Side, reference: Decimal, qty: Decimal, volume: Decimal | None) -> Decimal:
        return reference * (1 + side.sign * self.bps * BPS)


@dataclass(frozen=True)
class SquareRootImpact:
    """Half a spread, and an impact that grows with the square root of the share of the volume that one takes.

    `price x (1 +- (half_spread_bps + coefficient_bps x sqrt(qty / volume)) / 10,000)`; source: the square-root law of
    market impact (Almgren, Thum, Hauptmann, Li 2005; Toth et al. 2011). Without a volume: as if one took all of it.
    """

    coefficient_bps: Decimal
    half_spread_bps: Decimal = ZERO

    def __post_init__(self) -> None:
        if not (self.coefficient_bps >= 0 and 0 <= self.half_spread_bps < 10_000):
            raise ValueError("neither part of the slippage is negative")

    def price(self, side: Side, reference: Decimal, qty: Decimal, volume: Decimal | None) -> Decimal:
        with localcontext() as context:
            context.prec = 34
            share = qty / volume if volume else Decimal(1)
            bps = self.half_spread_bps + self.coefficient_bps * share.sqrt()
            # A sale never fills below nothing, however large it is.
            return max(reference * (1 + side.sign * bps * BPS), reference * BPS)


class Fees(Protocol):
    """What an execution costs, in the quote currency; negative is a rebate."""

    def fee(self, qty: Decimal, price: Decimal, *, maker: bool) -> Decimal: ...


@dataclass(frozen=True)
class NoFees:
    def fee(self, qty: Decimal, price: Decimal, *, maker: bool) -> Decimal:
        return ZERO


@dataclass(frozen=True, kw_only=True)
class NotionalFees:
    """Basis points of what is traded, at least `minimum` an execution. A resting limit order is a maker."""

    taker_bps: Decimal
    maker_bps: Decimal | None = None
    minimum: Decimal = ZERO

    def fee(self, qty: Decimal, price: Decimal, *, maker: bool) -> Decimal:
        bps = self.maker_bps if maker and self.maker_bps is not None else self.taker_bps
        return max(qty * price * bps * BPS, self.minimum) if bps >= 0 else qty * price * bps * BPS


@dataclass(frozen=True, kw_only=True)
class UnitFees:
    """A fixed amount a unit (share, contract), at least `minimum` an execution."""

    per_unit: Decimal
    minimum: Decimal = ZERO

    def fee(self, qty: Decimal, price: Decimal, *, maker: bool) -> Decimal:
        return max(qty * self.per_unit, self.minimum)


def costs_of(paper: Mapping[str, Any]) -> dict[str, Any]:
    """What the world's settings say of executions on paper (`paper` of `GET /worlds/{w}/broker`), as a paper broker
    takes it: `PaperBroker(**costs_of(...))`."""
    maker, participation = paper.get("maker_bps"), paper.get("participation")
    return {
        "fees": NotionalFees(
            taker_bps=Decimal(str(paper.get("taker_bps", 0))),
            maker_bps=None if maker is None else Decimal(str(maker)),
        ),
        "slippage": FixedSlippage(Decimal(str(paper.get("slippage_bps", 0)))),
        "participation": None if participation is None else Decimal(str(participation)),
    }
