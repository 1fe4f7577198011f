"""The money and positions of a paper account, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext

from qmtl.brokers.models import ZERO
from qmtl.brokers.orders import Fill, Instrument

EXACT = Context(prec=120)
"""Digits enough that no sum of products of quantities and prices is ever rounded."""


@dataclass
class Account:
    """`cash` begins with what was paid in; buying takes `qty x price + fee` from it, selling gives it."""

    cash: Decimal = ZERO
    held: dict[Instrument, Decimal] = field(default_factory=dict)

    def book(self, fill: Fill) -> None:
        self.cash -= fill.signed * fill.price + fill.fee
        after = self.position(fill.instrument) + fill.signed
        if after:
            self.held[fill.instrument] = after
        else:
            self.held.pop(fill.instrument, None)

    def position(self, instrument: Instrument) -> Decimal:
        return self.held.get(instrument, ZERO)

    def equity(self, marks: Mapping[Instrument, Decimal]) -> Decimal:
        """Cash and positions at these prices; KeyError for a position without one."""
        with localcontext(EXACT):
            return self.cash + sum((qty * marks[name] for name, qty in self.held.items()), ZERO)

    def affords(
        self,
        fill: Fill,
        marks: Mapping[Instrument, Decimal],
        *,
        max_leverage: Decimal,
    ) -> bool:
        """Whether all that is held after the fill, long and short, is worth at most so many times the equity.

        Not where a position has no price: what cannot be valued is not lent on.
        """
        after = Account(self.cash, dict(self.held))
        after.book(fill)
        prices = {**marks, fill.instrument: fill.price}
        if not after.held.keys() <= prices.keys():
            return False
        gross = sum((abs(qty) * prices[name] for name, qty in after.held.items()), ZERO)
        return gross <= max_leverage * after.equity(prices)


def reducible(position: Decimal, sign: int) -> Decimal:
    """How much an order of this sign can take from a position without passing zero."""
    return max(-position * sign, ZERO)
