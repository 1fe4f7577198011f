"""Which account trades now: on paper, live behind the gate, or none; and what a change of mode does to positions."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from qmtl.brokers import BrokerError, Fill
from qmtl.sdk.frame import Bar, Floats
from qmtl.sdk.intervals import moment
from qmtl.sdk.runtime.desk import Desk
from qmtl.sdk.runtime.gatekeeper import GateKeeper

log = logging.getLogger("qmtl.run")

TRADED = ("paper", "live")
Say = Callable[[str], None]
Earned = tuple[str, dict[str, Any]]
"""The mode of an account and a record of its performance."""


class Handed(Protocol):
    """Orders that a rebalancing handed over: they are traded in the same account."""

    @property
    def is_at_work(self) -> bool: ...

    def collect(self) -> None: ...

    def withdraw_openings(self) -> None: ...


class Trader:
    """Bars go in one after the other; everything that touches a broker happens under its lock.

    `catches_up`: a new account on paper takes the position that was decided in the past. A live one begins flat.
    """

    def __init__(
        self,
        strategy_id: str,
        keeper: GateKeeper,
        *,
        paper: Desk,
        make_live: Callable[[], Desk],
        carries_over: Callable[[], bool],
        why_lowered: Callable[[], str],
        say: Say,
    ) -> None:
        self.strategy_id, self.keeper, self.say = strategy_id, keeper, say
        self.desks: dict[str, Desk] = {"paper": paper}
        self.make_live, self.carries_over, self.why_lowered = make_live, carries_over, why_lowered
        self.mode = (
            ""  # in which it may trade now; `told` is the service's newest word, also while it is in doubt
        )
        self.told = self.stay = ""  # `stay`: whether its last word of trading was paper or live
        self.objection = ""
        self.targets: Floats | None = None
        self.catches_up = False
        self.at: datetime | None = None
        self.handed: Handed | None = None
        self.lock = threading.RLock()
        self._was_open = self._takes_over = False
        self._traded = ""  # the last mode that it traded in, before the present one
        self._leaving: Desk | None = None

    @property
    def desk(self) -> Desk | None:
        return self.desks.get(self.mode) if self.mode in TRADED else None

    # --- a bar ------------------------------------------------------------------------------------------------
    def see(self, bar: Bar, *, is_missed: bool = False) -> tuple[list[Fill], list[Earned]]:
        """Take its prices: fills of all accounts, and what each has earned, under its mode.

        is_missed: nobody was there when it closed, or newer ones are there already. What waits at a broker is filled,
        what is held is marked, and nothing is ordered at prices that nobody can have any more.
        """
        with self.lock:
            self.at = None if is_missed else moment(bar.time)
            before = self.told
            self._follow_mode()
            fills = self._take_prices(bar, is_missed=is_missed)
            self._collect_handed()
            earned = self._earned(bar, {before, self.told})
            if is_missed:
                self.catches_up = self.mode == "paper"
            else:
                self._take_over(bar)
            self._tell_gate()
            return fills, earned

    def _take_prices(self, bar: Bar, *, is_missed: bool) -> list[Fill]:
        fills = []
        for desk in self.desks.values():
            try:
                fills += desk.see(bar, is_missed=is_missed)
            except BrokerError as error:
                self.say(f"the {desk.mode} broker does not answer: {error}")
        return fills

    def _earned(self, bar: Bar, at_work: set[str]) -> list[Earned]:
        """What each account earned in the period that ends with this bar. `at_work`: the modes that were told at its
        ends, so that the account that was left closes with this bar and the one that was entered begins with it.

        An account that is not at work is told of as long as it holds something or has just sold it. One on paper that
        was left for the market is over; what is empty earns nothing, and its next period begins when it works again.
        """
        earned = []
        for desk in self.desks.values():
            holds = desk.is_in_use and (desk.mode, self.stay) != ("paper", "live")
            if desk.mode in at_work or holds:
                record = desk.mark(bar)
                if record is not None:
                    earned.append((desk.mode, record))
            if not holds and desk.mode != self.told:
                desk.rest()
        return earned

    def _take_over(self, bar: Bar) -> None:
        trading = self.desk
        if self._takes_over and trading is not None and self.targets is not None:
            self.say("the position on paper is taken over")
            self._order(trading, bar, self.targets, "carry-over")
        self._takes_over = False

    def trade(self, bar: Bar, targets: Floats | None) -> None:
        """Order towards new targets; without news only what leaves is sold."""
        with self.lock:
            if self._leaving is not None:
                self._flatten(self._leaving, bar)
            if targets is None and self.catches_up and self.mode == "paper":
                targets = self.targets  # decided while warming up, for a new account, or while nobody traded
            self.catches_up = False
            if targets is None:
                return
            self.targets = targets
            if self.desk is not None:
                self._order(self.desk, bar, targets, "target")

    def miss(self, targets: Floats | None) -> None:
        """What was decided at a bar that nobody can trade at any more: on paper it is ordered at the next one."""
        with self.lock:
            if targets is not None:
                self.targets = targets

    def _collect_handed(self) -> None:
        if self.handed is not None:
            try:
                self.handed.collect()
            except BrokerError as error:
                self.say(f"the live broker does not answer: {error}")

    def is_left_to_others(self, desk: Desk) -> bool:
        """While an order of a rebalancing works, nothing is ordered beside it."""
        return desk.mode == "live" and self.handed is not None and self.handed.is_at_work

    def _order(self, desk: Desk, bar: Bar, targets: Floats, purpose: str) -> None:
        share = self.keeper.weight(self.strategy_id) if desk.mode == "live" else 1.0
        if (desk.mode == "live" and self.objection) or self.is_left_to_others(desk):
            return
        try:
            desk.trade(bar, targets, share=share, purpose=purpose)
        except BrokerError as error:
            self.say(f"the {desk.mode} broker does not answer: {error}")

    def _flatten(self, desk: Desk, bar: Bar) -> None:
        if self.is_left_to_others(desk):
            return
        if desk.is_flat:
            self._leaving = None
            return
        try:
            desk.flatten(bar)
        except BrokerError as error:
            self.say(f"the {desk.mode} broker does not answer: {error}")

    # --- modes ------------------------------------------------------------------------------------------------
    def _follow_mode(self) -> None:
        self.told = self.keeper.told_mode(self.strategy_id)
        if self.told in TRADED:
            self.stay = self.told
        mode = self.keeper.mode(self.strategy_id)
        if mode == self.mode:
            return
        before, self.mode = self.mode, mode
        if before in TRADED:
            self._traded = before
        why = "" if mode in TRADED else self.keeper.view.broken or self.why_lowered()
        self.say((f"mode {before} -> {mode}" if before else f"mode {mode}") + (f" ({why})" if why else ""))
        if mode == "live":
            self._go_live()
        elif before == "live":
            self._leave_live(mode)
        elif mode == "paper" and "live" in self.desks:
            self._leaving = self.desks["live"]  # demoted while nobody looked
        if before == "paper":
            self.desks["paper"].withdraw("mode_left")
        elif before and mode == "paper":
            self.catches_up = True  # what was decided meanwhile is what the account on paper wants to hold

    def _go_live(self) -> None:
        """Begin flat, unless the world says that the position on paper is taken over: then by orders to its target."""
        self._leaving = None
        self.live_desk()
        self._takes_over = self._traded == "paper" and self.carries_over()

    def live_desk(self) -> Desk:
        if "live" not in self.desks:
            self.desks["live"] = self.make_live()
        return self.desks["live"]

    def _leave_live(self, mode: str) -> None:
        """Demoted strategies go flat; in a halted world positions stay until their strategy or a person reduces them."""
        live = self.desks["live"]
        live.withdraw_openings()
        if mode == "paper":
            self._leaving = live

    def _tell_gate(self) -> None:
        live = self.desks.get("live")
        if live is None or live.gated is None:
            return
        is_open = live.gated.is_open(self.strategy_id)
        if is_open != self._was_open:
            why = "" if is_open else f" ({self.keeper.closed_by or 'told by the service'})"
            self.say(f"gate {'open' if is_open else 'closed'}{why}")
        self._was_open = is_open

    # --- called by the keeper's threads ---------------------------------------------------------------------------
    def freeze(self) -> None:
        """Nothing may open any more: what waits and could is taken back, before anybody is told that it is."""
        with self.lock:
            live = self.desks.get("live")
            if live is not None:
                live.withdraw_openings()
            if self.handed is not None:
                self.handed.withdraw_openings()

    def changed(self) -> None:
        """Something about the gates is other than it was, or in doubt."""
        self.freeze()

    # --- saved and restored -------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        return {"mode": self.mode, "told": self.told, "stay": self.stay}

    def load(self, state: Mapping[str, Any]) -> None:
        """Whose account earned until now; the mode is asked for anew."""
        self.told = str(state.get("told", state.get("mode") or ""))
        self.stay = str(state.get("stay", self.told if self.told in TRADED else ""))
