"""Parameters of queries that several views read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from qmtl_site.http.refusals import Invalid
from worlds.domain.series import EARLIEST, LATEST


def flag_of(params: Any, name: str) -> bool | None:
    """`true` or `false`; None where the query does not ask for either."""
    text = params.get(name)
    if text not in {None, "true", "false"}:
        raise Invalid.at(f"?{name}", f"{name} is true or false")
    return None if text is None else text == "true"


def moment_of(params: Any, name: str) -> datetime | None:
    """A time of the query; without a zone it could mean any of 26 hours."""
    text = params.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid.at(f"?{name}", f"{name} is not an RFC 3339 time") from None
    if moment.tzinfo is None:
        raise Invalid.at(f"?{name}", f"{name} has no zone; write Z for UTC")
    if not EARLIEST <= moment < LATEST:
        raise Invalid.at(f"?{name}", f"{name} is outside 1900 to 2200")
    return moment
