"""Strategies that no file has: typed into the cells of a notebook, at a prompt, or into `python -c`."""

from __future__ import annotations

import linecache
import os
import subprocess
import sys
from typing import Any

import pytest

from qmtl.sdk import Node, NodeError, Runner, Strategy
from qmtl.sdk.identity import code_hash
from tests.sdk.authors import prices

CELL = """
import numpy as np
from functools import cache, partial
from qmtl.sdk import Node, Strategy

NAMES = {"alpha", "beta", "gamma", "delta"}
HALF = 0.5
TABLE = {"a": np.arange(3.0)}

def half(window):
    return window[-1] * 0 + HALF

@cache
def scale(count):
    return 1.0 / count

class Model:
    def __init__(self, bias):
        self.bias = bias

    def predict(self, window):
        return window[-1] + self.bias

MODEL = Model(0.25)

class Base(Strategy):
    marks = frozenset({"one", "two", "three"})

    @staticmethod
    def spread(window):
        return half(window) / window.shape[1] * scale(1) + 0 * MODEL.predict(window)

    @property
    def names(self):
        return NAMES

class Mine(Base):
    "Half of everything."

    thing = object()
    twice = partial(round, ndigits=2)

    def setup(self):
        self.add(Node("weights", [self.stream()], self.decide))

    def decide(self, window):
        if "x" in {"alpha", "beta", "gamma"}:
            return TABLE
        try:
            return self.spread(window)
        except ZeroDivisionError:
            return np.ones(3)
"""
SAY = "\nfrom qmtl.sdk.identity import code_hash\nprint(code_hash(Mine()))\n"


def typed(code: str = CELL, name: str = "__typed__") -> str:
    """The hash of the class in a module that has no file."""
    scope: dict[str, Any] = {"__name__": name}
    exec(code, scope)
    return code_hash(scope["Mine"]())


def test_it_is_the_same_in_every_process() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", CELL + SAY], env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(said) == 1
    assert typed() == typed()


CHANGES = {
    "what it does": ("/ window.shape[1]", "* window.shape[1]"),
    "a function of another cell": ("* 0 + HALF", "* 0 - HALF"),
    "a number of another cell": ("HALF = 0.5", "HALF = 0.25"),
    "a function with a cache": ("1.0 / count", "2.0 / count"),
    "a class of another cell": ("window[-1] + self.bias", "window[-1] - self.bias"),
    "what an object holds": ("Model(0.25)", "Model(0.5)"),
    "a set of another cell": ('"delta"}', '"epsilon"}'),
    "an array of another cell": ("arange(3.0)", "arange(4.0)"),
    "an attribute of the class above": ('"three"}', '"four"}'),
    "a part of it": ("ndigits=2", "ndigits=3"),
    "what it catches": ("except ZeroDivisionError", "except KeyError"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_it_uses_counts(change: str) -> None:
    before, after = CHANGES[change]
    assert before in CELL
    assert typed(CELL.replace(before, after)) != typed()


@pytest.mark.parametrize(
    "more",
    ["UNUSED = 1", "def unused():\n    return 2", "shape = (3, 4)", "# a comment", "import json"],
)
def test_what_it_does_not_use_does_not_count(more: str) -> None:
    assert typed(f"{CELL}\n{more}\n") == typed()


def test_things_that_hold_themselves_are_no_hindrance() -> None:
    code = (
        CELL + "\nloop = []\nloop.append(loop)\nMine.loop = loop\nMine.again = Mine.decide\nMine.me = Mine\n"
    )
    assert typed(code) == typed(code) != typed()


# --- cells of a notebook ------------------------------------------------------------------------------------
def cell(code: str, number: int) -> dict[str, Any]:
    """As IPython runs one: lines that tracebacks and `inspect` find under a name of its own, in `__main__`."""
    name = f"/tmp/ipykernel_4711/{number}.py"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(code, name, "exec"), scope)
    return scope


def test_comments_and_layout_of_a_cell_do_not_count() -> None:
    first = cell(CELL, 1)["Mine"]
    moved = CELL.replace("    def decide", "    # what to hold\n\n    def decide").replace("* 0 +", "*  0  +")
    assert code_hash(first()) == code_hash(cell(moved, 2)["Mine"]())


def test_a_cell_that_fails_is_told_with_its_line() -> None:
    kind = cell(CELL.replace("return half(window) / window.shape[1] *", "return half(window) / nobody *"), 3)[
        "Mine"
    ]
    with pytest.raises(NodeError, match="NameError: name 'nobody' is not defined") as caught:
        Runner.offline(kind, prices(30, 3))
    assert 'File "/tmp/ipykernel_4711/3.py", line 31, in spread' in caught.value.trace
    assert "return half(window) / nobody *" in caught.value.trace


def test_a_class_made_of_what_is_around_it_counts_with_that() -> None:
    def making(part: float) -> type[Strategy]:
        class Mine(Strategy):
            __module__ = "typed"

            def setup(self) -> None:
                self.add(Node("weights", [self.stream()], lambda w: w[-1] * 0 + part))

        return Mine

    assert code_hash(making(0.5)()) == code_hash(making(0.5)()) != code_hash(making(0.25)())
