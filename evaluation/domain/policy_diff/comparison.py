"""What one policy makes of runs against what another makes of them: changes, counts, the impact ratio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from evaluation.domain.policy_diff.judging import Outcome
from evaluation.domain.policy_diff.stored import JudgedRun

MOST_CHANGES = 500
"""Changes that a report names one by one; the rest is counted."""

VERDICTS = ("pass", "warn", "inconclusive", "fail")
STAGES = ("paper_ok_live_candidate", "paper_only", "backtest_only")


class Change(NamedTuple):
    """One run that two policies see differently."""

    identity: Mapping[str, str]
    old: Outcome
    new: Outcome

    @property
    def has_impact(self) -> bool:
        """The verdict or the recommended stage is another; other reasons for the same are none."""
        return self.old[:2] != self.new[:2]

    def document(self) -> dict[str, Any]:
        return {**self.identity, "old": self.old._asdict(), "new": self.new._asdict()}


@dataclass
class Tally:
    """How often one policy came to which verdict, stage and reason."""

    verdicts: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, outcomes: Sequence[Outcome]) -> None:
        for outcome, count in Counter(outcomes).items():
            self.verdicts[outcome.verdict] += count
            self.stages[outcome.recommended_stage] += count
            for reason in set(outcome.reasons):
                self.reasons[reason] += count


@dataclass
class Comparison:
    """Runs under two policies, taken in batch by batch: no more is kept of them than a report says."""

    runs: int = 0
    differing: int = 0
    old: Tally = field(default_factory=Tally)
    new: Tally = field(default_factory=Tally)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    impacted: list[Change] = field(default_factory=list)
    for_other_reasons: list[Change] = field(default_factory=list)

    @property
    def impact_ratio(self) -> float:
        """Share of the runs whose verdict or recommended stage changes; 0 where there are none."""
        return self.changed["impacted"] / self.runs if self.runs else 0.0

    def add(self, runs: Sequence[JudgedRun], old: Sequence[Outcome], new: Sequence[Outcome]) -> None:
        self.runs += len(runs)
        self.old.add(old)
        self.new.add(new)
        for run, before, after in zip(runs, old, new, strict=True):
            if before != after:
                self._note(Change(run.identity, before, after))

    def _note(self, change: Change) -> None:
        old, new = change.old, change.new
        self.differing += 1
        self.changed["verdict"] += old.verdict != new.verdict
        self.changed["recommended_stage"] += old.recommended_stage != new.recommended_stage
        self.changed["reasons"] += old.reasons != new.reasons
        self.changed["impacted"] += change.has_impact
        if old.verdict != new.verdict:
            self.moves[old.verdict, new.verdict] += 1
        named = self.impacted if change.has_impact else self.for_other_reasons
        if len(named) < MOST_CHANGES:
            named.append(change)

    def document(self) -> dict[str, Any]:
        named = [*self.impacted, *self.for_other_reasons][:MOST_CHANGES]
        counted = ("impacted", "verdict", "recommended_stage", "reasons")
        moves = sorted(self.moves.items(), key=lambda item: (-item[1], item[0]))
        return {
            "runs": self.runs,
            "impact_ratio": self.impact_ratio,
            "changed": {name: self.changed[name] for name in counted},
            "verdicts": both(self.old.verdicts, self.new.verdicts, VERDICTS),
            "recommended_stages": both(self.old.stages, self.new.stages, STAGES),
            "reasons": both(
                self.old.reasons, self.new.reasons, sorted({*self.old.reasons, *self.new.reasons})
            ),
            "moves": [{"old": old, "new": new, "runs": count} for (old, new), count in moves],
            "changes": [change.document() for change in named],
            "changes_omitted": self.differing - len(named),
        }


def both(old: Counter[str], new: Counter[str], names: Sequence[str]) -> dict[str, dict[str, int]]:
    return {name: {"old": old[name], "new": new[name]} for name in names}
