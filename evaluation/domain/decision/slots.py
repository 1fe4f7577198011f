"""Steps 7 to 9: who would be live after this decision, and who has to wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from evaluation.domain.board import Board, step
from evaluation.domain.decision.selection import Taken, first_refusal
from evaluation.domain.rules.admission import AdmissionRule
from evaluation.domain.rules.governance import Governance
from evaluation.domain.rules.hysteresis import Counters, Hysteresis
from evaluation.domain.rules.live_monitoring import breached_cut


@dataclass
class Moves:
    """Rows by what the plan does with them. `live`: the live set that it would give, the best first."""

    promote: list[int] = field(default_factory=list)
    demote: list[int] = field(default_factory=list)
    reopen: list[int] = field(default_factory=list)
    live: list[int] = field(default_factory=list)


def moves_of(
    board: Board,
    taken: Taken,
    counters: Sequence[Counters],
    hysteresis: Hysteresis,
    rules: Sequence[AdmissionRule],
) -> Moves:
    """Demotions first, then promotions from the best down, each into what the set has become."""
    moves, governance = Moves(), Governance(board.situation)
    has_place = set(taken.rows)
    staying = [
        i for i in rows_of_live(board) if not leaves(board, i, i in has_place, counters[i], hysteresis)
    ]
    moves.demote = [i for i in rows_of_live(board) if i not in set(staying)]
    moves.live = by_rank(staying, taken)
    for i in taken.rows:
        if board.live[i] or not hysteresis.wants_promotion(i, counters[i]):
            continue
        refusal = governance.refuses(i, moves.live, board.candidates[i]) or first_refusal(
            rules, i, moves.live
        )
        if refusal is not None:
            board.wait(i, refusal.rule, refusal.reason)
            continue
        board.note(i, step(Hysteresis.name, "pass", hysteresis.passed(counters[i])))
        board.note(i, step(Governance.name, "pass", governance.how_it_goes()))
        board.because(i, f"{hysteresis.passed(counters[i])}; {governance.how_it_goes()}")
        governance.promoted += 1
        moves.promote.append(i)
        moves.live.append(i)
    moves.reopen = [] if governance.standstill() else reopened(board, staying)
    return moves


def rows_of_live(board: Board) -> list[int]:
    return [i for i in range(len(board)) if board.live[i]]


def leaves(board: Board, i: int, has_place: bool, counters: Counters, hysteresis: Hysteresis) -> bool:
    """A breached risk cut at once; else who has no place, when hysteresis lets it go. Who is held stays."""
    if (breach := breached_cut(board, i)) is not None:
        board.note(i, step("risk_cut", "fail", breach))
        board.reasons[i] = breach
        return True
    if board.held[i] or has_place or not hysteresis.wants_demotion(i, counters):
        return False
    board.note(i, step(Hysteresis.name, "fail", hysteresis.failed(counters)))
    board.because(i, hysteresis.failed(counters))
    return True


def reopened(board: Board, staying: Sequence[int]) -> list[int]:
    """Live bindings whose gate was closed and that still pass: an ordinary apply may open it again."""
    return [i for i in staying if board.candidates[i].gate_closed and bool(board.standing[i])]


def by_rank(rows: Sequence[int], taken: Taken) -> list[int]:
    """Ranked ones first, in their order; the others after them by id."""
    last = len(taken.order) + 1
    return sorted(rows, key=lambda i: (taken.ranks.get(i, last), i))
