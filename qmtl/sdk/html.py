"""What notebooks show of a result. It takes the page's own colours, light or dark; only the badge brings its own."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

COLOURS = {0: "#1a7f37", 1: "#cf222e", 3: "#9a6700", 4: "#57606a"}
"""Of a badge by exit status; white letters are read on each."""
BADGE = "background:{};color:#fff;border-radius:3px;padding:1px 7px;margin-right:6px;font-weight:600"
CODE = "font-family:monospace;font-size:90%;line-height:1.35;overflow-x:auto;white-space:pre"


def page(*parts: str) -> str:
    return f"<div>{''.join(parts)}</div>"


def headline(text: str, badge: str, exit_status: int) -> str:
    style = BADGE.format(COLOURS.get(exit_status, COLOURS[1]))
    return f'<p><span style="{style}">{escape(badge)}</span>{escape(text)}</p>'


def paragraph(text: str | None) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Names and what they are."""
    cells = "".join(
        f'<tr><td style="text-align:left">{escape(name)}</td><td style="text-align:right">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{cells}</table>" if cells else ""


def items(lines: Iterable[str]) -> str:
    listed = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{listed}</ul>" if listed else ""


def code(text: str) -> str:
    """As it is, in letters of one width, so that the marks of a traceback stand below what they mark."""
    return f'<pre style="{CODE}">{escape(text.rstrip())}</pre>' if text else ""
