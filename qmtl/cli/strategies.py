"""`qmtl strategy`: the registry, and strategies started and stopped by hand."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qmtl.cli.command import MaybeWorld, Strategy, World, command
from qmtl.cli.failures import OK, PENDING
from qmtl.cli.options import Limit, Reason, Timeout, Wait
from qmtl.cli.session import Session, items
from qmtl.cli.tables import facts, heading, paragraph, table
from qmtl.cli.verdicts import apply_status, end, wait_for_apply

if TYPE_CHECKING:
    from rich.console import Console

    from qmtl.client.documents import Binding, CommandAnswer

app = typer.Typer(help="Strategies, and how they stand in their worlds.", no_args_is_help=True)

State = Literal["submitted", "validating", "rejected", "dry_run", "live", "inactive", "archived"]
BOUND = ("strategy", "state", "mode", "verdict", "sharpe", "drawdown", "passes", "fails")


@command(app, "list", example="qmtl strategy list --world alpha --state live")
def list_strategies(
    session: Session,
    world: MaybeWorld = None,
    state: Annotated[
        State | None, typer.Option(metavar="STATE", help="Only those in this state (with a world).")
    ] = None,
    family: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this family (without a world).")
    ] = None,
    limit: Limit = 100,
) -> None:
    """List strategies: of a world with their state and latest figures, else all that you may see."""
    if world is None:
        if state is not None:
            raise typer.BadParameter("a strategy has its state in a world: say --world W too")
        found = list(islice(session.client.strategies(family=family, limit=min(limit, 500)), limit))
        rows = [
            (each.id, each.family, each.side, each.version, each.owner, each.created_at) for each in found
        ]
        columns = ("strategy", "family", "side", "version", "owner", "created")
        session.answer(
            items(found), lambda out: table(out, columns, rows, empty="no strategy that you may see")
        )
        return
    bound = list(islice(session.client.bindings(world, state=state, limit=min(limit, 500)), limit))
    rows = [binding_row(each) for each in bound]
    session.answer(items(bound), lambda out: table(out, BOUND, rows, empty="no strategy is bound"))


@command(app, "show", example="qmtl strategy show mom")
def show(session: Session, strategy: Strategy) -> None:
    """Show a strategy as it is registered."""
    found = session.client.strategy(strategy)
    session.answer(
        found.raw,
        lambda out: facts(
            out,
            {
                "strategy": found.id,
                "name": found.name,
                "version": found.version,
                "owner": found.owner,
                "family": found.family,
                "side": found.side,
                "tags": found.tags,
                "model card": found.model_card,
                "code": found.code_hash,
                "created": found.created_at,
                "changed": found.updated_at,
            },
        ),
    )


@command(app, "activate", example="qmtl strategy activate mom --world alpha --reason 'approved by the desk'")
def activate(
    session: Session,
    strategy: Strategy,
    world: World,
    reason: Reason = None,
    wait: Wait = True,
    timeout: Timeout = 60.0,
) -> None:
    """Start a strategy in a world, or send it live, by hand. Ends with 3 while it is under way or waits for a resume."""
    answer = session.client.activate_strategy(
        strategy, world_id=world, reason=reason or "qmtl strategy activate"
    )
    carried_out(session, answer, wait=wait, timeout=timeout)


@command(app, "deactivate", example="qmtl strategy deactivate mom --world alpha --reason 'news'")
def deactivate(
    session: Session,
    strategy: Strategy,
    world: World,
    reason: Reason = None,
    wait: Wait = True,
    timeout: Timeout = 60.0,
) -> None:
    """Stop a strategy in a world by hand. Ends with 3 while it is under way."""
    answer = session.client.deactivate_strategy(
        strategy, world_id=world, reason=reason or "qmtl strategy deactivate"
    )
    carried_out(session, answer, wait=wait, timeout=timeout)


@command(app, "status", example="qmtl strategy status mom --world alpha")
def status(session: Session, strategy: Strategy, world: World) -> None:
    """Show how a strategy stands in a world: its state, its gate, its nodes and its latest verdict."""
    from qmtl.client.errors import NotFound

    bound = next(
        (each for each in session.client.bindings(world, limit=500) if each.strategy_id == strategy), None
    )
    gate = session.client.activation(world, strategy)
    nodes = session.client.nodes(world, strategy)["nodes"]
    try:
        run = session.client.run(world, strategy)
    except NotFound:
        run = None
    document = {
        "world_id": world,
        "strategy_id": strategy,
        "binding": dict(bound.raw) if bound else None,
        "activation": dict(gate.raw),
        "nodes": nodes,
        "run": dict(run.raw) if run else None,
    }

    def shown(out: Console) -> None:
        facts(
            out,
            {
                "strategy": strategy,
                "world": world,
                "state": bound.state if bound else None,
                "since": bound.state_since if bound else None,
                "mode": gate.effective_mode,
                "gate": "open" if gate.active and not gate.freeze and not gate.drain else "closed",
                "weight": gate.weight,
                "passes": bound.consecutive_passes if bound else None,
                "failures": bound.consecutive_failures if bound else None,
                "newest run": f"{run.run_id} ({run.stage}, {run.status})" if run else "none",
                "verdict": run.summary.status if run and run.summary else None,
            },
        )
        heading(out, "Nodes")
        rows = [
            (each["node"], each["state"], each.get("period"), each.get("received"), each.get("error"))
            for each in nodes
        ]
        table(out, ("node", "state", "period", "received", "error"), rows, empty="no runner reported any")

    session.answer(document, shown)


# --- words ----------------------------------------------------------------------------------------------------
def binding_row(binding: Binding) -> tuple[Any, ...]:
    latest = binding.latest or {}
    figures = latest.get("figures") or {}
    return (
        binding.strategy_id,
        binding.state,
        binding.effective_mode,
        latest.get("verdict"),
        figures.get("returns.sharpe"),
        figures.get("returns.max_drawdown"),
        binding.consecutive_passes,
        binding.consecutive_failures,
    )


def carried_out(session: Session, answer: CommandAnswer, *, wait: bool, timeout: float) -> None:
    """The answer of a command once its apply is settled, and the warning that goes with it."""
    document, code = dict(answer.raw), OK if answer.status == "done" else PENDING
    if answer.status == "applying" and answer.run_id:
        apply = session.client.apply_status(answer.world_id, answer.run_id)
        apply = wait_for_apply(session, apply, wait=wait, timeout=timeout)
        document["apply"] = dict(apply.raw)
        code = apply_status(apply)
    phase = document.get("apply", {}).get("phase")

    def shown(out: Console) -> None:
        facts(
            out,
            {
                "strategy": answer.strategy_id,
                "world": answer.world_id,
                "command": answer.command,
                "status": phase or answer.status,
                "apply": answer.run_id,
            },
        )
        if answer.status == "queued":
            paragraph(out, "The world is paused: the command is carried out when it resumes.")

    session.answer(document, shown)
    if answer.warning:
        session.note(answer.warning)
    end(code)
