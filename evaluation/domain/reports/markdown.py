"""A page as Markdown: what is written into it stays text, whatever it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evaluation.domain.reports.page import Block, Cell, Code, Curve, Facts, Page, Table, Text, Word

SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&])")
AT_START = re.compile(r"^(\s*)([-+]|\d+[.)])(\s)")
BARS = "▁▂▃▄▅▆▇█"


def to_markdown(page: Page) -> str:
    lines = [f"# {text(page.title)}", "", f"**{text(page.verdict.text)}**: {text(page.headline)}"]
    for section in page.sections:
        lines += ["", f"## {text(section.title)}"]
        for block in section.blocks:
            lines += ["", *block_lines(block)]
    return "\n".join(lines) + "\n"


def block_lines(block: Block) -> list[str]:
    if isinstance(block, Text):
        return [AT_START.sub(r"\1\\\2\3", text(block.words))]
    if isinstance(block, Facts):
        return table(Table(("", ""), [(name, value) for name, value in block.pairs]))
    return table(block)


def table(block: Table) -> list[str]:
    rules = ["---:" if place in block.numbers else "---" for place in range(len(block.columns))]
    return [row([text(name) for name in block.columns]), row(rules), *map(cells, block.rows)]


def cells(values: Sequence[Cell]) -> str:
    return row([cell(value) for value in values])


def row(values: Sequence[str]) -> str:
    return f"| {' | '.join(values)} |"


def cell(value: Cell) -> str:
    if isinstance(value, Word):
        return f"**{text(value.text)}**" if value.tone in {"warn", "bad"} else text(value.text)
    if isinstance(value, Code):
        return code(value.text)
    if isinstance(value, Curve):
        return bars(value.values)
    return text(value)


def code(value: str) -> str:
    plain = one_line(value)
    return text(plain) if "`" in plain or "|" in plain or not plain else f"`{plain}`"


def text(value: str) -> str:
    return SPECIAL.sub(r"\\\1", one_line(value))


def one_line(value: str) -> str:
    """Without line breaks and control characters: a value stays where it stands."""
    return "".join(letter if letter.isprintable() else " " for letter in value).strip()


def bars(values: Sequence[float]) -> str:
    """A line of text that rises and falls as the values do."""
    low, high = min(values), max(values)
    span = high - low
    if not span > 0:
        return BARS[0] * len(values)
    return "".join(BARS[min(int((value - low) / span * len(BARS)), len(BARS) - 1)] for value in values)
