"""Trees of the expression language, made at random."""

from __future__ import annotations

from hypothesis import strategies as st

from worlds.domain.expression import Arithmetic, Compare, Name, Not, Number, parse_name
from worlds.domain.expression.nodes import conjunction, disjunction

NAMES = (
    "sharpe", "returns.max_drawdown", "pnl.sample_count", "28d.total_return", "worst.5m", "pnl_daily_mean",
    "pnl_daily_min", "rank.sharpe", "pct_rank.28d.total_return", "live.60d.decay", "stress.crash_2008.es_99",
    "benchmark.alpha", "extra.conviction", "low_vol",
)  # fmt: skip

metric_names = st.sampled_from(NAMES).map(parse_name)
numbers = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: Number(value + 0.0))
named = metric_names.map(Name)
quantities = st.recursive(
    named | numbers, lambda inner: st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner), max_leaves=6
)
# The name on one side keeps every comparison about something; which side is drawn too.
comparisons = st.builds(
    lambda operator, left, right, swapped: Compare(operator, *((right, left) if swapped else (left, right))),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    named,
    quantities,
    st.booleans(),
)
gates = st.recursive(
    comparisons,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(tuple).map(conjunction)
        | st.lists(inner, min_size=1, max_size=3).map(tuple).map(disjunction)
        | inner.map(Not)
    ),
    max_leaves=8,
)
scores = st.builds(Arithmetic, st.sampled_from("+-*/"), named, quantities)
