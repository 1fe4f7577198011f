"""Holds the gates of strategies: registers, keeps the lease, follows the events, acknowledges, and closes when in doubt.

Two threads keep it up to date; whoever trades only asks. Whatever fails here closes: the lease runs out by itself at
80 %, a missing event closes at once, a refusal closes and is registered anew: where the place is still free.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from qmtl.brokers import suspend_proof_seconds
from qmtl.client import Client, QmtlError, Unreachable, errors
from qmtl.client.documents import Activation, Event, Standing
from qmtl.contracts.gate import GateView
from qmtl.sdk.errors import StrategyError
from qmtl.sdk.runtime.rivals import Place

BEATS = 3.0
"""Heartbeats in the time that a lease is used."""
FATAL = (
    errors.Unauthenticated,
    errors.Forbidden,
    errors.NotFound,
    errors.WorldRetired,
    errors.Invalid,
    StrategyError,
)
"""What no repetition mends, another runner in this one's place among it: the runner ends and says why."""
TELLING = ("world.", "binding.", "policy.", "decision.", "strategy.")
"""Events after which modes may be others: the service is asked at once."""

Freeze = Callable[[], None]


class GateKeeper:
    """The gate of some strategies in one world. `on_freeze` is called before a freeze is acknowledged: whatever could
    still open something has to be taken back in it."""

    def __init__(
        self,
        client: Client,
        world_id: str,
        client_id: str,
        held: Mapping[str, str],
        *,
        executor: str | None = None,
        place: Place | None = None,
        on_freeze: Freeze | None = None,
        on_change: Freeze | None = None,
        on_rebalancing: Freeze | None = None,
        clock: Callable[[], float] = suspend_proof_seconds,
    ) -> None:
        """`held`: strategy -> code hash. place: asked each time that a lease is taken, before anything opens by it.
        on_rebalancing: called when one was told of, or may have been."""
        self.client, self.world_id, self.client_id = client, world_id, client_id
        self.held, self.executor, self.clock = dict(held), executor, clock
        self.place = place
        self.on_freeze = on_freeze or (lambda: None)
        self.on_change = on_change or (lambda: None)
        self.on_rebalancing = on_rebalancing or (lambda: None)
        self.also: frozenset[str] = frozenset()
        self.failure: QmtlError | None = None
        self.registrations = 0
        self.view = GateView(world_id, sequence=0)
        self.envelopes: dict[str, Mapping[str, Any]] = {}
        self._secret = ""
        self._lease_seconds = 15.0
        self._stop, self._ask_now = threading.Event(), threading.Event()
        self._stop_following = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.RLock()
        self._unacknowledged: dict[tuple[str, str], list[int]] = {}

    # --- asked by who trades: no network, microseconds ---------------------------------------------------------
    def tick(self, now: float) -> None:
        self.view.tick(now)

    def is_open(self, strategy_id: str) -> bool:
        return self.view.is_open(strategy_id)

    @property
    def closed_by(self) -> str | None:
        return self.view.closed_by

    def mode(self, strategy_id: str) -> str:
        """The mode in which a strategy may act; `compute-only` while nobody knows better."""
        self.view.tick(self.clock())
        return "compute-only" if self.view.broken is not None else self.told_mode(strategy_id)

    def told_mode(self, strategy_id: str) -> str:
        """The service's newest word, also where it may not be acted on while the link is broken: what is held goes on
        earning in it."""
        return str(self.envelopes.get(strategy_id, {}).get("effective_mode", "compute-only"))

    @property
    def has_lease(self) -> bool:
        """Whether the place is its own by now; without one somebody else may have it."""
        self.view.tick(self.clock())
        return self.view.has_lease

    def weight(self, strategy_id: str) -> float:
        return float(self.envelopes.get(strategy_id, {}).get("weight", 0.0))

    @property
    def holding(self) -> frozenset[str]:
        return self.also.union(self.held)

    def hold(self, names: Iterable[str]) -> bool:
        """Hold these gates too, without running their strategies' code: an executor's orders are theirs. All gates here
        are closed until that is registered; False where they are held already."""
        with self._lock:
            if frozenset(names) <= self.holding:
                return False
            self.also = self.also.union(names) - self.held.keys()
            self.view.refused()
        self._ask_now.set()
        return True

    @property
    def lease_secret(self) -> str:
        return self._secret

    # --- its life ---------------------------------------------------------------------------------------------
    def start(self) -> GateKeeper:
        """Register, and keep it up. Raises what the first registration raises."""
        self._register()
        self._spawn(self._keep_lease)
        self._spawn(self._follow)
        return self

    def stop(self) -> None:
        """Give the gates back: closed here at once, and the lease ended at the service where it answers."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._stop_following.set()
        self._ask_now.set()
        self.view.refused()
        for thread in self._threads:
            thread.join(timeout=5.0)
        self._give_back()

    def _give_back(self) -> None:
        """End the own lease at the service, where it answers; else that runs out by itself."""
        if self.place is not None and self.place.is_lost:
            return  # the one of this name is somebody else's
        with suppress(QmtlError):
            self.client.revoke_gate(self.world_id, self.client_id)

    def __enter__(self) -> GateKeeper:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=f"gate-{self.world_id}-{work.__name__}", daemon=True)
        self._threads.append(thread)
        thread.start()

    # --- lease ------------------------------------------------------------------------------------------------
    def _register(self) -> None:
        if self.place is not None and self.registrations:
            self.place.still_free()
        sent = self.clock()
        strategies = [
            {"id": name, **({"code_hash": code} if code else {})} for name, code in self.held.items()
        ] + [{"id": name} for name in sorted(self.also)]
        lease = self.client.register_gate(self.world_id, self.client_id, strategies, executor=self.executor)
        self._look_around()
        with self._lock:
            self._secret, self._lease_seconds = lease.lease_secret, lease.lease_seconds
            envelopes = [gate.raw for gate in lease.gates]
            view = GateView(self.world_id, sequence=lease.sequence, envelopes=envelopes)
            renew(view, sent, lease)
            self.view = view
            self.registrations += 1
            self._unacknowledged.clear()
            self._take(lease.gates)
        self._stop_following.set()  # events are followed anew, from where this view stands
        self.on_change()
        self.on_rebalancing()

    def _look_around(self) -> None:
        """The lease is there, and nothing opens by it before it is known that nobody else trades."""
        if self.place is None:
            return
        try:
            self.place.taken()
        except StrategyError:
            self._give_back()
            raise

    def _keep_lease(self) -> None:
        while not self._stop.is_set():
            self._ask_now.wait(0.8 * self._lease_seconds / BEATS)
            self._ask_now.clear()
            if self._stop.is_set():
                return
            try:
                if self.view.broken is not None:
                    self._register()
                else:
                    self._beat()
            except errors.GateClosed:
                self.view.refused()
                self.on_change()
                self._ask_now.set()
            except Unreachable:
                self.on_change()  # the lease runs out by itself
            except FATAL as error:
                self.view.refused()
                if isinstance(error, errors.Invalid) and self.also:
                    self.also = frozenset()  # one of them is not bound any more: the own one is held alone
                    self._ask_now.set()
                    continue
                self.failure = error
                self.on_change()
                return
            except QmtlError:
                self.on_change()

    def _beat(self) -> None:
        view, sent = self.view, self.clock()
        standing = self.client.heartbeat(self.world_id, self.client_id, lease_secret=self._secret)
        with self._lock:
            if view is self.view:
                renew(view, sent, standing)
                if standing.sequence >= view.sequence:
                    self._take(standing.gates)
        self.on_change()

    def _take(self, gates: Iterable[Activation]) -> None:
        for gate in gates:
            self.envelopes[gate.strategy_id] = gate.raw

    # --- events -----------------------------------------------------------------------------------------------
    def _follow(self) -> None:
        while not self._stop.is_set():
            view = self.view
            self._stop_following.clear()
            try:
                for event in self.client.events(
                    self.world_id, after=view.sequence, stop=self._stop_following
                ):
                    if view is not self.view:
                        break
                    self._see(view, event)
            except QmtlError:
                # A sequence from elsewhere, a lost role: the lease says what it is.
                view.refused()
                self._ask_now.set()
            if self._stop.wait(0.2):
                return

    def _see(self, view: GateView, event: Event) -> None:
        with self._lock:
            view.see(event.raw)
            data = event.data
            if event.type == "activation.updated" and data.get("strategy_id") in self.holding:
                self._told(event, data)
        if event.type.startswith(TELLING) or event.type == "activation.updated":
            self._ask_now.set()
        if event.type == "activation.updated":
            self.on_change()
        if event.type == "rebalancing.applied":
            self.on_rebalancing()
        self._acknowledge()

    def _told(self, event: Event, data: Mapping[str, Any]) -> None:
        known = self.envelopes.get(str(data["strategy_id"]))
        if known is None or list(known.get("epoch", ())) <= list(data.get("epoch", ())):
            self.envelopes[str(data["strategy_id"])] = data
        if data.get("requires_ack") and data.get("phase") in {"freeze", "unfreeze"}:
            self._unacknowledged[str(data["run_id"]), str(data["phase"])] = list(data["epoch"])

    def _acknowledge(self) -> None:
        """Say what was seen, up to the newest event. An apply over many gates asks at its last event: where that is
        not here yet, it is said again with the next."""
        for (run_id, phase), epoch in list(self._unacknowledged.items()):
            if phase == "freeze":
                self.on_freeze()
            try:
                self.client.acknowledge(
                    self.world_id,
                    run_id,
                    client_id=self.client_id,
                    lease_secret=self._secret,
                    phase=phase,
                    sequence=self.view.sequence,
                    epoch=epoch,
                )
            except errors.StaleAck as refused:
                if "came before it" in refused.detail:
                    continue
            except Unreachable:
                continue
            except QmtlError:
                pass
            self._unacknowledged.pop((run_id, phase), None)


class AllGates:
    """Open while each of these gates is."""

    def __init__(self, keeper: GateKeeper, names: Iterable[str]) -> None:
        self.keeper, self.names = keeper, list(names)

    def tick(self, now: float) -> None:
        self.keeper.tick(now)

    def is_open(self, strategy_id: str) -> bool:
        return bool(self.names) and not self.shut

    @property
    def shut(self) -> list[str]:
        return [name for name in self.names if not self.keeper.is_open(name)]

    @property
    def closed_by(self) -> str | None:
        if self.keeper.closed_by is not None:
            return self.keeper.closed_by
        return f"the gate is closed of {', '.join(self.shut)}" if self.names else "no strategy is live"


def renew(view: GateView, sent: float, standing: Standing) -> None:
    view.renewed(
        sent=sent,
        lease_seconds=standing.lease_seconds,
        newest=standing.sequence,
        decision_seconds=standing.decision_seconds,
        envelopes=[gate.raw for gate in standing.gates],
    )
