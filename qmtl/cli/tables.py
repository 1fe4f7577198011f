"""Answers to look at: tables and lists of facts that fit 80 columns. Ids are folded, never cut."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

GREEN = frozenset(
    {"pass", "live", "ACTIVE", "active", "completed", "evaluated", "promote", "ok", "open", "activated"}
)
YELLOW = frozenset(
    {"warn", "inconclusive", "EVALUATION_ONLY", "pending", "queued", "applying", "reopen", "draft"}
    | {"stale", "absent", "insufficient", "unbounded", "missing"}
)
RED = frozenset(
    {"fail", "rejected", "PAUSED", "RETIRED", "demote", "rolled_back", "error", "compute-only"}
    | {"breached", "risk_cut"}
)


ABSENT: tuple[Any, ...] = (None, "", [], {}, ())
SHORT, MANY = 20, 8
"""Cells up to that length are not folded, in tables with up to so many columns."""


def cell(value: Any) -> str:
    """A value in words; nothing in it steers the terminal."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return figure(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {cell(each)}" for key, each in value.items()) or "-"
    if isinstance(value, list | tuple | set):
        return ", ".join(cell(each) for each in value) or "-"
    return printable(str(value))


def printable(text: str) -> str:
    return "".join(each if each.isprintable() else "�" for each in text.replace("\n", " "))


def figure(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 1000 else f"{value:.4g}"


def styled(value: Any) -> Text:
    from rich.text import Text

    text = cell(value)
    style = "green" if text in GREEN else "yellow" if text in YELLOW else "red" if text in RED else ""
    return Text(text, style=style)


def table(
    out: Console, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "none"
) -> None:
    """One line for each; numbers to the right, and no column in which nothing stands.

    `empty` is said where there are no rows.
    """
    from rich.table import Table

    found = [list(row) for row in rows]
    if not found:
        out.print(f"({empty})")
        return
    shown = [
        place for place in range(len(columns)) if place == 0 or any(row[place] not in ABSENT for row in found)
    ]
    drawn = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for place in shown:
        cells = [row[place] for row in found]
        short = max(len(cell(each)) for each in cells) <= SHORT
        drawn.add_column(
            columns[place].upper(),
            justify="right" if all(is_number(each) for each in cells) else "left",
            overflow="fold",
            no_wrap=short and len(shown) <= MANY,
        )
    for row in found:
        drawn.add_row(*(styled(row[place]) for place in shown))
    out.print(drawn)


def is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def facts(out: Console, pairs: Mapping[str, Any]) -> None:
    """A name and a value in each line; what is not known is left out."""
    from rich.table import Table

    drawn = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    drawn.add_column(style="bold", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in pairs.items():
        if value not in ABSENT:
            drawn.add_row(name, styled(value))
    out.print(drawn)


def entries(
    out: Console, columns: Sequence[str], rows: Iterable[tuple[Sequence[Any], Sequence[Any]]], *, empty: str
) -> None:
    """As in a log: a line of short cells, and below it what is longer."""
    from rich.text import Text

    found = [
        ([cell(each) for each in head], [cell(each) for each in body if each not in ABSENT])
        for head, body in rows
    ]
    if not found:
        out.print(f"({empty})")
        return
    heads = [[name.upper() for name in columns], *(head for head, _ in found)]
    widths = [max(len(head[place]) for head in heads) for place in range(len(columns))]
    out.print(Text(aligned(heads[0], widths), style="bold"), soft_wrap=True)
    for head, body in found:
        out.print(aligned(head, widths), soft_wrap=True)
        for text in body:
            paragraph(out, " " * (widths[0] + 2) + text)


def aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (f"{each:<{width}}" for each, width in zip(cells, widths, strict=True))
    return "  ".join([first.strip().rjust(widths[0]), *others]).rstrip()


def heading(out: Console, text: str) -> None:
    from rich.text import Text

    out.print()
    out.print(Text(text, style="bold"))


def paragraph(out: Console, text: str) -> None:
    """Words, wrapped; what a line is indented by, and its dash, stand out."""
    for line in text.splitlines() or [""]:
        indent = len(line) - len(line.lstrip(" "))
        inner = " " * (indent + 2 * line.lstrip(" ").startswith("- "))
        wrapped = textwrap.wrap(
            printable(line), out.width, subsequent_indent=inner, break_on_hyphens=False, drop_whitespace=True
        )
        out.print("\n".join(wrapped), soft_wrap=True)
