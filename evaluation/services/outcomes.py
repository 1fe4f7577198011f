"""What a verdict means for bindings and for their latest figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.domain.figures import Sheet
from evaluation.domain.judgement import Judgement
from evaluation.models import EvaluationRun
from qmtl_site.audit.actor import Actor
from strategies.models import Binding, LatestFigures
from strategies.services import Move, move_bindings, record_latest_figures

Outcome = tuple[EvaluationRun, Judgement, Sheet]

# What a list of strategies shows, and what rebalancing reads.
SHOWN = (
    "returns.sharpe",
    "returns.total_return",
    "returns.cagr",
    "returns.volatility",
    "returns.max_drawdown",
    "returns.win_rate",
    "returns.profit_factor",
    "robustness.deflated_sharpe_ratio",
    "robustness.pbo",
    "sample.effective_history_years",
    "sample.n_trades_total",
)


def settle_bindings(outcomes: Sequence[Outcome], bindings: Mapping[str, Binding], *, actor: Actor) -> None:
    """A passing first backtest starts the dry run, a failing one rejects; an inconclusive one leaves it validating."""
    moves: dict[str, Move] = {}
    for run, judgement, _ in outcomes:
        binding = bindings[run.strategy_id]
        if run.stage != EvaluationRun.Stage.BACKTEST or binding.state != Binding.State.VALIDATING:
            continue
        move = move_of(binding, run, judgement)
        # Of several that waited together a pass decides: after a fail it would have been a resubmission.
        if move and (run.strategy_id not in moves or move.by == "start_dry_run"):
            moves[run.strategy_id] = move
    move_bindings(moves=list(moves.values()), actor=actor)


def move_of(binding: Binding, run: EvaluationRun, judgement: Judgement) -> Move | None:
    if judgement.status in {"pass", "warn"}:
        return Move(binding, "start_dry_run", f"backtest run {run.run_id} passed", run.code_hash)
    if judgement.status == "fail":
        reasons = "; ".join(v["reason"] for v in judgement.violations() if v["severity"] == "blocking")
        return Move(binding, "reject", f"run {run.run_id}: {reasons}"[:500])
    return None


def record_figures(outcomes: Sequence[Outcome], bindings: Mapping[str, Binding]) -> None:
    rows = []
    for run, judgement, sheet in outcomes:
        assert run.evaluated_at is not None
        flat = sheet.flat()
        rows.append(
            LatestFigures(
                binding=bindings[run.strategy_id],
                run_id=run.run_id,
                stage=run.stage,
                verdict=judgement.status,
                recommended_stage=judgement.recommended_stage,
                figures={name: flat.get(name) for name in SHOWN},
                times_id=run.input.times_id,
                returns_id=run.input.returns_id,
                evaluated_at=run.evaluated_at,
            )
        )
    record_latest_figures(rows=rows)
