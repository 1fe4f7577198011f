"""`qmtl rebalance`: plans over several worlds, recorded and executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from qmtl.cli.command import command
from qmtl.cli.failures import PENDING
from qmtl.cli.files import read_object
from qmtl.cli.options import Reason
from qmtl.cli.session import Session
from qmtl.cli.tables import facts, heading, table
from qmtl.cli.verdicts import end

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

app = typer.Typer(help="Rebalancing: from allocations to orders (docs: rebalancing).", no_args_is_help=True)

Plan = Annotated[
    str,
    typer.Option(
        "--file", "-F", metavar="FILE", help="The request as JSON; - reads stdin.", show_default=False
    ),
]
DELTAS = ("world", "symbol", "venue", "quantity", "notional")


@command(app, "plan", example="qmtl rebalance plan --file plan.json")
def plan(session: Session, file: Plan) -> None:
    """Plan what would have to be traded. Nothing is written, nothing is traded."""
    request = read_object(file)
    request.pop("run_id", None)  # a request may be kept in one file for both steps
    found = session.client.rebalance_plan(request)
    session.answer(found.raw, lambda out: show_plan(out, found.raw))


@command(app, "apply", example="qmtl rebalance apply --file plan.json --run-id 2026-11-20")
def apply(
    session: Session,
    file: Plan,
    run_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Names the plan, if the file does not; the same id is the same plan."
        ),
    ] = None,
    reason: Reason = None,
) -> None:
    """Record a plan as approved. It is traded by `qmtl rebalance execute`."""
    request = read_object(file)
    if run_id is not None:
        request["run_id"] = run_id
    if "run_id" not in request:
        raise typer.BadParameter("a recorded plan has a name: say --run-id ID, or put run_id into the file")
    if reason is not None:
        request["reason"] = reason
    found = session.client.rebalance_apply(request)
    session.answer(found.raw, lambda out: show_plan(out, found.raw))


@command(app, "cancel", example='qmtl rebalance cancel 2026-11-20 --reason "the runner is gone"')
def cancel(
    session: Session,
    run_id: Annotated[
        str, typer.Argument(metavar="RUN", help="A recorded plan, or its execution.", show_default=False)
    ],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.", show_default=False)],
    abandon: Annotated[
        bool, typer.Option("--abandon", help="No runner has its orders any more: you have looked.")
    ] = False,
) -> None:
    """Withdraw a plan, or end its execution: nothing more is sent, what was filled stays.

    Ends with 3 while a runner takes orders back.
    """
    found = session.client.rebalance_cancel(run_id, reason=reason, abandon=abandon)
    session.answer(found, lambda out: show_execution(out, found))
    end(PENDING if found["status"] == "cancelling" else 0)


@command(app, "execute", example="qmtl rebalance execute 2026-11-20 --dry-run")
def execute(
    session: Session,
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A recorded plan.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the orders.")] = False,
    reason: Reason = None,
) -> None:
    """Execute a recorded plan, or go on with it; nothing is filled twice. Ends with 3 while orders are open."""
    found = session.client.rebalance_execute(run_id, dry_run=dry_run, reason=reason)

    session.answer(found, lambda out: show_execution(out, found))
    end(PENDING if found["status"] in {"running", "cancelling"} else 0)


def show_execution(out: Console, found: Mapping[str, Any]) -> None:
    rows = [
        (
            each.get("world_id"),
            each["symbol"],
            each["side"],
            each["qty"],
            each["status"],
            each.get("average_price"),
            each.get("reason"),
        )
        for each in found["orders"]
    ]
    facts(
        out,
        {
            "run": found["run_id"],
            "status": found["status"],
            "meets the plan": found["reconciliation"]["meets_plan"],
        },
    )
    if counts := found.get("order_counts"):
        facts(out, {f"orders {status}": count for status, count in counts.items()})
    out.print()
    table(out, ("world", "symbol", "side", "qty", "status", "price", "because"), rows, empty="no order")


def show_plan(out: Console, found: Mapping[str, Any]) -> None:
    cost = found.get("cost_estimate") or {}
    facts(
        out,
        {
            "run": found.get("run_id"),
            "mode": found.get("mode"),
            "schema version": found.get("schema_version"),
            "shared account": found.get("shared_account"),
            "turnover": cost.get("order_turnover"),
            "cost": cost.get("cost"),
        },
    )
    by_world = [
        (world, each["symbol"], each.get("venue"), each["delta_qty"], each["notional"])
        for world, part in found["per_world"].items()
        for each in part["deltas"]
    ]
    heading(out, "By world")
    table(out, DELTAS, by_world, empty="nothing to trade")
    if found.get("overlay_deltas"):
        heading(out, "Overlay")
        rows = [
            (each["world_id"], each["symbol"], each.get("venue"), each["delta_qty"], each["notional"])
            for each in found["overlay_deltas"]
        ]
        table(out, DELTAS, rows)
    if found.get("shared_account"):
        heading(out, "Orders of the shared account")
        rows = [
            ("all", each["symbol"], each.get("venue"), each["delta_qty"], each["notional"])
            for each in found["global_deltas"]
        ]
        table(out, DELTAS, rows, empty="nothing to trade: the worlds trade with each other")
    if found.get("residuals"):
        heading(out, "Stays, as it is below a lot or the minimum")
        rows = [
            (each.get("world_id"), each["symbol"], each.get("venue"), each["qty"], each["reason"])
            for each in found["residuals"]
        ]
        table(out, ("world", "symbol", "venue", "quantity", "because"), rows)
