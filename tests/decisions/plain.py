"""How a world decides about its bindings, as spec 04 writes it, in plain Python: no arrays, no database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

# What a run may be: its Sharpe ratio, against a profile that asks for 0.5 and gates that ask for 1.
SHARPES = {"poor": 0.2, "middling": 0.8, "fair": 1.5, "good": 2.5, "untraded": 2.0, "bare": 3.0}


@dataclass(frozen=True)
class Run:
    run_id: str
    stage: str
    kind: str
    created: datetime
    judged: datetime

    def verdict(self, on_missing: str) -> str:
        """`untraded` lacks the count of trades that the gates want, `bare` has metrics and no returns."""
        if self.kind == "bare":
            return "held"
        if self.kind == "untraded":
            return {"fail": "fail", "warn": "held", "ignore": "pass"}[on_missing]
        return "pass" if SHARPES[self.kind] >= 1 else "fail"


@dataclass
class Plain:
    """A binding. `counted`: every run that its counters ever moved on, and the newest of them."""

    name: str
    since: datetime
    state: str = "dry_run"
    passes: int = 0
    failures: int = 0
    slot: date | None = None
    runs: list[Run] = field(default_factory=list)
    counted: list[Run] = field(default_factory=list)
    rejected: set[str] = field(default_factory=set)

    def evidence(self, at: datetime) -> Run | None:
        """The newest paper run; of one who is live the newest live run of his stay goes before it."""
        known = [run for run in self.runs if run.judged <= at]
        found = [run for run in known if run.stage == "paper"]
        if self.state == "live":
            found += [run for run in known if run.stage == "live" and run.created >= self.since]
        return found[-1] if found else None

    def may_count(self, run: Run, slot: date) -> bool:
        """At most once per slot, and only on a run that was not counted before nor is older than one that was."""
        if self.slot is not None and slot <= self.slot:
            return False
        return run not in self.counted and all(run.judged >= old.judged for old in self.counted)

    def judge(self, run: Run) -> None:
        """A newer run supersedes those of its stage."""
        self.rejected -= {old.run_id for old in self.runs if old.stage == run.stage}
        self.runs.append(run)

    def move(self, state: str, at: datetime) -> None:
        self.state, self.since, self.passes, self.failures = state, at, 0, 0


@dataclass
class Terms:
    """The policy and the world, as far as a decision looks at them."""

    k: int = 1
    promote_after: int = 1
    demote_after: int = 1
    mode: str = "auto_apply"
    on_missing: str = "fail"
    state: str = "ACTIVE"
    allow_live: bool = True
    breaker: bool = False

    @property
    def opens(self) -> bool:
        return self.state == "ACTIVE" and self.allow_live and not self.breaker and self.mode != "disabled"


@dataclass
class Told:
    """What is said about one binding, and by which run."""

    run: Run | None
    counted: bool
    passes: int
    failures: int
    outcome: str = "hold"

    def words(self, outcome: str) -> tuple[str | None, bool, int, int, str]:
        run_id = None if self.run is None else self.run.run_id
        return run_id, self.counted, self.passes, self.failures, outcome


@dataclass
class Plan:
    told: dict[str, Told]
    slot: date
    live: set[str]

    def those(self, outcome: str) -> list[str]:
        return [name for name, one in self.told.items() if one.outcome == outcome]

    def keep(self, bindings: dict[str, Plain]) -> None:
        """What a decision leaves: counters, and runs that were counted and found wanting."""
        for name, one in self.told.items():
            if one.counted:
                assert one.run is not None
                binding = bindings[name]
                binding.passes, binding.failures, binding.slot = one.passes, one.failures, self.slot
                binding.counted.append(one.run)
                binding.rejected |= {one.run.run_id} if one.failures else set()


def decide(bindings: Iterable[Plain], terms: Terms, at: datetime) -> Plan:
    rows = sorted(bindings, key=lambda binding: binding.name)
    runs = {row.name: row.evidence(at) for row in rows}
    verdicts = {name: run.verdict(terms.on_missing) if run else "held" for name, run in runs.items()}
    passing = sorted((row for row in rows if verdicts[row.name] == "pass"), key=lambda row: place(row, runs))
    taken = [row.name for row in passing[: terms.k]]
    plan = Plan({}, at.date(), set())
    for row in rows:
        has_place, is_held = row.name in taken, verdicts[row.name] == "held"
        told = plan.told[row.name] = count(row, runs[row.name], has_place, is_held, plan.slot)
        if row.state == "live" and not is_held and not has_place and told.failures >= terms.demote_after:
            told.outcome = "demote"
        elif row.state == "live":
            plan.live.add(row.name)
    for name in taken:
        told = plan.told[name]
        waits = not terms.opens or told.passes < terms.promote_after or len(plan.live) >= terms.k
        if name not in plan.live and not waits:
            told.outcome = "promote"
            plan.live.add(name)
    return plan


def place(row: Plain, runs: dict[str, Run | None]) -> tuple[Any, ...]:
    """The best first; ties go to the longer stay, then to the id."""
    run = runs[row.name]
    assert run is not None
    return -SHARPES[run.kind], row.since, row.name


def count(row: Plain, run: Run | None, has_place: bool, is_held: bool, slot: date) -> Told:
    if run is None or is_held or not row.may_count(run, slot):
        return Told(run, False, row.passes, row.failures)
    return Told(run, True, row.passes + 1 if has_place else 0, 0 if has_place else row.failures + 1)
