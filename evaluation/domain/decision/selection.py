"""Steps 5 and 6: from the best score down, who may have a place beside those who already have one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from evaluation.domain.board import Board, step
from evaluation.domain.rules.admission import AdmissionRule, Refusal
from qmtl.metrics import Column
from worlds.domain.policy.selection import Selection


@dataclass
class Taken:
    """Rows that got a place, the best first, and the rank by score of all who could have had one."""

    order: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    ranks: dict[int, int] = field(default_factory=dict)


def order_of(board: Board, scores: Column, swap_margin: float) -> list[int]:
    """Standing rows, best first; incumbents get the margin; ties go to the longer stay, then to the id."""
    standing = np.flatnonzero(board.standing)
    since = np.array([board.candidates[i].state_since for i in standing.tolist()], dtype=np.int64)
    effective = scores[standing] + swap_margin * board.live[standing]
    order: list[int] = standing[np.lexsort((standing, since, -effective))].tolist()
    return order


def select(board: Board, selection: Selection, scores: Column, rules: Sequence[AdmissionRule]) -> Taken:
    taken = Taken(order=order_of(board, scores, selection.hysteresis.swap_margin))
    taken.ranks = {i: rank for rank, i in enumerate(taken.order, start=1)}
    cut = selection.top_k.k if selection.top_k and not selection.top_k.refill else len(taken.order)
    for rank, i in enumerate(taken.order, start=1):
        if rank > cut:
            refuse(board, i, Refusal("top_k", "fail", f"only the best {cut} are looked at"), rank)
        elif refusal := first_refusal(rules, i, taken.rows):
            refuse(board, i, refusal, rank)
        else:
            taken.rows.append(i)
            for rule in rules:
                if (remark := rule.remark(i)) is not None:
                    board.note(i, step(rule.name, "pass", remark))
            board.note(i, step("selection", "pass", f"has place {len(taken.rows)}, rank {rank}"))
    return taken


def first_refusal(rules: Sequence[AdmissionRule], i: int, taken: Sequence[int]) -> Refusal | None:
    return next((refusal for rule in rules if (refusal := rule.refuses(i, taken))), None)


def refuse(board: Board, i: int, refusal: Refusal, rank: int) -> None:
    reason = f"would be {ordinal(rank)}; {refusal.reason}"
    (board.fail if refusal.status == "fail" else board.hold)(i, refusal.rule, reason, **refusal.details)


def would_be(board: Board, scores: Column, taken: Taken) -> dict[int, int]:
    """The rank that those would have had by their score who fell out before they were ranked."""
    ranked = np.sort(np.array([-scores[i] for i in taken.order]))
    outside = np.array([i for i in range(len(board)) if i not in taken.ranks and not np.isnan(scores[i])])
    if not outside.size:
        return {}
    ranks = np.searchsorted(ranked, -scores[outside], side="right") + 1
    return dict(zip(outside.tolist(), ranks.tolist(), strict=True))


def ordinal(number: int) -> str:
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
