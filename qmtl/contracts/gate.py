"""What the holder of gates knows of them, and when he closes them by himself: no network, no files, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

MARGIN = 0.8
"""The part of a lease that its holder uses: the rest covers what his clock and the service's may differ by."""


class Told(NamedTuple):
    """What a gate was told last."""

    epoch: tuple[int, int]
    sequence: int
    opens: bool


class GateView:
    """The gates of one world as one of their holders sees them. Whatever is in doubt is closed.

    `sequence`: of the newest event that the envelopes are known to include, as the registration answers it before
    the envelopes are read. Events are given to `see` as they come: twice, late, or in any order. Those that are
    missing are asked for again, `after` the view's own `sequence`. Times are seconds of one clock of the caller
    that neither jumps nor stops while the machine is suspended.
    """

    def __init__(self, world_id: str, *, sequence: int, envelopes: Iterable[Mapping[str, Any]] = ()) -> None:
        self.world_id = world_id
        self.sequence = sequence
        self.newest = sequence
        self.broken: str | None = None
        self._gates: dict[str, Told] = {}
        self._now = self._lease_until = self._decided_until = float("-inf")
        for envelope in envelopes:
            self._understand(envelope)

    def renewed(
        self,
        *,
        sent: float,
        lease_seconds: float,
        newest: int,
        decision_seconds: float | None,
        envelopes: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """The service has given or renewed the lease on a request that was sent then, knowing of that sequence.

        `envelopes`: what holds of the gates by now. No event tells of what comes and goes with time, other code or a
        node in error. `decision_seconds`: for how long the world's decision may be trusted, None where there is none.
        """
        self.tick(sent)
        self._lease_until = max(self._lease_until, sent + MARGIN * lease_seconds)
        self.newest = max(self.newest, newest)
        self._decided_until = float("-inf") if decision_seconds is None else sent + decision_seconds
        if newest >= self.sequence:  # else events have told more since than this answer knew
            for envelope in envelopes:
                self._understand(envelope, renews=True)

    def refused(self) -> None:
        """The service knows of no such lease any more: register again, with a new view."""
        self.broken = "the lease is gone"

    def see(self, event: Mapping[str, Any]) -> None:
        """Take the next event of the world; one that came before is nothing new, one too early says what is missing."""
        sequence = event.get("sequence")
        if not isinstance(sequence, int) or event.get("source") != f"/worlds/{self.world_id}":
            self.broken = "something that is no event of the world"
            return
        self.newest = max(self.newest, sequence)
        if sequence == self.sequence + 1:
            self.sequence = sequence
            if event.get("type") == "activation.updated":
                self._understand(event.get("data"))

    def tick(self, now: float) -> None:
        """It is that late by now, at least."""
        self._now = max(self._now, now)

    def is_open(self, strategy_id: str) -> bool:
        """Whether an opening order may pass: the newest word says so, none is missing, and the lease is valid."""
        told = self._gates.get(strategy_id)
        return told is not None and told.opens and self.closed_by is None

    @property
    def has_lease(self) -> bool:
        """Whether the lease is valid and nothing is in doubt that needs another one."""
        return self.broken is None and self._now < self._lease_until

    @property
    def closed_by(self) -> str | None:
        """What keeps every gate shut, whatever each was told."""
        if self.broken is not None:
            return self.broken
        if self.sequence < self.newest:
            return f"events {self.sequence + 1} to {self.newest} are missing"
        if self._now >= self._lease_until:
            return "the lease has run out"
        return None if self._now < self._decided_until else "the decision is stale"

    def _understand(self, envelope: Any, *, renews: bool = False) -> None:
        try:
            name, told = read(envelope)
        except (KeyError, TypeError, ValueError) as error:
            self.broken = f"an envelope that makes no sense: {error!r}"
            return
        known = self._gates.get(name)
        word, last = told[:2], known and known[:2]
        if last is None or word > last or (renews and word == last):
            self._gates[name] = told


def read(envelope: Mapping[str, Any]) -> tuple[str, Told]:
    """A strategy and what its gate was told; what is said in other words than the contract's does not open."""
    incarnation, number = envelope["epoch"]
    sequence = envelope["sequence"]
    if not all(type(each) is int for each in (incarnation, number, sequence)):
        raise ValueError("epoch and sequence are whole numbers")
    flags = (envelope["active"], envelope["freeze"], envelope["drain"])
    opens = flags == (True, False, False) and envelope["effective_mode"] == "live"
    return str(envelope["strategy_id"]), Told((incarnation, number), sequence, opens)
