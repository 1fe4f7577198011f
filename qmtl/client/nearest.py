"""What somebody may have meant who named something that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like it, None where none is."""
    names = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return names[found[0]] if found else None


def not_there(what: str, name: str, known: Iterable[str], *, where: str = "") -> str:
    """`no such world 'alpa'; did you mean 'alpha'?`, or what there is. where: like `in world 'alpha'`."""
    names = sorted(known)
    missing = f"no such {what} {name!r}{' ' if where else ''}{where}"
    if meant := nearest(name, names):
        return f"{missing}; did you mean {meant!r}?"
    listed = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return f"{missing}; there is {listed or 'none that you may see'}"
