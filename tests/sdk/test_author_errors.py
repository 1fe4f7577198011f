"""Whatever an author's code does wrong is told in one way: where, when, what, and the author's own lines."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmtl.sdk import AuthorError, Node, NodeError, Runner, Strategy, StrategyError, load_strategy
from qmtl.sdk.strategy import made
from tests.sdk.authors import prices

FRAME = prices(30, 3)
AT = "2010-01-04T00:00:00Z"


def giving(result: Callable[[], Any], name: str = "weights") -> type[Strategy]:
    class Giving(Strategy):
        def setup(self) -> None:
            self.add(Node(name, [self.stream()], self.decide))

        def decide(self, window: np.ndarray) -> Any:
            return result()

    return Giving


def generator() -> Any:
    yield 1.0


async def later() -> Any: ...


OUTPUTS: dict[str, tuple[Any, str]] = {
    "too few": (lambda: np.ones(2), "gives 2 weights for 3 symbols"),
    "too many": (lambda: [0.1] * 4, "gives 4 weights for 3 symbols"),
    "a single one": (lambda: 0.5, "gives 1 weight for 3 symbols"),
    "none in a list": (lambda: [0.5, None, 0.5], r"gives \[0.5, None, 0.5\] \(list\)"),
    "none by symbol": (lambda: {"S1": None}, r"gives None \(NoneType\) for S1"),
    "nan": (lambda: [0.1, np.nan, 0.2], "gives nan for S1; give a finite number"),
    "nan by symbol": (lambda: {"S2": float("nan")}, "gives nan for S2"),
    "infinite": (lambda: np.array([0.1, 0.2, -np.inf]), "gives -inf for S2"),
    "a text": (lambda: "0.5", r"gives '0.5' \(str\); give a number for each symbol"),
    "texts": (lambda: ["a", "b", "c"], r"gives \['a', 'b', 'c'\] \(list\)"),
    "a text by symbol": (lambda: {"S0": "0.5"}, r"gives '0.5' \(str\) for S0"),
    "a generator": (generator, "gives a generator, not its values"),
    "a set": (lambda: {0.1, 0.2}, r"\(set\)"),
    "an unknown symbol": (lambda: {"Z": 1.0}, "names 'Z'"),
    "a table": (lambda: np.ones((2, 3)), r"shape \(2, 3\)"),
    "ragged": (lambda: [[1.0], [1.0, 2.0]], r"\(list\)"),
    "complex": (lambda: np.ones(3) * 1j, r"\(ndarray\)"),
    "dollars": (lambda: [5000.0, 0.0, 0.0], "weight 5000 for S0, which is no fraction"),
}


@pytest.mark.parametrize("case", OUTPUTS)
def test_weights_that_are_none_are_told_with_node_and_time(case: str) -> None:
    result, said = OUTPUTS[case]
    with pytest.raises(NodeError, match=said) as caught:
        Runner.offline(giving(result), FRAME)
    assert str(caught.value).startswith(f"node 'weights' failed at {AT}: it ")
    assert "in decide" in caught.value.trace
    assert caught.value.exit_status == 1


def test_what_is_to_be_awaited_is_told() -> None:
    waiting = later()
    with pytest.raises(NodeError, match="to be awaited"):
        Runner.offline(giving(lambda: waiting), FRAME)
    waiting.close()


@pytest.mark.parametrize(
    ("value", "said"), [(np.nan, "the return nan"), (np.inf, "the return inf"), (-1.5, "the return -1.5")]
)
def test_returns_of_its_own_that_are_none(value: float, said: str) -> None:
    with pytest.raises(NodeError, match=f"node 'returns' failed at {AT}: it gives {said}"):
        Runner.offline(giving(lambda: value, "returns"), FRAME)


def test_returns_are_one_for_all_symbols() -> None:
    with pytest.raises(NodeError, match="it gives 2 returns; give the one of the whole strategy"):
        Runner.offline(giving(lambda: [0.1, 0.2], "returns"), FRAME)


def test_what_nobody_would_read_is_cut() -> None:
    def fail() -> None:
        raise ValueError("x" * 1_000_000)

    with pytest.raises(NodeError, match="ValueError: xxx") as caught:
        Runner.offline(giving(fail), FRAME)
    assert len(caught.value.report) < 10_000


@pytest.mark.parametrize(
    "result",
    [[Decimal("0.5")] * 3, {"S0": Decimal("0.5")}, (True, False, True), np.ones(3, np.float32), None],
)
def test_numbers_of_any_kind_are_weights(result: Any) -> None:
    results = iter([[0.1, 0.2, 0.3]] + [result] * 100)
    assert len(Runner.offline(giving(lambda: next(results)), FRAME).returns) == 29


def test_a_step_in_between_may_give_what_is_not_known() -> None:
    class Filled(Strategy):
        def setup(self) -> None:
            change = Node("change", [self.stream()], lambda w: w[-1] * np.nan)
            self.add(Node("weights", [change], lambda c: np.nan_to_num(c[-1])))

    assert len(Runner.offline(Filled, FRAME).returns) == 29


def test_what_is_given_may_be_changed_afterwards() -> None:
    kept = np.full(3, 0.1)

    def growing() -> np.ndarray:
        kept[:] += 0.01
        return kept

    class Two(Strategy):
        def setup(self) -> None:
            one = Node("one", [self.stream()], lambda w: growing())
            self.add(Node("weights", [one], lambda o: np.diff(o[:, 0]).repeat(3), period=2))

    assert np.ptp(Runner.offline(Two(), FRAME).returns) > 0


def test_a_node_that_returns_nothing_is_named() -> None:
    class Forgetful(Strategy):
        def setup(self) -> None:
            change = Node("change", [self.stream()], lambda w: None)
            self.add(Node("weights", [change], lambda c: c[-1]))

    with pytest.raises(NodeError, match=r"node 'change' failed at .*: it gave nothing at any of 30 bars"):
        Runner.offline(Forgetful, FRAME)


def test_too_little_history_names_the_node() -> None:
    class Patient(Strategy):
        def setup(self) -> None:
            self.add(Node("weights", [self.stream(period=31)], lambda w: w[-1]))

    with pytest.raises(NodeError, match=r"node 'weights' failed at .* looks back 31 of them"):
        Runner.offline(Patient, FRAME)


# --- where there is no bar yet ----------------------------------------------------------------------------------
class OwnBase(BaseException):
    pass


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError


RAISED: dict[str, tuple[BaseException, str]] = {
    "an exception": (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero"),
    "nothing said": (KeyError(), "KeyError"),
    "an exit": (SystemExit(0), r"it ends the process: sys.exit\(0\)"),
    "of its own": (OwnBase("x"), "OwnBase: x"),
    "without words": (Unspeakable(), "Unspeakable: "),
    "not implemented": (NotImplementedError("later"), "NotImplementedError: later"),
}


@pytest.mark.parametrize("case", RAISED)
@pytest.mark.parametrize("place", ["setup", "__init__", "decide"])
def test_what_is_raised_is_told_with_its_place(place: str, case: str) -> None:
    error, said = RAISED[case]

    def fail(*_: Any) -> None:
        raise error

    base = giving(lambda: [0.1] * 3)
    kind = type("Mine", (base,), {place: fail, "__module__": __name__})
    where = {"setup": "setup of Mine", "__init__": "the constructor of Mine", "decide": "node 'weights'"}[
        place
    ]
    with pytest.raises(AuthorError, match=said) as caught:
        Runner.offline(kind, FRAME)
    assert caught.value.where == where
    assert caught.value.at == (AT if place == "decide" else "")
    assert f'File "{__file__}"' in caught.value.trace
    assert "qmtl/sdk/engine" not in caught.value.trace


@pytest.mark.parametrize("place", ["setup", "__init__", "decide"])
def test_an_interrupt_stays_one(place: str) -> None:
    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Runner.offline(type("Mine", (giving(lambda: [0.1] * 3),), {place: fail}), FRAME)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"costs_bps": "cheap"}, "costs_bps of Mine failed: ValueError"),
        ({"costs_bps": -100.0}, "costs_bps of Mine failed: it is -100; give basis points, 0 or more"),
        ({"side": "up"}, "the class Mine failed: its side is 'up'; it is one of long, short, both"),
        ({"tags": "slow"}, "the class Mine failed: its tags are 'slow'; give a tuple"),
        ({"tags": None}, "the class Mine failed"),
        ({"id": 7}, "the class Mine failed: its id is 7; give a text"),
        ({"id": "my strategy"}, "'my strategy' is no name for the service"),
    ],
)
def test_attributes_of_no_use_are_told(named: dict[str, Any], said: str) -> None:
    with pytest.raises(AuthorError, match=said):
        Runner.offline(type("Mine", (giving(lambda: [0.1] * 3),), named), FRAME)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda s: s.add(None), "None is no node"),
        (lambda s: s.add(Node("weights", s.stream(), len)), r"needs a list of its inputs: \[the stream\]"),
        (lambda s: s.add(Node("weights", [s.stream(interval="soon")], len)), "'soon' is not an interval"),
        (lambda s: s.add(Node("weights", [s.stream()], len, interval="soon")), "'soon' is not an interval"),
        (lambda s: s.stream(period="long"), "the stream 'close' has the period 'long'; it is a whole number"),
    ],
)
def test_setup_is_named_for_a_graph_that_is_none(make: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(AuthorError, match=f"setup of Mine failed: .*{said}"):
        Runner.offline(type("Mine", (Strategy,), {"setup": make}), FRAME)


def test_a_field_that_the_data_lacks_is_told_before_anything_else() -> None:
    from qmtl.sdk import DataError

    kind = type("Mine", (Strategy,), {"setup": lambda s: s.add(Node("weights", [s.stream("colse")], len))})
    with pytest.raises(DataError, match="no 'colse', only close"):
        Runner.offline(kind, FRAME)


# --- constructors of authors ------------------------------------------------------------------------------------
class Own(Strategy):
    """Its constructor is its own, and does not call the one above it."""

    def __init__(self, part: float, *, more: float = 0.0) -> None:
        self.part = part + more

    def setup(self) -> None:
        self.add(Node("weights", [self.stream()], lambda w: np.full(w.shape[1], self.part)))


def test_parameters_of_an_own_constructor_are_kept() -> None:
    again = made(Own(0.1, more=0.05))
    assert isinstance(again, Own)
    assert (again.part, again.params) == (pytest.approx(0.15), {"part": 0.1, "more": 0.05})


def test_other_parameters_are_another_run() -> None:
    runs = {Runner.offline(each, FRAME).run_id for each in (Own(0.1), Own(part=0.1), Own(0.2))}
    assert len(runs) == 2


def test_parameters_are_given_to_a_class() -> None:
    assert Runner.offline(Own, FRAME, params={"part": 0.1}).run_id == Runner.offline(Own(0.1), FRAME).run_id


@pytest.mark.parametrize("params", [{"prt": 1}, {"part": 1, "less": 2}])
def test_parameters_that_there_are_not_are_a_usage_error(params: dict[str, Any]) -> None:
    with pytest.raises(StrategyError) as caught:
        Runner.offline(Own, FRAME, params=params)
    assert caught.value.exit_status == 2


# --- modules ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", r"sys.exit\(3\)"),
        ("def decide(:", "SyntaxError"),
        ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
    ],
)
def test_a_module_that_fails_shows_its_line(tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "mine.py").write_text(f"\n\n{code}\n")
    with pytest.raises(AuthorError, match=f"importing .*mine.py failed: .*{said}") as caught:
        load_strategy(str(tmp_path / "mine.py"))
    assert "line 3" in caught.value.trace


def test_a_file_takes_no_librarys_place(tmp_path: Path) -> None:
    import signal

    (tmp_path / "signal.py").write_text("from qmtl.sdk import Strategy\n\n\nclass Mine(Strategy): ...\n")
    load_strategy(str(tmp_path / "signal.py"))
    import sys

    assert sys.modules["signal"] is signal


@pytest.mark.parametrize("name", ["no such.thing:Mine", ":Mine", "..mine:Mine", "mine.txt"])
def test_what_names_no_module_is_told(name: str) -> None:
    with pytest.raises(StrategyError) as caught:
        load_strategy(name)
    assert caught.value.exit_status == 2
