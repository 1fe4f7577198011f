"""Two years of decisions with a clock of their own: the pure decision at each firing of the policy's schedule.

No database and no service: bindings are kept in memory, one paper or live run is made of each one's record since
it came into its state, and the plan of each decision is carried out at once, approval included. What is decided,
and from what, is the real thing: `evaluation.domain.decision.decide` over the strategies' returns after their
backtests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from evaluation.domain.candidates import Candidate, Evidence, Situation
from evaluation.domain.decision import Decision, decide, decision_document
from evaluation.domain.figures import FamilyTrials, sheets
from evaluation.domain.record import Record, WorldTerms
from qmtl_site.demo.paper import PAPER_START, paper_record
from qmtl_site.demo.portfolio import Simulation
from qmtl_site.demo.prices import Prices
from qmtl_site.demo.strategies import DemoStrategy
from worlds.domain.policy import Policy
from worlds.domain.schedule import next_after, slot_of

LEAST_POINTS = 2
# The policy asks paper and live runs for nothing that depends on the number of tries.
NO_TRIALS = FamilyTrials(1, None)


@dataclass
class Place:
    """A binding in memory, with the run that it is judged by."""

    demo: DemoStrategy
    earned: Simulation
    state: Literal["dry_run", "live"] = "dry_run"
    since: int = PAPER_START
    passes: int = 0
    failures: int = 0
    passing_since: int | None = None
    failing_since: int | None = None
    counted_run: str = ""
    counted_slot: int | None = None
    evidence: Evidence | None = None

    def candidate(self) -> Candidate:
        return Candidate(
            strategy_id=self.demo.id,
            family=f"family:{self.demo.family}",
            side=self.demo.side,
            state=self.state,
            state_since=self.since,
            passes=self.passes,
            failures=self.failures,
            passing_since=self.passing_since,
            failing_since=self.failing_since,
            counted_run=self.counted_run,
            counted_slot=self.counted_slot,
            evidence=self.evidence,
        )

    def move(self, state: Literal["dry_run", "live"], now: int) -> None:
        """Into another state, where counting and the record begin anew."""
        self.state, self.since = state, now
        self.passes = self.failures = 0
        self.passing_since = self.failing_since = None


@dataclass(frozen=True)
class Step:
    """One decision of the walk, and who was live after its plan was carried out."""

    now: int
    decision: Decision
    document: dict[str, Any]
    live: tuple[str, ...]

    @property
    def day(self) -> str:
        return str(moment(self.now).date())

    def told(self, strategy_id: str) -> dict[str, Any]:
        """What the decision says of one strategy."""
        (found,) = (c for c in self.document["candidates"] if c["strategy_id"] == strategy_id)
        return dict(found)


def walk(policy: Policy, terms: WorldTerms, demos: Sequence[DemoStrategy], prices: Prices) -> list[Step]:
    """From the backtests' end to the last price, one step for each firing of the schedule."""
    places = [Place(demo, paper_record(demo, prices)) for demo in demos]
    return [take_step(policy, terms, places, now) for now in firings(policy, until=int(prices.dates[-1]))]


def firings(policy: Policy, *, until: int) -> Iterator[int]:
    """Every time the schedule fires after the backtests, up to the first time after the last price."""
    now = PAPER_START
    while now <= until:
        now = milliseconds(next_after(policy.schedule, moment(now)))
        yield now


def take_step(policy: Policy, terms: WorldTerms, places: Sequence[Place], now: int) -> Step:
    make_runs(policy, terms, places, now)
    slot = milliseconds(slot_of(policy.schedule, moment(now)))
    situation = Situation("demo", policy, 1, terms, now=now, slot=slot, allow_live=True)
    decision = decide(situation, [place.candidate() for place in places])
    document = decision_document(
        decision, decision_id=f"walk-{moment(now):%Y-%m}", ruleset_hash="", inputs_hash="", dry_run=True
    )
    count(decision, places, slot)
    carry_out(document["plan"], places, now)
    return Step(now, decision, document, tuple(p.demo.id for p in places if p.state == "live"))


def make_runs(policy: Policy, terms: WorldTerms, places: Sequence[Place], now: int) -> None:
    """A run for each place with a longer record than its last one's; all are measured together."""
    news = [(p, record) for p in places if (record := new_record(p, policy, now)) is not None]
    records = [record for _, record in news]
    figures = sheets(records, terms=terms, trials=[NO_TRIALS] * len(news), pbo=[None] * len(news))
    for (place, record), sheet in zip(news, figures, strict=True):
        run_id = f"{record.stage}-{moment(now):%Y-%m-%d}"
        place.evidence = Evidence(run_id, record.stage, now, record, sheet.flat(), {})


def new_record(place: Place, policy: Policy, now: int) -> Record | None:
    """The record of the present stay over the evaluation window; None where nothing was earned since the last."""
    times = place.earned.timestamps
    stay = (times >= place.since) & (times < now)
    if np.count_nonzero(stay) < LEAST_POINTS:
        return None
    newest = int(times[stay][-1])
    if place.evidence is not None and place.evidence.last == newest:
        return None
    if policy.evaluation_window is not None:
        stay &= times > newest - round(policy.evaluation_window.delta.total_seconds() * 1000)
    stage = "live" if place.state == "live" else "paper"
    return Record(stage, times[stay], place.earned.returns[stay], None)


def count(decision: Decision, places: Sequence[Place], slot: int) -> None:
    counted = decision.counted()
    for place in places:
        if (counters := counted.get(place.demo.id)) is not None and place.evidence is not None:
            place.passes, place.failures = counters.passes, counters.failures
            place.passing_since, place.failing_since = counters.passing_since, counters.failing_since
            place.counted_run, place.counted_slot = place.evidence.run_id, slot


def carry_out(plan: dict[str, list[str]], places: Sequence[Place], now: int) -> None:
    """What an apply would do with the gates closed and opened: here nobody trades, and the states just change."""
    for place in places:
        if place.demo.id in plan["promote"]:
            place.move("live", now)
        elif place.demo.id in plan["demote"]:
            place.move("dry_run", now)


def moment(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1000, tz=UTC)


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
