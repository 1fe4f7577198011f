"""A report as a page to read: headings, facts and tables, before it is Markdown or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from qmtl.metrics import CATALOGUE

Tone = Literal["", "good", "warn", "bad"]
MISSING = "–"
TONES: dict[str, Tone] = {
    "pass": "good",
    "valid": "good",
    "ok": "good",
    "warn": "warn",
    "inconclusive": "warn",
    "insufficient": "warn",
    "stale": "warn",
    "absent": "warn",
    "unbounded": "warn",
    "missing": "warn",
    "counts": "warn",
    "fail": "bad",
    "invalid": "bad",
    "breached": "bad",
    "risk_cut": "bad",
    "at_once": "bad",
}
DECIMALS = {"probability": 3, "count": 0, "days": 0, "periods": 0, "count per year": 1}


@dataclass(frozen=True)
class Word:
    """A word of its own colour: a status, a verdict."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Code:
    """An id, a hash: told letter by letter."""

    text: str


@dataclass(frozen=True)
class Curve:
    """What became of one unit of money, evenly sampled, at least two values."""

    values: Sequence[float]


Cell = str | Word | Code | Curve


@dataclass(frozen=True)
class Text:
    words: str


@dataclass(frozen=True)
class Facts:
    pairs: Sequence[tuple[str, Cell]]


@dataclass(frozen=True)
class Table:
    """`numbers`: the columns that are read by their right edge."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: frozenset[int] = frozenset()


Block = Text | Facts | Table


@dataclass(frozen=True)
class Section:
    """`is_dense`: of many short lines, which may stand in two columns."""

    title: str
    blocks: Sequence[Block]
    is_dense: bool = False


@dataclass(frozen=True)
class Page:
    title: str
    verdict: Word
    headline: str
    sections: Sequence[Section]


# --- values in words ----------------------------------------------------------------------------------------
def status(text: Any) -> Word:
    return Word(str(text).replace("_", " "), TONES.get(str(text), ""))


def words(value: Any) -> str:
    """A value as people read it; nothing is a dash."""
    if value is None or value in ("", [], {}):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, float):
        return number(value, 4)
    if isinstance(value, list | tuple):
        return ", ".join(words(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {words(each)}" for name, each in value.items())
    return str(value)


def figure(value: Any, dotted: str) -> str:
    """A metric in the form of its unit: fractions in percent, ratios with two decimals."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return words(value)
    metric = CATALOGUE.get(dotted)
    unit = metric.unit if metric else unit_of_last(dotted)
    if unit.startswith("fraction"):
        return f"{fixed(100 * value, 2)} %"
    if unit:
        return fixed(value, DECIMALS.get(unit, 2))
    return words(value)


def unit_of_last(dotted: str) -> str:
    """Of a metric in a window or a scenario (`live.30d.sharpe`): that of the plain metric."""
    metric = CATALOGUE.get(f"returns.{dotted.rpartition('.')[2]}")
    return metric.unit if metric else ""


def fixed(value: float, decimals: int) -> str:
    """Fixed decimals; what rounds to zero has no sign, and what is very large is not spelt out."""
    if abs(value) >= 1e12:
        return f"{value:.4g}"
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"


def number(value: float, digits: int) -> str:
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e12 else f"{value:.{digits}g}"
