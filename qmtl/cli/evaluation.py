"""`qmtl world`: runs and their verdicts, evaluations, decisions and applies."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qmtl.cli.command import World, command
from qmtl.cli.failures import PENDING, CommandError
from qmtl.cli.files import write_file
from qmtl.cli.options import Reason, Run, Strategy, Timeout, Wait, moment
from qmtl.cli.session import Session, as_json
from qmtl.cli.tables import facts, figure, heading, paragraph, table
from qmtl.cli.verdicts import apply_facts, apply_status, end, verdict_status, wait_for_apply
from qmtl.cli.worlds import app

if TYPE_CHECKING:
    from rich.console import Console

    from qmtl.client.documents import Candidate, Decision, Snapshot
    from qmtl.client.documents import Run as EvaluationRun

PLAN = ("promote", "demote", "reopen")


@command(app, "run-status", example="qmtl world run-status alpha --strategy mom --run latest")
def run_status(session: Session, world: World, strategy: Strategy, run: Run = "latest") -> None:
    """Show how far an evaluation run is, and its verdict. Ends with 1 where it failed, 3 where it is not judged."""
    session.strategy, session.run = strategy, run
    found = session.client.run(world, strategy, run)
    summary = found.summary
    violations = [
        (each.rule, each.status, each.metric or each.reason_code, each.value, each.bound)
        for each in (summary.violations if summary else [])
    ]

    def shown(out: Console) -> None:
        facts(
            out,
            {
                "run": found.run_id,
                "world": found.world_id,
                "strategy": found.strategy_id,
                "stage": found.stage,
                "status": found.status,
                "because": found.status_reason or None,
                "error": told if (told := error_of(found)) != found.status_reason else None,
                "verdict": summary.status if summary else "not judged yet",
                "recommended": summary.recommended_stage if summary else None,
                "mode": found.effective_mode,
                "activation": found.activation_state,
                "created": found.created_at,
                "evaluated": found.evaluated_at,
                "metrics": found.links.get("metrics"),
                "snapshot": found.links.get("snapshot"),
            },
        )
        if violations:
            heading(out, "Not satisfied")
            table(out, ("rule", "status", "figure", "value", "bound"), violations)
        if hint := what_next(found):
            out.print()
            paragraph(out, hint)

    session.answer(found.raw, shown)
    end(verdict_status(found))


def error_of(run: EvaluationRun) -> str | None:
    """What kept a judged run from being measured, in a line."""
    every = run.summary.violations if run.summary else []
    return next((each.reason for each in every if each.reason_code == "evaluation.error"), None)


def what_next(run: EvaluationRun) -> str:
    """What whoever waits for a run may do now."""
    names = f"{run.world_id} --strategy {run.strategy_id}"
    if run.status == "expired" and run.summary is not None:
        return f"A newer run took its place: `qmtl world run-status {names}` shows that."
    if run.status == "expired":
        return f"It waited too long for its results. `qmtl submit MODULE:CLASS {run.world_id}` begins again."
    if run.status in {"submitted", "backtest_running"}:
        return (
            f"Its results are not here yet: `qmtl submit MODULE:CLASS {run.world_id}` replays and posts them."
        )
    if run.summary is None:
        return f"It is being judged: `qmtl world run-status {names}` asks again."
    if error_of(run):
        return f"`qmtl world explain {names}` shows the lines that failed; mend them and submit again."
    if run.summary.status not in {"pass", "warn"}:
        return f"`qmtl world explain {names}` says what would change it."
    if run.stage == "backtest" and run.effective_mode == "paper":
        return f"`qmtl run MODULE:CLASS --world {run.world_id}` trades it on paper."
    return f"`qmtl strategy status {run.strategy_id} {run.world_id}` shows how it stands now."


@command(
    app, "snapshot", example="qmtl world snapshot alpha --strategy mom --run latest --output .qmtl_snapshots/"
)
def snapshot(session: Session, world: World, strategy: Strategy, run: Run = "latest") -> None:
    """Fetch what the service keeps of a judged run: its figures and the heads of its series, as one file."""
    session.strategy, session.run = strategy, run
    found = session.client.run(world, strategy, run)
    link = found.links.get("snapshot")
    if not link:
        raise CommandError(
            f"run {found.run_id!r} is not judged yet: there is no snapshot of it",
            next_step=f"`qmtl world run-status {world} --strategy {strategy}` shows how far it is.",
            status=PENDING,
        )
    kept = session.client.snapshot(world, link.rpartition("/")[2])
    if session.output is not None and session.as_json:
        path = write_file(session.output, as_json(kept.raw), called=f"{kept.snapshot_id}.json")
        session.note(f"written to {path}")
    else:
        session.answer(kept.raw, lambda out: show_snapshot(out, kept))


@command(app, "eval", example="qmtl world eval alpha --dry-run")
def evaluate(
    session: Session,
    world: World,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be decided.")] = False,
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="As if it were then (implies --dry-run).")
    ] = None,
) -> None:
    """Evaluate a world now: who is promoted, who goes, who stays."""
    when = moment(as_of, "--as-of")
    decision = session.client.evaluate_world(world, as_of=when, dry_run=dry_run or when is not None)
    session.answer(decision.raw, lambda out: show_decision(out, decision))


@command(app, "decide", example="qmtl world decide alpha")
def decide(session: Session, world: World) -> None:
    """Show in which mode the world's strategies may act now, and for how long that holds."""
    mode = session.client.decide(world)
    session.answer(
        mode.raw,
        lambda out: facts(
            out,
            {
                "world": mode.world_id,
                "mode": mode.effective_mode,
                "execution": mode.execution_domain,
                "because": mode.reason,
                "policy": f"version {mode.policy_version}" if mode.policy_version else "none",
                "as of": mode.as_of,
                "holds for": f"{mode.ttl} s",
            },
        ),
    )


@command(app, "apply", example="qmtl world apply alpha --decision latest --reason 'after review'")
def apply(
    session: Session,
    world: World,
    decision: Annotated[str, typer.Option(metavar="DECISION", help="Which decision.")] = "latest",
    activate: Annotated[
        list[str] | None,
        typer.Option(metavar="STRATEGY", help="A plan of your own: open this one. May be repeated."),
    ] = None,
    deactivate: Annotated[
        list[str] | None,
        typer.Option(metavar="STRATEGY", help="A plan of your own: close this one. May be repeated."),
    ] = None,
    run_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Names the apply; the same id is the same apply.")
    ] = None,
    reason: Reason = None,
    wait: Wait = True,
    timeout: Timeout = 60.0,
) -> None:
    """Apply a decision in two phases: freeze, switch, unfreeze. Ends with 1 if it is rolled back, 3 while it goes on."""
    own = activate or deactivate
    began = session.client.apply(
        world,
        run_id or f"cli-{uuid.uuid4().hex[:12]}",
        activate=activate or [] if own else None,
        deactivate=deactivate or [] if own else None,
        decision_id=None if own else named_decision(session, world, decision),
        reason=reason or "qmtl world apply",
    )
    found = wait_for_apply(session, began, wait=wait, timeout=timeout)
    session.answer(found.raw, lambda out: facts(out, apply_facts(found)))
    end(apply_status(found))


@command(app, "explain", example="qmtl world explain alpha --strategy mom")
def explain(session: Session, world: World, strategy: Strategy, run: Run = "latest") -> None:
    """Explain a verdict and the newest decision: what passed, what failed, by how much, what would change it."""
    from qmtl.client.errors import NotFound
    from qmtl.sdk.submission import result_of

    session.strategy, session.run = strategy, run
    found = session.client.run(world, strategy, run)
    result = result_of(session.client, found, precheck={})
    decision: Decision | None = None
    with suppress(NotFound):  # nothing was decided yet
        decision = session.client.decision(world)
    candidate = decision.candidate(strategy) if decision else None
    document = {
        **result.document(),
        "explanation": result.explain(),
        "decision_id": decision.decision_id if decision else None,
        "candidate": dict(candidate.raw) if candidate else None,
    }

    def shown(out: Console) -> None:
        paragraph(out, result.explain())
        heading(out, f"Decision {decision.decision_id}" if decision else "The world has not decided yet")
        if candidate is not None:
            show_candidate(out, candidate)
        elif decision is not None:
            paragraph(out, "It was no candidate: only strategies in dry run or live are.")

    session.answer(document, shown)
    end(verdict_status(found))


# --- words ----------------------------------------------------------------------------------------------------
def named_decision(session: Session, world: str, decision: str) -> str:
    if decision != "latest":
        return decision
    from qmtl.client.errors import NotFound

    try:
        found = session.client.decision(world).decision_id
    except NotFound:
        session.client.world(world)  # it may be the world that is not there
        found = None
    if found is None:
        raise CommandError(
            f"world {world!r} has not decided anything yet",
            next_step=f"`qmtl world eval {world}` evaluates it.",
        )
    return found


def show_snapshot(out: Console, snapshot: Snapshot) -> None:
    evaluation = snapshot.metrics.get("evaluation", {})
    facts(
        out,
        {
            "snapshot": snapshot.snapshot_id,
            "run": snapshot.run_id,
            "created": snapshot.created_at,
            **snapshot.meta,
        },
    )
    for block in ("returns", "pnl", "sample", "robustness"):
        rows = [
            (name, value)
            for name, value in (evaluation.get(block) or {}).items()
            if not isinstance(value, dict)
        ]
        if rows:
            heading(out, block)
            facts(out, dict(rows))


def show_decision(out: Console, decision: Decision) -> None:
    kept = decision.decision_id if not decision.dry_run else "none: a dry run, nothing is kept"
    facts(
        out,
        {
            "decision": kept or "none",
            "world": decision.world_id,
            "policy": f"version {decision.policy_version}" if decision.policy_version else "none",
            "as of": decision.as_of,
            "because": decision.reason,
            **{name: decision.plan.get(name) or "nobody" for name in PLAN},
            "live after it": decision.active_set or "nobody",
        },
    )
    out.print()
    rows = [
        (
            each.strategy_id,
            each.state,
            each.outcome,
            each.rank,
            each.score,
            decision.weights.get(each.strategy_id),
            each.reasons[:1],
        )
        for each in decision.candidates
    ]
    columns = ("strategy", "state", "outcome", "rank", "score", "weight", "because")
    table(out, columns, rows, empty="no candidate: nothing is in dry run or live")


def show_candidate(out: Console, candidate: Candidate) -> None:
    facts(
        out,
        {
            "outcome": candidate.outcome,
            "state": candidate.state,
            "rank": candidate.rank,
            "score": candidate.score,
            "passes": candidate.consecutive_passes,
            "failures": candidate.consecutive_failures,
        },
    )
    for reason in candidate.reasons:
        paragraph(out, f"  - {reason}")
    out.print()
    table(
        out,
        ("step", "status", "reason"),
        [(each.get("step"), each.get("status"), each.get("reason")) for each in candidate.trace],
    )
    if candidate.margins:
        heading(out, "What it lacks")
        for margin in candidate.margins:
            paragraph(out, f"  - {margin_words(margin)}")


def margin_words(margin: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {figure(value) if isinstance(value, float) else value}"
        for name, value in margin.items()
        if value is not None
    )
