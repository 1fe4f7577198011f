"""Options that several commands share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

Strategy = Annotated[
    str, typer.Option("--strategy", "-s", metavar="STRATEGY", help="Strategy id.", show_default=False)
]
MaybeStrategy = Annotated[
    str | None, typer.Option("--strategy", "-s", metavar="STRATEGY", help="Only this strategy.")
]
Run = Annotated[str, typer.Option("--run", "-r", metavar="RUN", help="Run id, or the latest.")]
Reason = Annotated[
    str | None,
    typer.Option(
        "--reason",
        metavar="TEXT",
        help="Why, in 3 characters or more; kept in the audit. Else the command's name.",
    ),
]
Side = Literal["long", "short", "both"]
Truth = Literal["true", "false"]
Limit = Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, help="At most so many, the newest.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether it is meant.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done.")]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0.0, metavar="SECONDS", help="Wait at most so long.")
]


def moment(text: str | None, option: str) -> datetime | None:
    """A time as RFC 3339 or a date, in UTC where it says nothing else."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{option} is a time like 2026-11-20T16:00:00Z, not {text!r}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
