"""An author's error on its way to the service and back: what is sent of it, and what a judged run tells of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qmtl.client.documents import Run
from qmtl.sdk.errors import AuthorError, DataError, NodeError, StrategyError
from qmtl.sdk.typed import ADDRESS

MOST_NODE, MOST_MESSAGE, MOST_TRACEBACK = 256, 2_000, 20_000
"""Characters that the service takes."""
BROKEN = "evaluation.error"
"""Reason code of a verdict about a run that could not be measured."""
SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|KEY|DSN|(^|_)(DATABASE|REDIS)_URL$", re.IGNORECASE)
SHORTEST_SECRET = 6
CUT = "...\n"


def error_document(error: StrategyError | DataError, *, secrets: Iterable[str] = ()) -> dict[str, str]:
    """What the service is told of it: the same for the same error, wherever in memory it happened.

    Neither `secrets` nor what the environment calls one is in it, nor where the author's home is.
    """
    hidden = sorted({*secrets, *secrets_of(os.environ)}, key=len, reverse=True)

    def plain(text: str) -> str:
        return sendable(text, hidden)

    kind = "data" if isinstance(error, DataError) else "strategy"
    told = {"kind": kind, "message": plain(str(error))}
    if isinstance(error, NodeError):
        told = {"kind": "node", "node": plain(error.node)[:MOST_NODE], "message": plain(error.what)}
    elif isinstance(error, AuthorError):
        told["message"] = plain(f"{error.where}: {error.what}")
    told["message"] = told["message"][:MOST_MESSAGE]
    if isinstance(error, AuthorError):
        trace = plain(error.trace)
        kept = trace if len(trace) <= MOST_TRACEBACK else CUT + trace[-MOST_TRACEBACK + len(CUT) :]
        told |= {"traceback": kept} | ({"at": error.at} if error.at else {})
    return told


def secrets_of(environment: Mapping[str, str]) -> set[str]:
    """Values of variables that are named like secrets."""
    return {
        value for name, value in environment.items() if SECRET.search(name) and len(value) >= SHORTEST_SECRET
    }


def sendable(text: str, hidden: Iterable[str]) -> str:
    for secret in hidden:
        if secret:
            text = text.replace(secret, "***")
    if (home := str(Path.home())) != os.sep:
        text = text.replace(home + os.sep, f"~{os.sep}")
    text = ADDRESS.sub("0x...", text)
    text = text.encode("utf-8", "replace").decode()  # half of a surrogate pair is no text
    return "".join(
        each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}" for each in text
    )


# --- what a judged run tells --------------------------------------------------------------------------------
def is_broken(run: Run) -> bool:
    """Whether nothing could be measured of it: its code failed, or its evidence was lost."""
    return run.summary is not None and any(each.reason_code == BROKEN for each in run.summary.violations)


def is_the_same(error: Mapping[str, str], stored: Mapping[str, Any] | None) -> bool:
    """Whether a run was judged for just this error. Lines of a traceback move with other code around them."""
    names = ("kind", "node", "at", "message")
    return stored is not None and all(error.get(name) == stored.get(name) for name in names)


def report_of(stored: Mapping[str, Any]) -> str:
    """The error of a run's validation block as its author read it: what failed, and the traceback."""
    where = {"node": f"node {stored.get('node')!r}", "data": "the data"}.get(
        str(stored.get("kind")), "the strategy's own code"
    )
    at = f" at {stored['at']}" if stored.get("at") else ""
    return f"{where} failed{at}: {stored.get('message', '')}\n\n{stored.get('traceback') or ''}".rstrip()
