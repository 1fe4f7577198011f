"""What a runner tells of itself: performance, fills and nodes, in batches, from a thread of its own.

Nothing is lost while the service is away, or while it does not let this runner in: it is kept and told when that is
over, in another life of the runner too. Only what it says can never be taken is left out, record by record. What was
told twice is one (records are known by their account and time, fills by their id).

What came while there was no lease waits until there is one again: another runner may have traded that time, and tells of
it. Where one did, this one's word about it is dropped.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from qmtl.client import BadInput, Client, QmtlError, Unreachable, errors
from qmtl.contracts.fills import MOST_FILLS

log = logging.getLogger("qmtl.run")

BATCH = 5_000
PAUSE = 0.25
LONGEST_PAUSE = 5.0
NEVER = (errors.Conflict, errors.Invalid, errors.BadRequest, errors.TooLarge, BadInput)
"""What no repetition mends. Anything else, a role that is missing for an hour among it, is waited for."""


@dataclass
class Told:
    """How much was taken, and what was not: by its reason."""

    performance: int = 0
    fills: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: str, count: int) -> None:
        if reason not in self.dropped:
            log.warning("not taken by the service: %s", reason)
        self.dropped[reason] = self.dropped.get(reason, 0) + count


class Reporter:
    """`mode` of a record is that of the account that earned it. The service keeps it with the newest stay in that mode,
    however late it comes, and whatever the strategy is by then."""

    def __init__(
        self,
        client: Client,
        world_id: str,
        strategy_id: str,
        *,
        may_tell: Callable[[], bool] = lambda: True,
    ) -> None:
        self.client, self.world_id, self.strategy_id = client, world_id, strategy_id
        self.told = Told()
        self._performance: deque[tuple[str, dict[str, Any]]] = deque()
        self._fills: deque[dict[str, Any]] = deque()
        self.may_tell = may_tell
        self._unsettled: list[tuple[str, dict[str, Any]] | dict[str, Any]] = []
        self._settling = threading.Lock()
        self._nodes: list[Mapping[str, Any]] | None = None
        self._sending = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="reporter", daemon=True)

    def start(self) -> Reporter:
        self._thread.start()
        return self

    def stop(self, *, patience: float = 10.0) -> None:
        """Tell what is left, at most so many seconds."""
        self._stop.set()
        if self._thread.ident is not None:  # it never began where a node fails while warming up
            self._thread.join(timeout=patience)
        why: object = "there is no lease"
        try:
            self.flush()
        except QmtlError as error:
            why = error
        if left := len(self._performance) + len(self._fills) + len(self._unsettled):
            self.told.drop(f"told by the next start, where it is remembered: {why}", left)

    def performance(self, mode: str, record: dict[str, Any]) -> None:
        with self._settling:
            self._unsettled.append((mode, record))

    def fills(self, fills: Sequence[dict[str, Any]], *, are_real: bool = False) -> None:
        """are_real: an exchange says so, whoever asks it."""
        if are_real:
            self._fills.extend(fills)
            return
        with self._settling:
            self._unsettled.extend(fills)

    def settle(self) -> None:
        """What came since is this runner's to tell, if it has its lease now."""
        with self._settling:
            if not self._unsettled or not self.may_tell():
                return
            for each in self._unsettled:
                if isinstance(each, dict):
                    self._fills.append(each)
                else:
                    self._performance.append(each)
            self._unsettled.clear()

    def give_way(self) -> None:
        """Another runner trades, and tells."""
        with self._settling:
            if self._unsettled:
                self.told.drop("another runner traded meanwhile, and tells of it", len(self._unsettled))
            self._unsettled.clear()
        self._nodes = None

    def nodes(self, states: Sequence[Mapping[str, Any]]) -> None:
        self._nodes = list(states)

    def state(self) -> dict[str, Any]:
        """What is not told yet, for another life."""
        with self._settling:
            waiting = list(self._unsettled)
        return {
            "performance": [*self._performance, *(each for each in waiting if not isinstance(each, dict))],
            "fills": [*self._fills, *(each for each in waiting if isinstance(each, dict))],
        }

    def load(self, state: Mapping[str, Any]) -> None:
        self._performance.extend((str(mode), record) for mode, record in state.get("performance", ()))
        self._fills.extend(state.get("fills", ()))

    @property
    def waiting(self) -> int:
        return len(self._performance) + len(self._fills) + len(self._unsettled) + (self._nodes is not None)

    def _work(self) -> None:
        pause = PAUSE
        while not self._stop.wait(pause):
            try:
                self.flush()
                pause = PAUSE
            except QmtlError:
                pause = min(2 * pause, LONGEST_PAUSE)

    def flush(self) -> None:
        """Tell everything that waits. Unreachable while the service is away: it still waits then."""
        self.settle()
        with self._sending:
            self._send_fills()
            self._send_performance()
            self._send_nodes()

    def _send_fills(self) -> None:
        while self._fills:
            batch = [self._fills[place] for place in range(min(len(self._fills), MOST_FILLS))]
            self.told.fills += self._tell("fills", batch, self._tell_fills)
            for _ in batch:
                self._fills.popleft()

    def _tell_fills(self, batch: Sequence[dict[str, Any]]) -> int:
        return self.client.report_fills(self.world_id, self.strategy_id, batch).accepted

    def _send_performance(self) -> None:
        while self._performance:
            mode = self._performance[0][0]
            batch = []
            for place in range(min(len(self._performance), BATCH)):  # others append to it meanwhile
                if self._performance[place][0] != mode:
                    break
                batch.append(self._performance[place][1])
            self.told.performance += self._tell("performance", batch, partial(self._tell_performance, mode))
            for _ in batch:
                self._performance.popleft()

    def _tell_performance(self, mode: str, batch: Sequence[dict[str, Any]]) -> int:
        return self.client.report_performance(self.world_id, self.strategy_id, batch, mode=mode).accepted

    def _tell(self, what: str, batch: Sequence[dict[str, Any]], post: Callable[..., int]) -> int:
        """How many of a batch were new. One record that cannot be taken does not keep the others out."""
        left = list(batch)
        while left:
            try:
                return post(left)
            except NEVER as refused:
                bad = places_in(refused) & set(range(len(left))) or set(range(len(left)))
                self.told.drop(f"{what}: {refused}", len(bad))
                left = [each for place, each in enumerate(left) if place not in bad]
        return 0

    def _send_nodes(self) -> None:
        states, self._nodes = self._nodes, None
        if states is None:
            return
        try:
            self.client.report_nodes(self.world_id, self.strategy_id, states)
        except Unreachable:
            self._nodes = self._nodes or states
            raise
        except errors.Refused as refused:
            self.told.drop(f"nodes: {refused}", 1)


def places_in(refused: QmtlError) -> set[int]:
    """Which records of a batch a refusal is about; none where it is about all."""
    faults = refused.faults if isinstance(refused, errors.Refused) else ()
    found = (re.match(r"(?:/records)?/(\d+)(?:/|$)", fault.pointer) for fault in faults)
    return {int(each[1]) for each in found if each}
