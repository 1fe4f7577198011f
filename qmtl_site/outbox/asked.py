"""What a reader of a world's events asks for, read the same way by the web and by the stream process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from qmtl_site.http.pagination import limit_of
from qmtl_site.http.refusals import Invalid

EVENT_STREAM = "text/event-stream"
LONGEST_WAIT = 60.0
SECONDS = re.compile(r"\d{1,4}(\.\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class Asked:
    """Events after `after`, the sequence that `named` (a parameter or a header) gave: as an endless stream, else
    as a page of at most `limit`, for whose first event one may `wait` some seconds."""

    after: int
    named: str
    limit: int
    wait: float | None = None
    as_stream: bool = False

    @property
    def stays_open(self) -> bool:
        return self.as_stream or self.wait is not None

    def refuse_future(self, stream: str, head: int) -> None:
        """A sequence that this world has not reached is one from elsewhere: to wait for it would lose events."""
        if self.after > head:
            raise Invalid.at(self.named, f"the newest event of {stream} is {head}")


def asked(params: Mapping[str, str], headers: Mapping[str, str]) -> Asked:
    """Raises Invalid for whatever cannot be meant."""
    as_stream = EVENT_STREAM in headers.get("Accept", "").lower()
    after, named = params.get("after", "0"), "?after"
    # A browser repeats the address with its `after`, and says by the header how far it has come since.
    if as_stream and (last := headers.get("Last-Event-ID")) is not None:
        after, named = last, "Last-Event-ID"
    wait = params.get("wait")
    if as_stream and wait is not None:
        raise Invalid.at("?wait", "wait is for long polls; an event stream stays open by itself")
    return Asked(
        after=sequence(after, named),
        named=named,
        limit=limit_of(params),
        wait=None if wait is None else seconds(wait),
        as_stream=as_stream,
    )


def sequence(text: str, named: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Invalid.at(named, f"{named.lstrip('?')} is a sequence: a whole number from 0")
    return int(text)


def seconds(text: str) -> float:
    if not SECONDS.fullmatch(text) or float(text) > LONGEST_WAIT:
        raise Invalid.at("?wait", f"wait is a number of seconds from 0 to {LONGEST_WAIT:.0f}")
    return float(text)
