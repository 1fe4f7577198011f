"""From text to the tree: a Pratt parser over the tokens."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, cast

from worlds.domain.expression.faults import ExpressionFault, together
from worlds.domain.expression.names import MetricName, UnknownName, parse_name
from worlds.domain.expression.nodes import (
    Arithmetic,
    ArithmeticOperator,
    Compare,
    CompareOperator,
    Condition,
    Expression,
    Name,
    Not,
    Number,
    Quantity,
    conjunction,
    depth,
    disjunction,
    is_condition,
    number,
    size,
    walk,
)
from worlds.domain.expression.tokens import Token, tokenize

MAX_NODES: Final = 200
MAX_DEPTH: Final = 32
ExpressionKind: TypeAlias = Literal["gate", "score"]

_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN = range(1, 8)
_POWER: Final = {
    "or": _OR, "and": _AND, "<": _COMPARE, "<=": _COMPARE, ">": _COMPARE, ">=": _COMPARE, "==": _COMPARE,
    "!=": _COMPARE, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT,
}  # fmt: skip
_UNKNOWN: Final = MetricName("extra", "unknown")


def parse_text(source: str, *, kind: ExpressionKind) -> Expression:
    """The tree of `source`.

    Raises `ExpressionFault`: at the first place that does not parse, or at every unknown name.
    """
    if not source.strip():
        raise ExpressionFault(f"the {kind} is empty", position=0)
    expression = _Parser(tokenize(source)).parse()
    require_kind(expression, kind)
    require_bounds(expression)
    return expression


def require_kind(expression: Expression, kind: ExpressionKind) -> None:
    """Raise `ExpressionFault` unless a gate is a condition, a score a quantity, each over some metric."""
    if kind == "gate" and not is_condition(expression):
        raise ExpressionFault("a gate compares: write, for instance, `sharpe >= 1.5`", position=0)
    if kind == "score" and is_condition(expression):
        raise ExpressionFault("a score is a number: it has no comparison, `and`, `or` or `not`", position=0)
    comparisons: list[Expression] = [item for item in walk(expression) if isinstance(item, Compare)]
    for part in comparisons or [expression]:
        if not any(isinstance(item, Name) for item in walk(part)):
            what = "a comparison" if kind == "gate" else "a score"
            raise ExpressionFault(f"{what} names at least one metric", position=0)


def require_bounds(expression: Expression) -> None:
    """Raise `ExpressionFault` where the tree is larger or deeper than is allowed."""
    if (nodes := size(expression)) > MAX_NODES:
        raise ExpressionFault(
            f"the expression has {nodes} nodes, at most {MAX_NODES} are allowed", position=0
        )
    if (levels := depth(expression)) > MAX_DEPTH:
        raise ExpressionFault(
            f"the expression is {levels} levels deep, at most {MAX_DEPTH} are allowed", position=0
        )


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.index = 0
        self.nesting = 0
        self.faults: list[ExpressionFault] = []

    @property
    def current(self) -> Token:
        return self.tokens[self.index]

    def advance(self) -> Token:
        token = self.tokens[self.index]
        self.index += 1
        return token

    def parse(self) -> Expression:
        expression = self.expression(0)
        if self.current.kind != "end":
            raise self.unexpected(self.current)
        if self.faults:
            raise together(self.faults)
        return expression

    def expression(self, least: int) -> Expression:
        """Everything that binds at least as strongly as `least`."""
        self.nesting += 1
        if self.nesting > 3 * MAX_DEPTH:
            # Parentheses leave no node behind, so the tree's own depth cannot bound the recursion. A tree
            # that is just deep enough needs two calls per level.
            message = f"the expression is nested too deeply, at most {MAX_DEPTH} levels are allowed"
            raise ExpressionFault(message, position=self.current.position)
        left = self.prefix(self.advance())
        while (power := _POWER.get(self.current.text, 0)) > least:
            left = self.infix(left, self.advance(), power)
        self.nesting -= 1
        return left

    def prefix(self, token: Token) -> Expression:
        match token.kind, token.text:
            case "number", _:
                return number(token.value)
            case "name", _:
                return self.name(token)
            case "word", "not":
                return Not(self.condition(self.expression(_NOT), token))
            case "operator", "-":
                return negative(self.quantity(self.expression(_SIGN), token))
            case "operator", "(":
                return self.parenthesised(token)
            case _:
                raise self.unexpected(token)

    def parenthesised(self, opening: Token) -> Expression:
        inner = self.expression(0)
        if self.current.text != ")":
            if self.current.kind == "end":
                raise ExpressionFault("this parenthesis is never closed", position=opening.position)
            raise self.unexpected(self.current)
        self.advance()
        return inner

    def infix(self, left: Expression, operator: Token, power: int) -> Expression:
        right = self.expression(power)
        match operator.text:
            case "and":
                return conjunction((self.condition(left, operator), self.condition(right, operator)))
            case "or":
                return disjunction((self.condition(left, operator), self.condition(right, operator)))
            case symbol if power == _COMPARE:
                return self.comparison(cast(CompareOperator, symbol), left, right, operator)
            case symbol:
                numbers = self.quantity(left, operator), self.quantity(right, operator)
                return Arithmetic(cast(ArithmeticOperator, symbol), *numbers)

    def comparison(
        self, symbol: CompareOperator, left: Expression, right: Expression, operator: Token
    ) -> Expression:
        if isinstance(left, Compare) or _POWER.get(self.current.text) == _COMPARE:
            message = "comparisons are not chained: write `0 < a and a < 1` for `0 < a < 1`"
            raise ExpressionFault(message, position=operator.position)
        return Compare(symbol, self.quantity(left, operator), self.quantity(right, operator))

    def name(self, token: Token) -> Name:
        if self.current.text == "(":
            raise ExpressionFault(f"{token.text} is called: there are no functions", position=token.position)
        if token.text.lower() in ("and", "or", "not"):
            message = f"write `{token.text.lower()}` in small letters"
            raise ExpressionFault(message, position=token.position)
        try:
            return Name(parse_name(token.text))
        except UnknownName as unknown:
            # Go on: all the unknown names of an expression are told together.
            self.faults.append(
                ExpressionFault(str(unknown), position=token.position, nearest=unknown.nearest)
            )
            return Name(_UNKNOWN)

    def condition(self, node: Expression, at: Token) -> Condition:
        if not is_condition(node):
            raise ExpressionFault(f"`{at.text}` joins comparisons, not numbers", position=at.position)
        return cast(Condition, node)

    def quantity(self, node: Expression, at: Token) -> Quantity:
        if is_condition(node):
            raise ExpressionFault(f"`{at.text}` takes numbers, not comparisons", position=at.position)
        return cast(Quantity, node)

    def unexpected(self, token: Token) -> ExpressionFault:
        if token.kind == "end":
            return ExpressionFault("the expression ends too early", position=token.position)
        return ExpressionFault(f"unexpected `{token.text[:40]}`", position=token.position)


def negative(operand: Quantity) -> Quantity:
    """Minus `operand`: a literal changes its sign, anything else is multiplied by -1."""
    if isinstance(operand, Number):
        return number(-operand.value)
    return Arithmetic("*", Number(-1.0), operand)
