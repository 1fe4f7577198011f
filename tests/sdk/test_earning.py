"""What an account earns is told once, under its own mode, through pauses, cuts, promotions and demotions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qmtl.brokers import PaperBroker, suspend_proof_seconds
from qmtl.client import Client, Config
from qmtl.contracts.gate import GateView
from qmtl.sdk import Bar
from qmtl.sdk.runtime import GateKeeper
from qmtl.sdk.runtime.desk import Desk
from qmtl.sdk.runtime.trader import Trader

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CAPITAL = Decimal(10_000)
ALL = np.array([1.0])


class Life:
    """A trader whose prices rise by one percent a bar and who is told his modes; `earned` is what he tells of it."""

    def __init__(self, mode: str, *, carries: bool = False, after: Life | None = None) -> None:
        self.keeper = GateKeeper(Client(config=Config("http://nowhere", "t")), "w", "me", {"s": ""})
        self.trader = Trader(
            "s", self.keeper, paper=self.desk("paper", after), make_live=lambda: self.desk("live", after),
            carries_over=lambda: carries, why_lowered=lambda: "", say=lambda text: None,
        )  # fmt: skip
        self.bars = 0
        self.earned: dict[str, dict[int, float]] = {"paper": {}, "live": {}}
        if after is not None:
            self.bars, self.earned = after.bars, after.earned
            self.trader.load(json.loads(json.dumps(after.trader.state())))
        self.tell(mode)

    def desk(self, mode: str, after: Life | None) -> Desk:
        desk = Desk(
            world_id="w", strategy_id="s", symbols=("A",), broker=PaperBroker(cash=CAPITAL, mode=mode),
            capital=CAPITAL, gate=self.keeper if mode == "live" else None,
        )  # fmt: skip
        if after is not None and mode in after.trader.desks:
            desk.load(json.loads(json.dumps(after.trader.desks[mode].state())))
        return desk

    def tell(self, mode: str, *, opens: bool = True) -> Life:
        """The service says so, and the link is well."""
        envelope: Mapping[str, Any] = {
            "strategy_id": "s", "epoch": [1, 1], "sequence": 1, "active": opens, "freeze": False, "drain": False,
            "effective_mode": mode, "weight": 1.0,
        }  # fmt: skip
        self.keeper.view = GateView("w", sequence=0, envelopes=[envelope])
        self.keeper.view.renewed(
            sent=suspend_proof_seconds(), lease_seconds=1e6, newest=0, decision_seconds=1e6
        )
        self.keeper.envelopes = {"s": envelope}
        return self

    def cut(self) -> Life:
        """Nobody knows how the gate stands."""
        self.keeper.view.refused()
        return self

    def go(self, bars: int, targets: np.ndarray | None = ALL, *, is_missed: bool = False) -> Life:
        for _ in range(bars):
            self.bars += 1
            at = round((NOW + timedelta(days=self.bars)).timestamp() * 1000)
            bar = Bar(at, {"close": np.array([100.0 * 1.01**self.bars])})
            for mode, record in self.trader.see(bar, is_missed=is_missed)[1]:
                assert self.bars not in self.earned[mode], "told twice"
                self.earned[mode][self.bars] = record["return"]
            if not is_missed:
                self.trader.trade(bar, targets)
        return self

    def told(self, mode: str) -> list[int]:
        return sorted(self.earned[mode])

    def growth(self, mode: str) -> float:
        return float(np.prod([1.0 + each for each in self.earned[mode].values()]))

    def held(self, mode: str) -> Decimal:
        return sum(self.trader.desks[mode].account.held.values(), Decimal(0))

    def worth(self, mode: str) -> float:
        return float(self.trader.desks[mode].worth / CAPITAL)


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_what_is_held_through_a_pause_is_told(mode: str) -> None:
    life = Life(mode).go(4)
    life.tell("compute-only").go(3)
    life.tell(mode).go(2)
    assert life.told(mode) == [2, 3, 4, 5, 6, 7, 8, 9]
    assert life.growth(mode) == pytest.approx(life.worth(mode), rel=1e-12)
    assert life.growth(mode) > 1.05


def test_an_empty_account_earns_nothing_while_paused() -> None:
    life = Life("live").go(3, None)
    life.tell("compute-only").go(3, None)
    life.tell("live").go(3, None)
    assert life.told("live") == [2, 3, 4, 8, 9]


def test_what_was_sold_as_the_pause_began_is_told() -> None:
    life = Life("live").go(4)
    life.tell("paper").go(1, None)  # demoted: the order to sell waits at the broker
    life.tell("compute-only").go(3, None)
    assert life.held("live") == 0
    assert life.told("live") == [2, 3, 4, 5, 6]
    assert life.growth("live") == pytest.approx(life.worth("live"), rel=1e-12)


@pytest.mark.parametrize("targets", [ALL, None], ids=["held", "flat"])
@pytest.mark.parametrize("mode", ["paper", "live"])
def test_a_cut_closes_and_loses_no_day(mode: str, targets: np.ndarray | None) -> None:
    life = Life(mode).go(3, targets)
    life.cut().go(1, targets)
    assert life.keeper.mode("s") == "compute-only"
    assert not life.keeper.is_open("s")
    life.go(2, targets).tell(mode).go(2, targets)
    assert life.told(mode) == [2, 3, 4, 5, 6, 7, 8]


def test_a_gate_that_is_closed_by_hand_loses_no_day() -> None:
    life = Life("live").go(3)
    life.tell("live", opens=False).go(3)
    assert life.told("live") == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("carries", [False, True])
def test_a_promotion_leaves_no_hole_and_no_overlap(carries: bool) -> None:
    life = Life("paper", carries=carries).go(5)
    life.tell("live").go(4)
    assert (life.told("paper"), life.told("live")) == ([2, 3, 4, 5, 6], [7, 8, 9])
    assert life.growth("live") == pytest.approx(life.worth("live"), rel=1e-12)


@pytest.mark.parametrize("carries", [False, True])
def test_a_promotion_while_the_link_is_cut_leaves_no_hole_either(carries: bool) -> None:
    life = Life("paper", carries=carries).go(5)
    life.cut().go(2, None)
    life.tell("live").go(3, None)
    assert (life.told("paper"), life.told("live")) == ([2, 3, 4, 5, 6, 7, 8], [9, 10])
    assert bool(life.held("live")) is carries


def test_what_is_sold_after_a_demotion_is_told_as_live() -> None:
    life = Life("live").go(4)
    life.tell("paper").go(4)
    assert life.held("live") == 0
    assert life.told("live") == [2, 3, 4, 5, 6]  # seen at 5, ordered then, sold in 6
    assert life.growth("live") == pytest.approx(life.worth("live"), rel=1e-12)
    assert life.told("paper") == [6, 7, 8]


def test_the_account_on_paper_rests_while_it_is_live() -> None:
    life = Life("paper").go(4)
    life.tell("live").go(3).tell("compute-only").go(2).tell("live").go(1).tell("paper").go(3)
    assert life.told("paper") == [2, 3, 4, 5, 12, 13]
    assert life.growth("paper") == pytest.approx(1.01 ** len(life.told("paper")) / 1.01, rel=0.02)


def test_a_restart_in_a_pause_goes_on_with_what_is_held() -> None:
    first = Life("live").go(4)
    first.tell("compute-only").go(2)
    again = Life("compute-only", after=first)
    again.trader.live_desk()
    again.go(2).tell("live").go(1)
    assert again.told("live") == [2, 3, 4, 5, 6, 7, 8, 9]
    assert again.growth("live") == pytest.approx(again.worth("live"), rel=1e-12)


def test_who_was_promoted_while_he_was_away_tells_the_end_of_paper() -> None:
    first = Life("paper").go(4)
    again = Life("live", after=first)
    again.bars += 3
    again.go(3)
    assert (again.told("paper"), again.told("live")) == ([2, 3, 4, 8], [9, 10])


def test_what_was_missed_is_marked_and_not_traded() -> None:
    life = Life("paper").go(3)
    held = life.held("paper")
    life.go(4, is_missed=True)
    assert life.held("paper") == held
    assert life.told("paper") == [2, 3, 4, 5, 6, 7]
    assert life.growth("paper") == pytest.approx(life.worth("paper"), rel=1e-12)


def test_what_was_decided_while_missed_is_ordered_at_the_next_bar() -> None:
    life = Life("paper").go(3, None)
    life.trader.targets = ALL
    life.go(3, is_missed=True)
    assert life.held("paper") == 0
    life.go(1, None)
    assert [each.order.ts for each in life.trader.desks["paper"].broker.open_orders()] == [
        NOW + timedelta(days=7)
    ]
    life.go(1, None)
    assert life.held("paper") > 0


def test_what_was_decided_in_a_pause_is_ordered_on_paper_when_it_is_over() -> None:
    life = Life("paper").go(2, None)
    life.tell("compute-only").go(1, ALL).go(2, None)
    assert life.held("paper") == 0
    life.tell("paper").go(2, None)
    assert life.held("paper") > 0


def test_orders_of_others_wait_while_bars_are_missed() -> None:
    """A simulated account has no price of now: what is handed over is not sent at one of the past."""
    life = Life("live").go(2)
    assert life.trader.at is not None
    life.go(1, is_missed=True)
    assert life.trader.at is None


# --- what became of orders --------------------------------------------------------------------------------------
def test_each_order_is_filled_or_counted_with_what_became_of_it() -> None:
    """At any bar; what still waits when it ends is the rest."""
    life = Life("live").go(3)
    live = life.trader.desks["live"]
    life.go(1, 0.5 * ALL)
    life.tell("live", opens=False)
    life.trader.changed()  # what was just ordered reduces, but not for sure: it is taken back with what opens
    assert live.tally.withdrawn == {"gate_closed": 1}
    life.go(2)
    life.tell("live").go(1).go(1, 0.3 * ALL)
    live.withdraw()
    tally = live.tally
    assert tally.withdrawn == {"gate_closed": 1, "replaced": 1}
    ended = tally.fills + sum(tally.withdrawn.values()) + sum(tally.rejected.values())
    assert ended + len(live.broker.open_orders()) == tally.orders


def test_what_waits_on_paper_when_it_goes_live_is_counted() -> None:
    life = Life("paper").go(2).go(1, 0.5 * ALL)
    life.tell("live").go(1)
    assert life.trader.desks["paper"].tally.withdrawn == {"mode_left": 1}
