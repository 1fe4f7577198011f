"""A progress bar where somebody looks, at a terminal or in a notebook, and nothing elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from html import escape
from typing import Any

Show = Callable[[str, int, int], None]
EVERY = 0.1
"""Seconds between two pictures of a notebook's bar."""


def silent(what: str, done: int, total: int) -> None:
    """Nobody looks."""


def progress_bar() -> AbstractContextManager[Show]:
    """`show(what, done, total)`; with a total of 0 something is waited for."""
    if (display := notebook_display()) is not None:
        return in_notebook(display)
    return on_terminal() if sys.stderr.isatty() else nullcontext(silent)


@contextmanager
def on_terminal() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done)

        yield show


# --- notebooks ------------------------------------------------------------------------------------------------
def notebook_display() -> Callable[..., Any] | None:
    """IPython's `display` where a notebook shows what it is given; a terminal's IPython is a terminal."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display  # type: ignore[import-not-found, unused-ignore]  # it is there: it runs us

    return display  # type: ignore[no-any-return, unused-ignore]


class Bar:
    """How far it is; once `what` is empty, nothing."""

    def __init__(self, what: str = "", done: int = 0, total: int = 0) -> None:
        self.what, self.done, self.total = what, done, total

    def __repr__(self) -> str:
        return f"{self.what} {self.done / self.total:.0%}" if self.total else self.what

    def _repr_html_(self) -> str:
        if not self.what:
            return ""
        how_far = f' value="{self.done}" max="{self.total}"' if self.total else ""
        return f'<div><progress{how_far} style="width:20em"></progress> {escape(repr(self))}</div>'


@contextmanager
def in_notebook(display: Callable[..., Any]) -> Iterator[Show]:
    """One output that is drawn anew, and empty in the end. Neither widgets nor what steers a terminal is needed."""
    handle: Any = None
    drawn, last = 0.0, ""

    def show(what: str, done: int, total: int) -> None:
        nonlocal handle, drawn, last
        if what == last and time.monotonic() - drawn < EVERY:
            return
        drawn, last = time.monotonic(), what
        if handle is None:
            handle = display(Bar(what, done, total), display_id=True)
        else:
            handle.update(Bar(what, done, total))

    try:
        yield show
    finally:
        if handle is not None:
            handle.update(Bar())
