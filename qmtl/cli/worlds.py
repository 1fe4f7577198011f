"""`qmtl world`: the registry of worlds, and their state."""

from __future__ import annotations

import sys
from itertools import islice
from typing import Annotated, Any, Literal

import typer

from qmtl.cli.command import World, command
from qmtl.cli.failures import CommandError, UsageError
from qmtl.cli.files import read_object
from qmtl.cli.options import Limit, Reason, Yes
from qmtl.cli.policies import policy_of_file
from qmtl.cli.session import Session, items
from qmtl.cli.tables import facts, heading, table

app = typer.Typer(help="Worlds: portfolios of strategies, each with its policy.", no_args_is_help=True)

State = Literal["ACTIVE", "EVALUATION_ONLY", "PAUSED", "RETIRED"]
STATES = {
    "active": "ACTIVE",
    "evalonly": "EVALUATION_ONLY",
    "evaluationonly": "EVALUATION_ONLY",
    "paused": "PAUSED",
    "retired": "RETIRED",
}
LISTED = ("world", "state", "live", "policy", "last evaluation", "name")


@command(
    app,
    "create",
    example="qmtl world create alpha --name 'Alpha' --data-preset sp500-daily:package-dataset:1d",
)
def create(
    session: Session,
    world: World,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is called.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="A label; may be repeated.")] = None,
    allow_live: Annotated[
        bool | None, typer.Option("--allow-live/--no-allow-live", help="May promoted strategies trade live?")
    ] = None,
    data_preset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID:SOURCE:INTERVAL",
            help="Its data: csv, parquet, ccxt or package-dataset. May be repeated; the first is the default.",
        ),
    ] = None,
    periods_per_year: Annotated[
        float | None, typer.Option(min=0, metavar="N", help="For annual figures; 252 unless said.")
    ] = None,
    reference_capital: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="For profit and loss in money.")
    ] = None,
    reference_currency: Annotated[str | None, typer.Option(metavar="CODE", help="Like USD.")] = None,
    file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="The whole document as JSON (docs: /schema/docs/); options go before it."
        ),
    ] = None,
    policy_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Publish this policy in it at once.")
    ] = None,
) -> None:
    """Create a world, yours; with --policy-file its policy too."""
    policy = policy_of_file(policy_file) if policy_file else None
    fields: dict[str, Any] = read_object(file) if file else {}
    if fields.pop("id", world) != world:
        raise UsageError(f"{file} is about another world than {world!r}")
    given = {
        "name": name,
        "description": description,
        "labels": label,
        "allow_live": allow_live,
        "data_presets": [preset_of(each) for each in data_preset or ()] or None,
        "periods_per_year": periods_per_year,
        "reference_capital": reference_capital,
        "reference_currency": reference_currency,
    }
    fields |= {key: value for key, value in given.items() if value is not None}
    made = session.client.create_world(world, **fields)
    if policy is not None:
        session.client.publish_policy(world, policy)
        made = session.client.world(world)
    session.answer(made.raw, lambda out: facts(out, world_facts(made)))


@command(app, "list", example="qmtl world list --state ACTIVE")
def list_worlds(
    session: Session,
    state: Annotated[State | None, typer.Option(metavar="STATE", help="Only those in this state.")] = None,
    owner: Annotated[str | None, typer.Option(metavar="USER", help="Only those of this owner.")] = None,
    limit: Limit = 100,
) -> None:
    """List the worlds in which you have a role."""
    found = list(islice(session.client.worlds(state=state, owner=owner, limit=min(limit, 500)), limit))
    rows = [
        (each.id, each.state, live_word(each), each.active_policy_version, each.last_evaluation_at, each.name)
        for each in found
    ]
    session.answer(items(found), lambda out: table(out, LISTED, rows, empty="no world that you may see"))


@command(app, "show", example="qmtl world show alpha")
def show(session: Session, world: World) -> None:
    """Show a world as it is set up."""
    found = session.client.world(world)
    presets = [
        (each.id, each.source, each.interval, len(each.symbols) or "all", each.window)
        for each in found.data_presets
    ]

    def shown(out: Any) -> None:
        facts(out, world_facts(found))
        if presets:
            heading(out, "Data presets")
            table(out, ("preset", "source", "interval", "symbols", "window"), presets)

    session.answer(found.raw, shown)


@command(app, "status", example="qmtl world status alpha --set PAUSED --reason 'exchange outage'")
def status(
    session: Session,
    world: World,
    set_: Annotated[
        str | None,
        typer.Option(
            "--set", metavar="STATE", help="ACTIVE, EVALUATION_ONLY (or EvalOnly), PAUSED or RETIRED."
        ),
    ] = None,
    reason: Reason = None,
) -> None:
    """Show in which state a world is and in which mode its strategies act, or set its state."""
    if set_ is not None:
        wanted = state_of(set_)
        session.client.set_world_state(world, wanted, reason=reason or f"qmtl world status --set {wanted}")
    elif reason is not None:
        raise typer.BadParameter("--reason goes with --set")
    found, mode = session.client.world(world), session.client.decide(world)
    document = {
        "world_id": found.id,
        "state": found.state,
        "state_since": found.raw.get("state_since"),
        "circuit_breaker": found.circuit_breaker,
        "allow_live": found.allow_live,
        "effective_mode": mode.effective_mode,
        "reason": mode.reason,
        "policy_version": found.active_policy_version,
        "last_evaluation_at": found.raw.get("last_evaluation_at"),
        "next_evaluation_at": found.raw.get("next_evaluation_at"),
    }
    session.answer(document, lambda out: facts(out, status_facts(found, mode)))


@command(app, "describe", example="qmtl world describe alpha")
def describe(session: Session, world: World) -> None:
    """Describe a world at a glance: its policy, and how many strategies and runs stand where."""
    found = session.client.describe_world(world)
    policy = found.active_policy or {}

    def shown(out: Any) -> None:
        facts(
            out,
            {
                "world": found.world.get("id"),
                "state": found.world.get("state"),
                "policy": f"version {policy.get('version')}" if policy else "none: nothing is promoted",
                "last evaluation": found.last_evaluation,
                "next evaluation": found.next_evaluation,
            },
        )
        heading(out, "Strategies")
        table(out, ("state", "strategies"), counts(found.bindings_by_state), empty="no strategy is bound")
        heading(out, "Runs")
        table(out, ("status", "runs"), counts(found.runs_by_status), empty="no run")

    session.answer(found.raw, shown)


@command(app, "delete", example="qmtl world delete alpha --reason 'replaced by beta' --yes")
def delete(
    session: Session,
    world: World,
    force: Annotated[bool, typer.Option("--force", help="Also while strategies are live in it.")] = False,
    reason: Reason = None,
    yes: Yes = False,
) -> None:
    """Retire a world, for good. What is known of it stays readable."""
    found = session.client.world(world)
    if not yes:
        confirm(f"Retire world {found.id!r} ({found.name}) for good?")
    retired = session.client.retire_world(found.id, force=force, reason=reason or "qmtl world delete")
    session.answer(retired.raw, lambda out: facts(out, {"world": retired.id, "state": retired.state}))


# --- words ----------------------------------------------------------------------------------------------------
def confirm(question: str) -> None:
    """Ask whoever sits there; where nobody does, only --yes will do."""
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody can be asked here: say --yes")
    if not typer.confirm(question, err=True):
        raise CommandError("nothing was changed")


def state_of(text: str) -> str:
    wanted = STATES.get(text.replace("_", "").replace("-", "").lower())
    if wanted is None:
        raise typer.BadParameter(f"--set is one of ACTIVE, EVALUATION_ONLY, PAUSED, RETIRED, not {text!r}")
    return wanted


def preset_of(text: str) -> dict[str, Any]:
    preset, source, *interval = text.split(":")[:3] if ":" in text else (text, "")
    if not preset or not source:
        raise typer.BadParameter(
            f"--data-preset is ID:SOURCE:INTERVAL, like sp500-daily:package-dataset:1d, not {text!r}"
        )
    return {"id": preset, "source": source, "interval": interval[0] if interval else "1d"}


def live_word(world: Any) -> str:
    return "stopped" if world.circuit_breaker else "allowed" if world.allow_live else "no"


def world_facts(world: Any) -> dict[str, Any]:
    return {
        "world": world.id,
        "name": world.name,
        "description": world.description,
        "owner": world.owner,
        "labels": world.labels,
        "state": world.state,
        "live trading": live_word(world),
        "active policy": f"version {world.active_policy_version}" if world.active_policy_version else "none",
        "periods per year": world.periods_per_year,
        "capital": f"{world.reference_capital:,.2f} {world.reference_currency}",
        "last evaluation": world.last_evaluation_at,
        "next evaluation": world.next_evaluation_at,
        "created": world.created_at,
    }


def status_facts(world: Any, mode: Any) -> dict[str, Any]:
    return {
        "world": world.id,
        "state": world.state,
        "since": world.state_since,
        "mode": mode.effective_mode,
        "because": mode.reason,
        "circuit breaker": "engaged" if world.circuit_breaker else "off",
        "live trading": live_word(world),
        "active policy": f"version {world.active_policy_version}" if world.active_policy_version else "none",
        "last evaluation": world.last_evaluation_at,
        "next evaluation": world.next_evaluation_at,
    }


def counts(found: dict[str, int]) -> list[tuple[str, int]]:
    return [(name, number) for name, number in found.items() if number]
