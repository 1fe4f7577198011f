"""From a strategy to the service's word: registered, replayed, posted, judged. Each step may be repeated."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from qmtl.client import Client, errors
from qmtl.client.documents import Run, World
from qmtl.client.nearest import not_there
from qmtl.sdk.backtest import Progress, Record, backtest, results_document
from qmtl.sdk.engine import Engine
from qmtl.sdk.errors import AuthorError, DataError, StrategyError
from qmtl.sdk.failing import error_document, is_broken, is_the_same, report_of
from qmtl.sdk.frame import Frame
from qmtl.sdk.identity import run_id
from qmtl.sdk.pnl import alpha_performance, figures_of_returns
from qmtl.sdk.result import ServiceWord, SubmitResult
from qmtl.sdk.strategy import Strategy

ALIVE_EVERY = 30.0
"""Seconds after which a long replay tells the service that it still runs."""
MOST_ATTEMPTS = 100
LOWERED = {"compute-only"}
AWAITING_RESULTS = {"submitted", "backtest_running"}


@dataclass(frozen=True)
class Submission:
    """What is submitted, under which names."""

    strategy: Strategy
    strategy_id: str
    world: World
    code: str
    fingerprint: str
    params: Mapping[str, Any]

    def run_id(self, attempt: int) -> str:
        return run_id(code=self.code, fingerprint=self.fingerprint, params=self.params, attempt=attempt)


def world_named(client: Client, world_id: str) -> World:
    """The world; NotFound says which one may have been meant."""
    try:
        return client.world(world_id)
    except errors.NotFound as refused:
        known = [world.id for world in client.worlds(limit=500)]
        raise errors.NotFound(not_there("world", world_id, known), status=refused.status) from None


def register(client: Client, submission: Submission) -> None:
    """Register the strategy, or bring what is registered up to the class as it is now; other code is its next version.

    What the class does not say is left as it is: somebody may have said it to the service.
    """
    kind = type(submission.strategy)
    fields: dict[str, Any] = {
        "family": kind.family,
        "side": kind.side,
        "tags": list(kind.tags),
        "code_hash": submission.code,
    }
    summary = summary_of(kind)
    try:
        known = client.strategy(submission.strategy_id)
    except errors.NotFound:
        fields |= {"name": kind.__name__, "model_card": {"description": summary} if summary else {}}
        client.register_strategy(submission.strategy_id, **{k: v for k, v in fields.items() if v})
        return
    if summary:
        fields["model_card"] = {**known.model_card, "description": summary}
    if kind.id:
        fields["name"] = kind.__name__  # where the id is made of the name, it says that already
    changed = {name: value for name, value in fields.items() if value and known.raw.get(name) != value}
    if changed:
        client.change_strategy(submission.strategy_id, **changed)


def summary_of(kind: type[Strategy]) -> str:
    """The first paragraph of its own docstring, in a line."""
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].split())


def begin_run(client: Client, submission: Submission, *, but: str = "") -> Run:
    """The run of this code over this data: the one that there is, or a new one. An expired one is done again.

    but: the id of one that is not meant, as it ended with an error that is none any more.
    """
    world_id, strategy = submission.world.id, submission.strategy_id
    for attempt in range(1, MOST_ATTEMPTS):
        name = submission.run_id(attempt)
        if name == but:
            continue
        client.create_run(world_id, strategy, run_id=name, stage="backtest")
        run = client.run(world_id, strategy, name)
        if run.status != "expired":
            return run
    raise errors.RunFinal(
        f"{strategy} was submitted {MOST_ATTEMPTS} times with the same code and data, and came to nothing each time",
        status=409,
    )


def replayed(
    client: Client,
    submission: Submission,
    frame: Frame,
    engine: Engine,
    run: Run,
    progress: Progress | None,
) -> Record:
    """Replay history while the service knows of it. AuthorError where the strategy fails.

    A run that waits for no results is not touched: its code is only tried again.
    """
    strategy, world = submission.strategy, submission.world
    told = float("-inf")

    def alive() -> None:
        nonlocal told
        if run.status in AWAITING_RESULTS and time.monotonic() - told > ALIVE_EVERY:
            client.start_backtest(world.id, submission.strategy_id, run.run_id)
            told = time.monotonic()

    def report(done: int, total: int) -> None:
        alive()
        if progress is not None:
            progress(done, total)

    alive()
    return backtest(strategy, frame, periods_per_year=world.periods_per_year, progress=report, engine=engine)


def with_alpha(client: Client, record: Record, world: World) -> Record:
    """The six figures of the envelope beside the record, where the service says that it can read them."""
    if not client.health().alpha_metrics_capable:
        return record
    alpha = alpha_performance(
        record.returns, periods_per_year=world.periods_per_year, risk_free_rate=world.risk_free_rate
    )
    return replace(record, alpha=alpha)


def results_of(submission: Submission, record: Record) -> dict[str, Any]:
    return results_document(
        record,
        code_hash=submission.code,
        fingerprint=submission.fingerprint,
        tags=type(submission.strategy).tags,
    )


def post(client: Client, submission: Submission, run: Run, results: Mapping[str, Any]) -> None:
    """Post the results. Where an answer was lost on the way they may be there already."""
    try:
        client.post_results(submission.world.id, submission.strategy_id, run.run_id, results)
    except errors.RunFinal:
        if not client.run(submission.world.id, submission.strategy_id, run.run_id).is_evaluated:
            raise


def handed_in(
    client: Client, submission: Submission, run: Run, record: Record, waited: Callable[[Run], Run]
) -> Run:
    """The run that has this record: where this one ended with an error before, that was not in the code, and it is the
    next one."""
    results = results_of(submission, record)
    if run.status == "evaluating":
        try:
            post(client, submission, run, results)
            return run
        except errors.RunConflict:
            run = waited(run)  # it is still to be judged for the error
    if run.is_evaluated:
        run = begin_run(client, submission, but=run.run_id)
    if run.status in AWAITING_RESULTS:
        post(client, submission, run, results)
    return run


def precheck(record: Record | None, world: World) -> dict[str, Any]:
    """Figures by the service's own code, before it is asked: advice. Trials of the family are not counted here."""
    if record is None:
        return {}
    figures = figures_of_returns(
        record.returns, periods_per_year=world.periods_per_year, risk_free_rate=world.risk_free_rate
    )
    returns = figures["returns"]
    names = ("sample_count", "total_return", "cagr", "sharpe", "volatility", "max_drawdown")
    return {name: returns.get(name) for name in names} | {
        "trades": record.trades,
        "annual_turnover": record.turnover,
    }


def tell_failure(client: Client, submission: Submission, error: StrategyError | DataError) -> dict[str, Any]:
    """Let the service judge that the strategy failed, and what a result may tell of that run.

    Nothing that goes wrong here stands before the author's own error: `untold` says why the service does not know.
    """
    known: dict[str, Any] = {}
    try:
        register(client, submission)
        run = begin_run(client, submission)
        told = error_document(error, secrets=[client.config.token or ""])
        if is_broken(run):
            metrics = client.metrics(run.world_id, run.strategy_id, run.run_id)
            if not is_the_same(told, metrics.validation.get("error")):
                run = begin_run(client, submission, but=run.run_id)
        known |= names_of(run)
        if run.status in AWAITING_RESULTS:
            post(client, submission, run, {"error": told, "meta": meta_of(submission)})
    except errors.QmtlError as why:
        known["untold"] = str(why)
    return known


def names_of(run: Run) -> dict[str, Any]:
    return {"evaluation_run_id": run.run_id, "evaluation_run_url": run.links.get("self")}


def meta_of(submission: Submission) -> dict[str, Any]:
    return {
        "code_hash": submission.code,
        "dataset_fingerprint": submission.fingerprint,
        "tags": list(type(submission.strategy).tags),
    }


def rejected(
    world_id: str, strategy_id: str, error: AuthorError, *, untold: str = "", **known: Any
) -> SubmitResult:
    """The author's code failed: there is nothing to measure."""
    unaware = f". The service does not know of it: {untold}" if untold else ""
    return SubmitResult(
        world_id=world_id,
        strategy_id=strategy_id,
        status="rejected",
        error=error.report,
        downgraded=True,
        downgrade_reason=f"{error.where} failed; mend it and submit again{unaware}",
        **known,
    )


def unavailable(world_id: str, strategy_id: str, error: errors.Unreachable, **known: Any) -> SubmitResult:
    """Nothing pretends: without the service nothing is judged and nothing trades."""
    return SubmitResult(
        world_id=world_id,
        strategy_id=strategy_id,
        status="unavailable",
        safe_mode=True,
        downgraded=True,
        downgrade_reason=f"{error}. {error.next_step}",
        **known,
    )


def result_of(client: Client, run: Run, *, precheck: Mapping[str, Any], judge: bool = True) -> SubmitResult:
    """What is known of a run by now."""
    word, lowered, error = ServiceWord(), None, ""
    evaluation: dict[str, Any] = {}
    validation: dict[str, Any] = {}
    if run.is_evaluated:
        metrics = client.metrics(run.world_id, run.strategy_id, run.run_id)
        evaluation, validation = dict(metrics.evaluation), dict(metrics.validation)
        word, lowered = service_word(client, run)
        if validation.get("error"):
            error = report_of(validation["error"])
            lowered = "its own code failed; mend it and submit again"
    status = run.summary.status if run.summary else "expired" if run.is_over else "pending"
    return SubmitResult(
        world_id=run.world_id,
        strategy_id=run.strategy_id,
        status=("rejected" if error else status) if judge else "submitted",
        evaluation_run_id=run.run_id,
        evaluation_run_url=run.links.get("self"),
        snapshot_url=run.links.get("snapshot"),
        precheck=dict(precheck),
        ws=word,
        allocations=allocations_of(client, run.world_id),
        downgraded=lowered is not None,
        downgrade_reason=lowered,
        evaluation=evaluation,
        validation=validation,
        error=error,
    )


def service_word(client: Client, run: Run) -> tuple[ServiceWord, str | None]:
    """The newest decision, the gate and the verdict; and what lowers the mode, if something does."""
    decision = None
    contribution = None
    try:
        newest = client.decision(run.world_id)
        candidate = newest.candidate(run.strategy_id)
        decision = candidate.outcome if candidate else None
        total = sum(abs(weight) for weight in newest.weights.values())
        if run.strategy_id in newest.weights and total > 0:
            contribution = abs(newest.weights[run.strategy_id]) / total
    except errors.NotFound:
        pass  # nothing was decided yet
    try:
        gate = client.activation(run.world_id, run.strategy_id)
    except errors.NotFound:
        gate = None
    assert run.summary is not None
    word = ServiceWord(
        decision=decision,
        activation=dict(gate.raw) if gate else None,
        active=bool(gate and gate.active),
        weight=gate.weight if gate else 0.0,
        contribution=contribution,
        violations=run.summary.violations,
        recommended_stage=run.summary.recommended_stage,
    )
    passed = run.summary.status in {"pass", "warn"}
    if passed and gate is not None and gate.effective_mode in LOWERED:
        mode = client.decide(run.world_id)
        return (
            word,
            f"the world keeps its strategies to {gate.effective_mode} ({mode.reason or 'no reason told'})",
        )
    return word, None


def allocations_of(client: Client, world_id: str) -> dict[str, Any]:
    try:
        return client.allocations(world_id=world_id).allocations
    except (errors.NotFound, errors.Forbidden):
        return {}
