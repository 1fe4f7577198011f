"""What an audit entry or an event says, in words: `validating → dry_run: backtest run x passed`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

DIGEST = re.compile(r"[0-9a-f]{64}")
LONGEST_VALUE = 40


def happened(details: str) -> str:
    """From where to where, what else there is to say, and why. Details that are no object stay as they are."""
    try:
        known = orjson.loads(details)
    except orjson.JSONDecodeError:
        return details
    if not isinstance(known, dict):
        return details
    return told(known)


def told(known: dict[str, Any]) -> str:
    said = [words for words in (moved(known), *others(known)) if words] or digests(known)
    return ": ".join(part for part in (", ".join(said), str(known.get("reason") or "")) if part)


def moved(known: dict[str, Any]) -> str:
    before, after = known.get("before"), known.get("after") or known.get("status") or ""
    return f"{before} → {after or '?'}" if before else str(after)


def others(known: dict[str, Any]) -> Iterator[str]:
    for name, value in known.items():
        if name == "fields" and isinstance(value, dict):
            yield sets(value)
        elif name not in {"before", "after", "status", "reason"} and said(value) and not is_digest(value):
            yield f"{spoken(name)} {said(value)}"


def sets(fields: dict[str, Any]) -> str:
    """Which fields were written: a short value beside its name, a long one by its name alone."""
    named = ", ".join(f"{name} {short(value)}".rstrip() for name, value in fields.items())
    return f"sets {named}" if named else ""


def digests(known: dict[str, Any]) -> list[str]:
    """Only where nothing else is known: they stand in full on the entry's own page."""
    return [f"{spoken(name)} {value[:12]}…" for name, value in known.items() if is_digest(value)]


def short(value: Any) -> str:
    text = "" if isinstance(value, list | dict) else said(value)
    return text if len(text) <= LONGEST_VALUE else ""


def said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode() if value else ""
    return "" if value is None else str(value)


def is_digest(value: Any) -> bool:
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


def spoken(name: str) -> str:
    return name.replace("_", " ")
