"""What must hold for the orders of every plan, whoever's gates are closed."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from rebalancing.domain.orders import FIRST, Account, Standing, intents
from rebalancing.domain.plan import Plan
from rebalancing.domain.terms import Terms
from tests.rebalancing.builders import Row, planned
from tests.rebalancing.domain.test_properties import SYMBOLS, WORLDS, asked

small = st.lists(
    st.tuples(
        st.sampled_from(WORLDS),
        st.sampled_from(["s1", "s2", "s3"]),
        st.sampled_from(["", "x"]),
        st.sampled_from(SYMBOLS),
        st.decimals(-100, 100, places=2),
        st.decimals("0.01", 100, places=2),
    ),
    min_size=1,
    max_size=12,
)
standing = st.sampled_from([Standing("paper", True), Standing("live", True), Standing("live", False)])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Plan, dict[tuple[str, str], Standing]]:
    ask: Terms = draw(asked())
    rows: list[Row] = draw(small)
    made = planned(ask, rows)
    return made, {name: draw(standing) for name in made.book.strategies}


@given(cases())
def test_parts_of_all_orders_are_the_attribution(case: tuple[Plan, dict[tuple[str, str], Standing]]) -> None:
    made, standings = case
    wanted: dict[tuple[object, ...], int] = defaultdict(int)
    for row, quantity in zip(made.shares.row.tolist(), made.shares.quantity.tolist(), strict=True):
        owner = made.book.strategies[made.book.strategy[row]]
        wanted[owner, made.book.instruments[made.book.instrument[row]]] += quantity
    sent: dict[tuple[object, ...], int] = defaultdict(int)
    for each in intents(made, standings):
        for owner, quantity in each.parts:
            sent[owner, each.instrument] += quantity
    assert {k: v for k, v in sent.items() if v} == {k: v for k, v in wanted.items() if v}


@given(cases())
def test_an_order_is_the_sum_of_its_parts(case: tuple[Plan, dict[tuple[str, str], Standing]]) -> None:
    for each in intents(*case):
        assert sum(quantity for _, quantity in each.parts) == each.quantity


@given(cases())
def test_reductions_come_first_and_never_pass_zero(
    case: tuple[Plan, dict[tuple[str, str], Standing]],
) -> None:
    made, standings = case
    orders = intents(made, standings)
    assert [FIRST[each.purpose] for each in orders] == sorted(FIRST[each.purpose] for each in orders)
    held: dict[tuple[Account, tuple[str, str]], Fraction] = defaultdict(Fraction)
    for row in range(len(made.book)):
        name = made.book.strategies[made.book.strategy[row]]
        account = Account(standings[name].mode, None if made.terms.shared_account else name[0])
        unit = 10**made.book.quantity_places
        held[account, made.book.instruments[made.book.instrument[row]]] += Fraction(
            int(made.book.quantity[row]), unit
        )
    for each in orders:
        if each.purpose == "reduce":
            before = held[each.account, each.instrument]
            change = Fraction(each.quantity, 10**made.steps.places)
            assert before * change < 0
            assert abs(change) <= abs(before)


@given(cases())
def test_nobody_with_a_closed_gate_opens_anything(case: tuple[Plan, dict[tuple[str, str], Standing]]) -> None:
    made, standings = case
    left: dict[tuple[object, ...], Fraction] = defaultdict(Fraction)
    for row in range(len(made.book)):
        name = made.book.strategies[made.book.strategy[row]]
        unit = 10**made.book.quantity_places
        left[name, made.book.instruments[made.book.instrument[row]]] += Fraction(
            int(made.book.quantity[row]), unit
        )
    start = dict(left)
    for each in intents(made, standings):
        if each.refused:
            continue
        for owner, quantity in each.parts:
            left[owner, each.instrument] += Fraction(quantity, 10**made.steps.places)
    for key, before in start.items():
        if not standings[key[0]].may_open:  # type: ignore[index]
            assert abs(left[key]) <= abs(before)
            assert left[key] * before >= 0
