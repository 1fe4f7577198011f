"""What must hold for every plan, whatever is held and whatever is asked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rebalancing.domain.decimals import column, exact
from rebalancing.domain.terms import Terms
from tests.rebalancing.builders import (
    Row,
    account,
    answered,
    decimal,
    deltas,
    hybrid,
    overlay,
    parts,
    planned,
    terms,
    wanted,
    wanted_of_account,
)

WORLDS = ["alpha", "beta", "gamma"]
SYMBOLS = ["BTC", "ETH", "SOL"]
LOTS = ["1", "0.1", "0.001", "0.3", "25", "0.00000007", "1000000007"]

quantities = st.one_of(
    st.decimals(-1000, 1000, places=3),
    st.floats(1e-6, 1e9),
    st.floats(-1e9, -1e-6),
    st.integers(-(10**25), 10**25),
    st.sampled_from([0, 0.1, -0.3, 1e-9, 123456789.123456789]),
)
marks = st.one_of(st.decimals("0.0001", 100_000, places=4), st.floats(0.001, 1e6))
shares = st.one_of(st.integers(0, 300).map(lambda n: n / 1000), st.sampled_from([0.0, 0.1, 0.2, 0.3, 1 / 3]))


# Made once, as Hypothesis looks at each strategy anew that it has not seen: that takes longer than drawing from it.
flags, minima = st.booleans(), st.sampled_from([0, 0, 10, 2.5])
who = st.sampled_from(["s1", "s2", "s3"])
lots_of_some = st.dictionaries(st.sampled_from(SYMBOLS), st.sampled_from(LOTS).map(Fraction), max_size=3)
strategies = st.dictionaries(who, shares.map(lambda part: part / 10))
rows_of_book = st.tuples(
    st.sampled_from(WORLDS),
    who,
    st.sampled_from(["", "x", "y"]),
    st.sampled_from(SYMBOLS),
    quantities,
    marks,
)


def books() -> st.SearchStrategy[list[Row]]:
    return st.lists(rows_of_book, min_size=1, max_size=12)


@st.composite
def asked(draw: st.DrawFn, **fixed: Any) -> Terms:
    fields: dict[str, Any] = {
        "shared_account": draw(flags),
        "min_trade_notional": draw(minima),
        "lots": draw(lots_of_some),
    }
    after = {world: draw(shares) for world in WORLDS}
    if draw(flags):
        fields["strategies_after"] = {
            world: found for world in WORLDS if after[world] >= 0.1 and (found := draw(strategies))
        }
        if draw(flags):
            fields["strategies_before"] = {world: draw(strategies) for world in WORLDS}
    lots = fields.pop("lots")
    made = terms({world: draw(shares) for world in WORLDS}, after, **{**fields, **fixed})
    return replace(made, lots={**lots, **made.lots}) if "lots" not in fixed else made


@given(asked(), books())
def test_worlds_sum_exactly_to_the_account_before_rounding(ask: Terms, rows: list[Row]) -> None:
    made = planned(ask, rows)
    sums: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for (_, venue, symbol), change in wanted(made).items():
        sums[venue, symbol] += change
    assert sums == wanted_of_account(made)


@given(asked(), books())
def test_parts_sum_exactly_to_their_order(ask: Terms, rows: list[Row]) -> None:
    made = planned(ask, rows)
    settled = made.account if ask.shared_account else made.worlds
    orders = {
        row: Fraction(int(settled.quantity[row]), 10**settled.places) for row in settled.orders.tolist()
    }
    assert {group: total for group, total in parts(made).items() if total} == orders


@given(asked(), books())
def test_a_part_is_within_a_step_of_what_its_strategy_wants(ask: Terms, rows: list[Row]) -> None:
    made = planned(ask, rows)
    for row, quantity in zip(made.shares.row.tolist(), made.shares.quantity.tolist(), strict=True):
        step = Fraction(int(made.steps.sizes[made.book.instrument[row]]), 10**made.steps.places)
        got = Fraction(quantity, 10**made.steps.places)
        assert abs(got - made.targets.changes.fraction(row)) < step


@given(asked(min_trade_notional=0), books())
def test_nobody_passes_zero_whom_the_sum_lets_stop_there(ask: Terms, rows: list[Row]) -> None:
    """Each part is what is wanted, rounded down or up to a step. Where somebody passes zero by it, no other row of his
    order has a step to give or to take that it may have either way: all of them stop, or would pass zero as well."""
    made = planned(ask, rows)
    groups = made.account_groups if ask.shared_account else made.groups
    settled = made.account if ask.shared_account else made.worlds
    got = dict(zip(made.shares.row.tolist(), made.shares.quantity.tolist(), strict=True))
    free: dict[int, list[int]] = defaultdict(list)
    over: dict[int, list[int]] = defaultdict(list)
    for row in range(len(made.book)):
        group = int(groups.of_row[row])
        sign = -1 if settled.exact.top[group] < 0 else 1
        step = int(made.steps.sizes[made.book.instrument[row]])
        held = Fraction(int(made.book.quantity[row]) * 10**made.steps.places, 10**made.book.quantity_places)
        change = made.targets.changes.fraction(row) * 10**made.steps.places * sign
        part = got.get(row, 0) * sign
        down = change // step * step
        if change == down or settled.dropped[group]:
            continue
        passes = {end: passes_zero(held * sign, end) for end in (down, down + step)}
        if passes[part]:
            over[group].append(1 if part > down else -1)
        elif not any(passes.values()):
            free[group].append(1 if part > down else -1)
    for group, sides in over.items():
        for side in sides:
            assert -side not in free[group]


def passes_zero(held: Fraction, part: Fraction) -> bool:
    """Whether a position that is to be reduced is of the other side after it."""
    return held * part < 0 and abs(part) > abs(held)


def test_a_position_that_is_no_whole_lot_is_not_turned_round() -> None:
    """Both want 2.5 lots of 1; the one that is closed gets two of them, the one that is cut three."""
    rows: list[Row] = [("alpha", "s1", "", "BTC", "2.5", 10), ("alpha", "s2", "", "BTC", 5, 10)]
    ask = terms(
        {"alpha": 0.2},
        {"alpha": 0.2},
        strategies_before={"alpha": {"s1": 0.1, "s2": 0.1}},
        strategies_after={"alpha": {"s1": 0, "s2": 0.05}},
        lots={"BTC": 1},
    )
    made = planned(ask, [(*row[:4], decimal(exact(float(row[4]))), row[5]) for row in rows])
    assert [int(each) // 10**made.steps.places for each in made.shares.quantity.tolist()] == [-2, -3]


@given(books(), st.booleans())
def test_scaling_by_one_gives_no_orders(rows: list[Row], shared: bool) -> None:
    same = dict.fromkeys(WORLDS, 0.3)
    made = planned(terms(same, same, shared_account=shared), rows)
    assert (deltas(made), account(made), made.residuals) == ({}, {}, [])


@given(
    quantities, st.integers(1, 300).map(lambda n: n / 1000), st.integers(1, 300).map(lambda n: n / 1000),
    st.sampled_from(LOTS),
)  # fmt: skip
def test_down_and_up_by_the_inverse_returns_to_the_start(
    quantity: Any, first: float, second: float, lot: str
) -> None:
    """Within a lot of the smaller position: that lot is worth lot / scale when it has grown again."""
    high, low = max(first, second), min(first, second)
    lots = {"BTC": Fraction(lot)}

    def after(before: float, then: float, held: Fraction) -> Fraction:
        rows: list[Row] = [("alpha", "s1", "", "BTC", decimal(held), 10)]
        return held + sum(
            deltas(planned(replace(terms({"alpha": before}, {"alpha": then}), lots=lots), rows)).values()
        )

    start = exact(quantity)
    end = after(low, high, after(high, low, start))
    assert abs(end - start) < Fraction(lot) * exact(high) / exact(low)


@given(asked(strategies_after=None, min_trade_notional=0), books())
def test_nobody_grows_who_is_scaled_down(ask: Terms, rows: list[Row]) -> None:
    made = planned(ask, rows)
    for row in range(len(made.book)):
        held = Fraction(int(made.book.quantity[row]), 10**made.book.quantity_places)
        if Fraction(*made.scales.of_strategy[made.book.strategies[made.book.strategy[row]]]) <= 1:
            change = made.targets.changes.fraction(row)
            assert abs(held + change) <= abs(held)
            assert (held + change) * held >= 0


@given(asked(), books(), st.randoms(use_true_random=False))
def test_the_order_of_positions_changes_nothing(ask: Terms, rows: list[Row], random: Any) -> None:
    other = random.sample(rows, len(rows))
    assert answered(planned(ask, rows)) == answered(planned(ask, other))


@given(asked(), books(), st.data())
def test_splitting_a_position_changes_nothing(ask: Terms, rows: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    *names, quantity, mark = rows[place]
    whole = exact(quantity)
    part = whole * data.draw(st.integers(0, 10)) / 10
    halves: list[Row] = [(*names, decimal(part), mark), (*names, decimal(whole - part), mark)]  # type: ignore[misc]
    made = [planned(ask, rows), planned(ask, rows[:place] + halves + rows[place + 1 :])]
    assert deltas(made[0]) == deltas(made[1])
    assert account(made[0]) == account(made[1])


@given(asked(), books())
def test_orders_are_whole_lots_of_at_most_what_is_wanted(ask: Terms, rows: list[Row]) -> None:
    made = planned(ask, rows)
    exactly = wanted(made)
    for (world, venue, symbol), quantity in deltas(made).items():
        change = exactly[world, venue, symbol]
        lot = ask.lots.get(symbol)
        assert lot is None or (quantity / lot).denominator == 1
        assert quantity * change > 0
        assert abs(quantity) <= abs(change)


@given(asked(min_trade_notional=0), books())
def test_less_than_a_lot_is_left(ask: Terms, rows: list[Row]) -> None:
    made = planned(ask, rows)
    orders = deltas(made)
    for key, change in wanted(made).items():
        lot = ask.lots.get(key[2], Fraction(1, 10**18))
        assert abs(change - orders.get(key, Fraction(0))) < lot


PROXIES = overlay(dict.fromkeys(WORLDS, "FUT"), {"FUT": "4321.5"}, 3)


@given(asked(overlay=PROXIES), books())
def test_hybrid_without_thresholds_is_scaling(ask: Terms, rows: list[Row]) -> None:
    both = [answered(planned(replace(ask, mode=mode), rows)) for mode in ("hybrid", "scaling")]  # type: ignore[arg-type]
    assert both[0].pop("overlay_deltas") == []
    assert {each.pop("mode") for each in both} == {"hybrid", "scaling"}
    assert both[0] == both[1]


@given(asked(overlay=PROXIES), books())
def test_hybrid_with_an_infinite_minimum_is_overlay(ask: Terms, rows: list[Row]) -> None:
    modes = (
        replace(ask, mode="hybrid", hybrid=hybrid(None)),
        replace(ask, mode="overlay", hybrid=hybrid(None)),
    )
    both = [answered(planned(each, rows)) for each in modes]
    assert {each.pop("mode") for each in both} == {"hybrid", "overlay"}
    assert both[0] == both[1]


@given(st.lists(st.one_of(st.floats(-1e15, 1e15), st.integers(-(10**20), 10**20)), max_size=20))
def test_a_column_of_numbers_is_that_of_their_shortest_texts(values: list[float]) -> None:
    read = column(values)
    assert [read.fraction(row) for row in range(len(values))] == [Fraction(repr(value)) for value in values]
