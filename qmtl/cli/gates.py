"""`qmtl world activation`, `qmtl world allocations`, `qmtl edges`: gates, weights and edges by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from qmtl.cli.command import MaybeWorld, World, command
from qmtl.cli.options import MaybeStrategy, Reason, Side, Strategy, Truth, moment
from qmtl.cli.session import Session
from qmtl.cli.tables import facts, table
from qmtl.cli.worlds import app as world_app

if TYPE_CHECKING:
    from qmtl.client.documents import Activation

app = typer.Typer(help="Gates of a world's strategies.", no_args_is_help=True)
edges_app = typer.Typer(help="Edges of a world's graph.", no_args_is_help=True)

UNDONE = "The next evaluation of the world decides anew and may undo this."
LISTED = ("strategy", "side", "active", "weight", "mode", "held by", "since")


@command(app, "get", example="qmtl world activation get alpha --strategy mom")
def get(
    session: Session,
    world: World,
    strategy: MaybeStrategy = None,
    side: Annotated[
        Side | None,
        typer.Option(metavar="SIDE", help="long, short or both: refuse where it trades another side."),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="As it was then, by whose act and why.")
    ] = None,
) -> None:
    """Show the gates of a world, or one of them, every mask applied."""
    session.strategy = strategy
    when = moment(at, "--at")
    if strategy is not None:
        found = session.client.activation(world, strategy, side=side, at=when)
        session.answer(found.raw, lambda out: facts(out, gate_facts(found)))
        return
    gates = session.client.activations(world, at=when)
    rows = [
        (each.strategy_id, each.side, each.active, each.weight, each.effective_mode, masks(each), each.ts)
        for each in gates.items
    ]
    session.answer(gates.raw, lambda out: table(out, LISTED, rows, empty="no strategy is bound"))


@command(app, "set", example="qmtl world activation set alpha --strategy mom --side long --active false")
def set_gate(
    session: Session,
    world: World,
    strategy: Strategy,
    active: Annotated[Truth | None, typer.Option(metavar="true|false", help="Open it, or close it.")] = None,
    weight: Annotated[float | None, typer.Option(min=0.0, metavar="W", help="Its weight.")] = None,
    side: Annotated[
        Side | None, typer.Option(metavar="SIDE", help="long, short or both: the side that it trades.")
    ] = None,
    reason: Reason = None,
    if_match: Annotated[
        str | None, typer.Option(metavar="ETAG", help="Only while it is as it was read.")
    ] = None,
) -> None:
    """Close or re-open the gate of a live strategy by hand, or set its weight."""
    if active is None and weight is None:
        raise typer.BadParameter("say --active true, --active false or --weight W")
    session.strategy = strategy
    found = session.client.set_activation(
        world,
        strategy,
        active=None if active is None else active == "true",
        weight=weight,
        side=side,
        reason=reason or "qmtl world activation set",
        if_match=if_match,
    )
    session.answer(found.raw, lambda out: facts(out, gate_facts(found)))
    session.note(UNDONE)


@command(world_app, "allocations", example="qmtl world allocations alpha")
def allocations(session: Session, world: MaybeWorld = None) -> None:
    """Show what part of the equity each world has, or this one."""
    found = session.client.allocations(world_id=world)
    rows = [
        (
            name,
            each.get("allocation"),
            each.get("total_equity"),
            each.get("strategy_alloc_total"),
            "yes" if each.get("stale") else "no",
            each.get("run_id"),
        )
        for name, each in found.allocations.items()
    ]
    columns = ("world", "fraction", "equity", "strategies", "stale", "run")
    session.answer(found.raw, lambda out: table(out, columns, rows, empty="nothing is allocated"))


@command(
    edges_app,
    "override",
    example="qmtl edges override alpha --from prices --to orders --active false --reason 'bad feed'",
)
def override(
    session: Session,
    world: World,
    src: Annotated[
        str | None, typer.Option("--from", "--src", metavar="NODE", help="Where the edge begins.")
    ] = None,
    dst: Annotated[str | None, typer.Option("--to", "--dst", metavar="NODE", help="Where it ends.")] = None,
    active: Annotated[Truth | None, typer.Option(metavar="true|false", help="Turn it on or off.")] = None,
    reason: Reason = None,
) -> None:
    """Turn an edge on or off by hand; without an edge, show those that were."""
    given = [src, dst, active]
    if all(each is None for each in given):
        found = session.client.edge_overrides(world)
        rows = [
            (each.src_node, each.dst_node, each.active, each.reason, each.changed_by, each.changed_at)
            for each in found.items
        ]
        columns = ("from", "to", "active", "reason", "by", "at")
        session.answer(found.raw, lambda out: table(out, columns, rows, empty="no edge was turned on or off"))
        return
    if src is None or dst is None or active is None:
        raise typer.BadParameter("an edge has --from, --to and --active")
    edge = session.client.override_edge(
        world, src, dst, active=active == "true", reason=reason or "qmtl edges override"
    )
    session.answer(
        edge.raw,
        lambda out: facts(
            out,
            {
                "from": edge.src_node,
                "to": edge.dst_node,
                "active": edge.active,
                "reason": edge.reason,
                "by": edge.changed_by,
            },
        ),
    )


# --- words ----------------------------------------------------------------------------------------------------
def masks(gate: Activation) -> str:
    return ", ".join(name for name in ("freeze", "drain") if getattr(gate, name))


def gate_facts(gate: Activation) -> dict[str, Any]:
    return {
        "strategy": gate.strategy_id,
        "world": gate.world_id,
        "side": gate.side,
        "active": gate.active,
        "weight": gate.weight,
        "mode": gate.effective_mode,
        "execution": gate.execution_domain,
        "held by": masks(gate),
        "phase": gate.phase,
        "run": gate.run_id,
        "sequence": gate.sequence,
        "decision": gate.decision_id,
        "reason": gate.reason,
        "by": gate.actor,
        "since": gate.ts,
        "etag": gate.etag,
    }
