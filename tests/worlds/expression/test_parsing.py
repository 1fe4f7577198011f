from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds.expression.strategies import gates, scores
from worlds.domain.expression import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_TEXT_LENGTH,
    And,
    Arithmetic,
    Compare,
    Condition,
    ExpressionFault,
    Name,
    Not,
    Number,
    Or,
    Quantity,
    names,
    parse_expression,
    parse_name,
    to_text,
    to_tree,
)

SHARPE = Name(parse_name("sharpe"))


def test_the_example_of_the_specification_reads_as_written() -> None:
    text = "28d.total_return >= 0.05 and sharpe >= 1.5 and (n_trades_total >= 20 or extra.conviction > 0.7)"
    gate = parse_expression(text, kind="gate")
    assert isinstance(gate, And)
    assert isinstance(gate.terms[2], Or)
    assert to_text(gate) == text


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("sharpe > 1 or cagr > 1 and skew > 0", "sharpe > 1 or (cagr > 1 and skew > 0)"),
        ("not sharpe > 1 and cagr > 1", "(not (sharpe > 1)) and cagr > 1"),
        ("sharpe + cagr * 2 > 1", "(sharpe + (cagr * 2)) > 1"),
        ("sharpe - cagr - skew > 1", "((sharpe - cagr) - skew) > 1"),
        ("-sharpe * 2 < 1", "(-1 * sharpe) * 2 < 1"),
        ("sharpe - -1 > 0", "sharpe - (-1) > 0"),
        ("(sharpe > 1 and cagr > 1) and skew > 0", "sharpe > 1 and cagr > 1 and skew > 0"),
        ("returns.sharpe > 1", "sharpe > 1"),
        ("sharpe > 1e0", "sharpe>1."),
    ],
)
def test_precedence_is_the_usual_one(text: str, same: str) -> None:
    assert parse_expression(text, kind="gate") == parse_expression(same, kind="gate")


REFUSED = [
    ("", "empty", 0),
    ("   ", "empty", 0),
    ("sharpe", "a gate compares", 0),
    ("1 < 2", "at least one metric", 0),
    ("sharpe > 1 and 2 > 1", "at least one metric", 0),
    ("0 < sharpe < 1", "not chained", 2),
    ("(sharpe > 0) < 1", "not chained", 13),
    ("abs(sharpe) > 1", "no functions", 0),
    ("sharpe[0] > 1", "no subscripts", 6),
    ("(sharpe).real > 1", "unexpected", 8),
    ("sharpe = 1", "written ==", 7),
    ("sharpe > 5%", "as a fraction", 10),
    ("sharpe > 1 AND cagr > 1", "unexpected `AND`", 11),
    ("NOT sharpe > 1", "small letters", 0),
    ("sharpe > 1 & cagr > 1", "written `and`", 11),
    ("sharpe > 'x'", "no strings", 9),
    ("sharpe > 1.5x", "cannot read 1.5x", 9),
    ("sharpe. > 1", "cannot read sharpe.", 0),
    ("sharpe > 1e999", "too large", 9),
    ("sharpe >", "ends too early", 8),
    ("(sharpe > 1", "never closed", 0),
    ("sharpe > 1)", "unexpected `)`", 10),
    ("sharpe > 1 cagr > 2", "unexpected `cagr`", 11),
    ("sharpe and cagr > 1", "joins comparisons", 7),
    ("(sharpe > 1) + 2 > 1", "takes numbers", 13),
    ("not sharpe", "joins comparisons", 0),
    ("sharpe > \u0663", "unexpected", 9),
    ("sharpe > \x00", "unexpected", 9),
    ("__import__ > 1", "unknown metric", 0),
]


@pytest.mark.parametrize(("text", "message", "position"), REFUSED)
def test_what_is_no_gate_is_refused_with_its_place(text: str, message: str, position: int) -> None:
    with pytest.raises(ExpressionFault) as refusal:
        parse_expression(text, kind="gate")
    assert message in refusal.value.message
    assert refusal.value.position == position


def test_all_unknown_names_are_told_together_with_the_nearest() -> None:
    with pytest.raises(ExpressionFault) as refusal:
        parse_expression("sharpee > 1 and max_drawdwn > -0.1", kind="gate")
    told = [(fault.position, fault.nearest[0]) for fault in refusal.value.all_faults]
    assert told == [(0, "sharpe"), (16, "max_drawdown")]


def test_a_score_has_no_comparison() -> None:
    with pytest.raises(ExpressionFault, match="a score is a number"):
        parse_expression("sharpe > 1", kind="score")


def test_a_score_has_no_tree_form() -> None:
    with pytest.raises(ExpressionFault, match="written as text"):
        parse_expression({"metric": "sharpe", "min": 1}, kind="score")


@pytest.mark.parametrize(
    "text",
    ["(" * 100_000, "not " * 4_000, "-" * 16_000, "(" * 5_000 + "sharpe" + ")" * 5_000 + "> 1"],
)
def test_nesting_is_bounded(text: str) -> None:
    with pytest.raises(ExpressionFault):
        parse_expression(text, kind="gate")


def test_size_is_bounded() -> None:
    most = MAX_NODES // 3 - 1
    parse_expression(" and ".join(["sharpe > 1"] * most), kind="gate")
    with pytest.raises(ExpressionFault, match=f"at most {MAX_NODES}"):
        parse_expression(" and ".join(["sharpe > 1"] * (most + 2)), kind="gate")


def test_depth_is_bounded() -> None:
    # A sum of n terms is n levels deep: it is built from the left.
    parse_expression(" + ".join(["sharpe"] * MAX_DEPTH), kind="score")
    with pytest.raises(ExpressionFault, match=f"at most {MAX_DEPTH}"):
        parse_expression(" + ".join(["sharpe"] * (MAX_DEPTH + 1)), kind="score")


def test_the_deepest_gate_survives_its_text() -> None:
    gate: Condition = Compare(">", SHARPE, Number(1.0))
    for level in range(MAX_DEPTH - 2):
        pair = (Compare(">", SHARPE, Number(2.0)), gate)
        deeper: tuple[Condition, ...] = (Not(gate), And(pair), Or(pair))
        gate = deeper[level % 3]
    assert parse_expression(to_text(gate), kind="gate") == gate


def test_length_is_bounded() -> None:
    with pytest.raises(ExpressionFault, match="longer than"):
        parse_expression("sharpe > 1" + " " * MAX_TEXT_LENGTH, kind="gate")


def test_names_lists_each_metric_once() -> None:
    gate = parse_expression("sharpe > 1 and returns.sharpe < 9 and rank.cagr <= 3", kind="gate")
    assert [name.text for name in names(gate)] == ["sharpe", "rank.cagr"]


def test_a_metric_range_is_two_comparisons() -> None:
    tree = {"metric": "sharpe", "min": 1, "max": 3}
    assert parse_expression(tree, kind="gate") == parse_expression("sharpe >= 1 and sharpe <= 3", kind="gate")


def test_both_forms_give_one_tree() -> None:
    tree = {
        "any": [{"not": {"metric": "sharpe", "max": 1}}, {"all": ["cagr > 0", {"metric": "skew", "min": 0}]}]
    }
    text = "not sharpe <= 1 or cagr > 0 and skew >= 0"
    assert parse_expression(tree, kind="gate") == parse_expression(text, kind="gate")


BAD_TREES = [
    ({}, (), "empty"),
    ({"all": []}, ("all",), "empty list"),
    ({"all": {}}, ("all",), "must be a list"),
    ({"every": []}, (), "unknown form every"),
    ({"all": ["sharpe > 1"], "any": ["cagr > 1"]}, ("any",), "does not go together"),
    ({"all": ["sharpe > 1", 3]}, ("all", 1), "must be text"),
    ({"all": ["sharpe > 1", "sharpee > 1"]}, ("all", 1), "unknown metric sharpee"),
    ({"not": {"any": [{"metric": "foo", "min": 1}]}}, ("not", "any", 0, "metric"), "unknown metric foo"),
    ({"metric": "sharpe"}, (), "needs min, max"),
    ({"metric": "sharpe", "min": None, "max": None}, (), "needs min, max"),
    ({"metric": "sharpe", "min": "1"}, ("min",), "must be a number"),
    ({"metric": "sharpe", "min": True}, ("min",), "must be a number"),
    ({"metric": "sharpe", "max": float("nan")}, ("max",), "finite"),
    ({"metric": "sharpe", "max": 10**400}, ("max",), "finite"),
    ({"metric": "sharpe", "min": 2, "max": 1}, ("min",), "above max"),
    ({"metric": "sharpe", "mn": 2}, ("mn",), "unknown key"),
    ({"metric": 3, "min": 2}, ("metric",), "name of a metric"),
]


@pytest.mark.parametrize(("tree", "path", "message"), BAD_TREES)
def test_what_is_no_tree_is_refused_with_its_path(
    tree: dict[str, object], path: tuple[object], message: str
) -> None:
    with pytest.raises(ExpressionFault) as refusal:
        parse_expression(tree, kind="gate")
    assert message in refusal.value.message
    assert refusal.value.path == path


def test_a_tree_tells_the_faults_of_all_its_branches() -> None:
    with pytest.raises(ExpressionFault) as refusal:
        parse_expression({"all": ["foo > 1", {"metric": "bar", "min": "x"}]}, kind="gate")
    assert [fault.path for fault in refusal.value.all_faults] == [
        ("all", 0), ("all", 1, "min"), ("all", 1, "metric"),
    ]  # fmt: skip


def test_a_deep_tree_is_refused() -> None:
    tree: dict[str, Any] = {"metric": "sharpe", "min": 1}
    for _ in range(5_000):
        tree = {"not": tree}
    with pytest.raises(ExpressionFault, match="too deeply"):
        parse_expression(tree, kind="gate")


@given(gates)
def test_a_gate_survives_its_text(gate: Condition) -> None:
    assert parse_expression(to_text(gate), kind="gate") == gate


@given(gates)
def test_a_gate_survives_its_tree_form(gate: Condition) -> None:
    assert parse_expression(to_tree(gate), kind="gate") == gate


@given(scores)
def test_a_score_survives_its_text(score: Quantity) -> None:
    assert parse_expression(to_text(score), kind="score") == score


@given(st.text(alphabet="ab.09<>=!()+-*/ andortshpe\n_%", max_size=60) | st.text(max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        gate = parse_expression(text, kind="gate")
    except ExpressionFault as fault:
        assert fault.message
    else:
        assert parse_expression(to_text(gate), kind="gate") == gate


def test_literals_are_nodes_of_the_tree() -> None:
    assert parse_expression("2 * sharpe", kind="score") == Arithmetic("*", Number(2.0), SHARPE)
    assert parse_expression("not sharpe > 1", kind="gate") == Not(Compare(">", SHARPE, Number(1.0)))
