"""From a plan to orders that may be sent: who trades on paper and who for real, what reduces, what opens.

Quantities are integers of one power of ten, the plan's `steps.places`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, NamedTuple

from rebalancing.domain.book import Instrument, Strategy
from rebalancing.domain.decimals import rounded
from rebalancing.domain.plan import Plan
from rebalancing.domain.settling import marks_of

Purpose = Literal["reduce", "cross", "open"]
FIRST: Mapping[Purpose, int] = {"reduce": 0, "cross": 1, "open": 2}
MARK_PLACES = 18


class Account(NamedTuple):
    """Where orders go: on paper or live, of one world or (None) of all worlds that share it."""

    mode: str
    world: str | None


@dataclass(frozen=True)
class Part:
    """What a strategy is to trade, signed, and how much of that takes its own position towards zero."""

    strategy: Strategy
    reduces: int
    opens: int

    @property
    def quantity(self) -> int:
        return self.reduces + self.opens


@dataclass(frozen=True)
class Intent:
    """An order. `quantity` is signed, 0 where strategies only trade with each other; parts sum to it.

    `refused`: strategies whose closed gates forbid it. `mark`: the price that the plan counts with.
    """

    account: Account
    instrument: Instrument
    purpose: Purpose
    quantity: int
    parts: tuple[tuple[Strategy, int], ...]
    mark: Fraction
    refused: tuple[Strategy, ...] = ()

    @property
    def reduce_only(self) -> bool:
        return self.purpose == "reduce"


@dataclass(frozen=True)
class Standing:
    """How a strategy may trade: `paper` or `live`, and whether it may open anything."""

    mode: str
    may_open: bool


def intents(plan: Plan, standings: Mapping[Strategy, Standing]) -> list[Intent]:
    """Every order of the plan: reductions first, then what strategies trade with each other, then openings.

    An order that passes zero is two: one flattens, one opens. A strategy that may not open takes part with what
    reduces its own position; the rest is refused, and so is its part in what opens something in the account.
    """
    found: list[Intent] = []
    held, wanted, marks = positions_of(plan, standings), parts_of(plan, standings), marks_by_instrument(plan)
    for key in sorted(wanted, key=str):
        account, instrument = key
        found += orders_of(
            account, instrument, wanted[key], held[key], marks[account.world, instrument], standings
        )
    found += overlay_intents(plan, standings)
    return sorted(found, key=lambda each: FIRST[each.purpose])


def parts_of(
    plan: Plan, standings: Mapping[Strategy, Standing]
) -> dict[tuple[Account, Instrument], list[Part]]:
    parts: dict[tuple[Account, Instrument], list[Part]] = defaultdict(list)
    shares, book = plan.shares, plan.book
    for row, quantity in zip(shares.row.tolist(), shares.quantity.tolist(), strict=True):
        strategy = book.strategies[book.strategy[row]]
        reduces = towards_zero(held_of(plan, row), quantity)
        account = Account(standings[strategy].mode, None if plan.terms.shared_account else strategy[0])
        instrument = book.instruments[book.instrument[row]]
        parts[account, instrument].append(Part(strategy, reduces, quantity - reduces))
    return parts


def positions_of(plan: Plan, standings: Mapping[Strategy, Standing]) -> dict[tuple[Account, Instrument], int]:
    """What each account holds of each instrument."""
    book, held = plan.book, defaultdict[tuple[Account, Instrument], int](int)
    for row in range(len(book)):
        strategy = book.strategies[book.strategy[row]]
        account = Account(standings[strategy].mode, None if plan.terms.shared_account else strategy[0])
        held[account, book.instruments[book.instrument[row]]] += held_of(plan, row)
    return held


def held_of(plan: Plan, row: int) -> int:
    """A row's position; what is finer than a step is no position that an order could close."""
    size: int = abs(int(plan.book.quantity[row])) * 10**plan.steps.places // 10**plan.book.quantity_places
    return size if plan.book.quantity[row] > 0 else -size


def marks_by_instrument(plan: Plan) -> dict[tuple[str | None, Instrument], Fraction]:
    """The price that each world, or the account of all, counts with."""
    book, owners = plan.book, plan.world_of_group.tolist()
    if plan.terms.shared_account:
        marks = marks_of(book, plan.account_groups)
        keys: list[tuple[str | None, Instrument]] = [
            (None, book.instruments[key]) for key in plan.account_groups.keys.tolist()
        ]
    else:
        marks = plan.worlds.mark
        keys = [
            (book.worlds[owner], book.instruments[instrument])
            for owner, instrument in zip(owners, plan.worlds.instrument.tolist(), strict=True)
        ]
    return {key: on_grid(marks.fraction(row)) for row, key in enumerate(keys)}


def on_grid(price: Fraction) -> Fraction:
    """A price as it can be stored."""
    unit = 10**MARK_PLACES
    return Fraction(max(rounded(price.numerator * unit, price.denominator), 1), unit)


def towards_zero(held: int, change: int) -> int:
    """How much of a change takes a position towards zero, and not beyond."""
    if held * change >= 0:
        return 0
    return change if abs(change) <= abs(held) else -held


def orders_of(
    account: Account,
    instrument: Instrument,
    parts: Sequence[Part],
    held: int,
    mark: Fraction,
    standings: Mapping[Strategy, Standing],
) -> Iterator[Intent]:
    """The orders of one instrument in one account, and what is refused of it."""
    allowed = [each if standings[each.strategy].may_open else replace(each, opens=0) for each in parts]
    refused = {each.strategy: each.opens for each in parts if not standings[each.strategy].may_open}
    orders = split(allowed, held)
    while True:
        # What is left over for the account may still open something there, for a strategy that only closes.
        forbidden = {
            strategy: quantity
            for purpose, quantities in orders
            if purpose == "open"
            for strategy, quantity in quantities.items()
            if not standings[strategy].may_open and quantity * total_of(quantities) > 0
        }
        if not forbidden:
            break
        # Who may not open has nothing but what reduces, so it is taken from that.
        allowed = [replace(each, reduces=each.reduces - forbidden.get(each.strategy, 0)) for each in allowed]
        for strategy, quantity in forbidden.items():
            refused[strategy] = refused.get(strategy, 0) + quantity
        orders = split(allowed, held)
    for purpose, quantities in orders:
        yield Intent(account, instrument, purpose, total_of(quantities), rows(quantities), mark)
    for sign in (-1, 1):
        closed = {strategy: quantity for strategy, quantity in refused.items() if quantity * sign > 0}
        if closed:
            yield Intent(
                account, instrument, "open", total_of(closed), rows(closed), mark, tuple(sorted(closed))
            )


def split(parts: Sequence[Part], held: int) -> list[tuple[Purpose, dict[Strategy, int]]]:
    """The parts as orders: what takes the account's position towards zero, and what is beyond that."""
    whole = {each.strategy: each.quantity for each in parts if each.quantity}
    total = total_of(whole)
    if not whole:
        return []
    if total == 0:
        return [("cross", whole)]
    room = towards_zero(held, total)
    if room == total:
        return [("reduce", whole)]
    if room == 0:
        return [("open", whole)]
    return flattened_first(parts, room, 1 if total > 0 else -1)


def flattened_first(parts: Sequence[Part], room: int, sign: int) -> list[tuple[Purpose, dict[Strategy, int]]]:
    """A flip: first so much that the account is flat (`room`), then the rest.

    Who trades against the others does so in the first order; of the others, what reduces goes before what opens.
    """
    first = {each.strategy: each.quantity for each in parts if each.quantity * sign < 0}
    rest: dict[Strategy, int] = {}
    missing = (room - total_of(first)) * sign
    with_it = [each for each in parts if each.quantity * sign > 0]
    pieces = [(each.strategy, min(abs(each.reduces), abs(each.quantity))) for each in with_it]
    pieces += [
        (each.strategy, abs(each.quantity) - reduces)
        for each, (_, reduces) in zip(with_it, pieces, strict=True)
    ]
    for strategy, size in pieces:
        taken = min(size, missing)
        missing -= taken
        add(first, strategy, taken * sign)
        add(rest, strategy, (size - taken) * sign)
    return [("reduce", first), ("open", rest)]


def add(quantities: dict[Strategy, int], strategy: Strategy, quantity: int) -> None:
    if quantity:
        quantities[strategy] = quantities.get(strategy, 0) + quantity


def total_of(quantities: Mapping[Strategy, int]) -> int:
    return sum(quantities.values())


def rows(quantities: Mapping[Strategy, int]) -> tuple[tuple[Strategy, int], ...]:
    return tuple(sorted(quantities.items()))


def overlay_intents(plan: Plan, standings: Mapping[Strategy, Standing]) -> Iterator[Intent]:
    """Proxy orders: of the world, for no strategy; they open, so everybody who trades like them must be allowed to."""
    for order in plan.overlays:
        live = [name for name, each in standings.items() if name[0] == order.world and each.mode == "live"]
        alike = live or [name for name in standings if name[0] == order.world]
        closed = tuple(sorted(name for name in alike if not standings[name].may_open))
        account = Account("live" if live else "paper", order.world)
        quantity = order.quantity * 10**plan.steps.places
        yield Intent(account, ("", order.symbol), "open", int(quantity), (), on_grid(order.price), closed)
