"""What somebody may have meant who named something that is not there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

ALIKE, ALIKE_IN_PART = 0.6, 0.75


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like it, or like a word of it, or begins so; None where none is.

    >>> nearest("alpa_world", ["alpha_world", "demo"]), nearest("alpa_world", ["alpha", "demo"])
    ('alpha_world', 'alpha')
    """
    names = {each.lower(): each for each in known}
    asked = name.lower()
    found = difflib.get_close_matches(asked, names, n=1, cutoff=ALIKE)
    for word in re.findall(r"[^\W_]{3,}", asked):
        found = found or difflib.get_close_matches(word, names, n=1, cutoff=ALIKE_IN_PART)
    begun = sorted(each for each in names if len(asked) > 1 and each.startswith(asked))
    return names[(found or begun)[0]] if found or begun else None


def not_there(what: str, name: str, known: Iterable[str], *, where: str = "") -> str:
    """`no such world 'alpa'; did you mean 'alpha'?`, or what there is. where: like `in world 'alpha'`."""
    names = sorted(known)
    missing = f"no such {what} {name!r}{' ' if where else ''}{where}"
    if meant := nearest(name, names):
        return f"{missing}; did you mean {meant!r}?"
    listed = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return f"{missing}; there is {listed or 'none that you may see'}"
