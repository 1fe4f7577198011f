"""Figures as people read them: fixed decimals by unit, percent for fractions."""

from __future__ import annotations

from qmtl.metrics import CATALOGUE

MISSING = "–"
UNITS = {
    "fraction": "",
    "fraction per year": "p.a.",
    "ratio per year": "p.a.",
    "count per year": "p.a.",
    "probability": "prob.",
    "currency": "",
    "number": "",
    "boolean": "",
}
DECIMALS = {
    "ratio per year": 2,
    "ratio": 2,
    "number": 2,
    "probability": 3,
    "count": 0,
    "count per year": 1,
    "currency": 2,
    "years": 2,
    "days": 0,
    "periods": 0,
}


def unit_of(dotted: str) -> str:
    """The catalogue's unit of a metric; empty for a name outside it."""
    metric = CATALOGUE.get(dotted)
    return metric.unit if metric else ""


def figure(value: object, unit: str = "") -> str:
    """The figure in its unit's fixed form; text and lists as they are, nothing as a dash."""
    if value is None or value == "" or value == []:
        return MISSING
    if isinstance(value, bool) or unit == "boolean":
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    if not isinstance(value, int | float):
        return str(value)
    if unit.startswith("fraction"):
        return f"{fixed(100 * value, 2)} %"
    decimals = DECIMALS.get(unit)
    if decimals is None:
        return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    return fixed(value, decimals)


def fixed(value: float, decimals: int) -> str:
    """Fixed decimals; what rounds to zero has no sign."""
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"


def metric_figure(dotted: str, value: object) -> str:
    return figure(value, unit_of(dotted))


def unit_words(unit: str, currency: str = "") -> str:
    """The unit as a column shows it."""
    return currency if unit == "currency" else UNITS.get(unit, unit)
