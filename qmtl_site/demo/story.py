"""What happened in a walk, strategy by strategy, read from the decisions alone: nothing here knows a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qmtl_site.demo.walk import Step


@dataclass(frozen=True)
class Move:
    """A promotion or a demotion: the decisions in a row that led to it, its reason, and the last one's before it."""

    strategy_id: str
    day: str
    counted: tuple[str, ...]
    reason: str
    before: str
    score: float | None


@dataclass(frozen=True)
class Twin:
    """Who never went live because of whom: how often, and the highest correlation with each."""

    strategy_id: str
    decisions: dict[str, int]
    highest: dict[str, float]


def promotions(steps: Sequence[Step]) -> list[Move]:
    return list(moves(steps, "promote", "consecutive_passes"))


def demotions(steps: Sequence[Step]) -> list[Move]:
    return list(moves(steps, "demote", "consecutive_failures"))


def moves(steps: Sequence[Step], kind: str, counter: str) -> Iterator[Move]:
    for place, step in enumerate(steps):
        for name in step.document["plan"][kind]:
            told, before = step.told(name), steps[max(0, place - 1)].told(name)
            yield Move(
                name,
                step.day,
                counted_days(steps[: place + 1], name, told[counter]),
                "; ".join(told["reasons"]),
                "; ".join(before["reasons"]),
                told["score"],
            )


def counted_days(steps: Sequence[Step], name: str, number: int) -> tuple[str, ...]:
    """The last so many decisions that counted for a strategy."""
    counted = [step.day for step in steps if step.told(name)["counted"]]
    return tuple(counted[-number:])


def twins(steps: Sequence[Step]) -> list[Twin]:
    """Strategies that never went live and were refused for their correlation with one that had a place."""
    names = [c["strategy_id"] for c in steps[-1].document["candidates"]]
    ever_live = {name for step in steps for name in step.live}
    found = [twin_of(steps, name) for name in names if name not in ever_live]
    return [twin for twin in found if twin.decisions]


def twin_of(steps: Sequence[Step], name: str) -> Twin:
    decisions: Counter[str] = Counter()
    highest: dict[str, float] = {}
    for step in steps:
        for told in step.told(name)["trace"]:
            if told["step"] == "correlation" and "value" in told:
                other = told["reason"].partition(" with ")[2].partition(",")[0]
                decisions[other] += 1
                highest[other] = max(told["value"], highest.get(other, -1.0))
    return Twin(name, dict(decisions.most_common()), highest)
