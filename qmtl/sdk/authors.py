"""An author's code at work: whatever it raises is told in the same way, with the author's own lines."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qmtl.client.errors import QmtlError
from qmtl.sdk.errors import AuthorError

OWN = str(Path(__file__).parents[1]) + os.sep
IMPORTING = "<frozen importlib"
MOST_FRAMES = 12
LONGEST = 2_000
"""Of a text that somebody has to read."""


@contextmanager
def authors_code(where: str) -> Iterator[None]:
    """AuthorError for whatever is raised inside, be it sys.exit(); an interrupt stays one."""
    try:
        yield
    except (KeyboardInterrupt, AuthorError):
        raise
    except BaseException as error:
        raise AuthorError(where, words_of(error), trace=trace_of(error)) from error


def words_of(error: BaseException) -> str:
    """What was raised, in a line. What this package says of an author's mistake needs no class."""
    if isinstance(error, SystemExit):
        return f"it ends the process: sys.exit({'' if error.code is None else repr(error.code)})"
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "(it cannot say what)"
    if isinstance(error, QmtlError):
        return text
    if len(text) > LONGEST:
        text = text[:LONGEST] + " ..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def trace_of(error: BaseException) -> str:
    """A traceback that begins at the author's first line and has none of this package's; "" where it has only those."""
    told = traceback.TracebackException.from_exception(error, limit=-400)
    each: traceback.TracebackException | None = told
    while each is not None:
        frames = [frame for frame in each.stack if not frame.filename.startswith((OWN, IMPORTING))]
        each.stack = traceback.StackSummary.from_list(worth_telling(frames))
        each = each.__cause__ or each.__context__
    is_syntax = isinstance(error, SyntaxError)
    lines = (line if len(line) <= LONGEST else line[:LONGEST] + " ...\n" for line in told.format())
    return "".join(lines).rstrip() if told.stack or is_syntax else ""


def worth_telling(frames: list[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """The first ones, which are the author's, and the last ones: a library in between may be deep."""
    half = MOST_FRAMES // 2
    return frames if len(frames) <= MOST_FRAMES else frames[:half] + frames[-half:]


def place_of(function: Callable[..., Any]) -> str:
    """Where a function stands, as a line of a traceback; "" for what has no code of its own."""
    code = getattr(function, "__code__", None)
    if code is None:
        return ""
    return f'  File "{code.co_filename}", line {code.co_firstlineno}, in {code.co_name}'
