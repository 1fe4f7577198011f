"""`qmtl world policy`: versions of a world's policy, and what another one would change."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qmtl.cli.command import World, command
from qmtl.cli.failures import UsageError
from qmtl.cli.files import read_text
from qmtl.cli.impact import RATIO, end_above, impact_shown
from qmtl.cli.options import Limit, Reason
from qmtl.cli.session import Session, items
from qmtl.cli.tables import facts, printable, table

if TYPE_CHECKING:
    from rich.console import Console

    from qmtl.client.documents import Policy

app = typer.Typer(help="Policies of a world: each version is kept for good.", no_args_is_help=True)

PolicyFile = Annotated[
    str,
    typer.Option(
        "--policy-file",
        "-p",
        metavar="FILE",
        help="YAML, or JSON where it ends in .json; - reads YAML from stdin.",
        show_default=False,
    ),
]
MaybePolicyFile = Annotated[
    str | None,
    typer.Option(
        "--policy-file", "-p", metavar="FILE", help="A policy that is not kept yet: it is kept as a draft."
    ),
]
Version = Annotated[
    int, typer.Option("--version", "-v", metavar="N", min=1, help="Which version.", show_default=False)
]
MaybeVersion = Annotated[
    int | None,
    typer.Option("--version", "-v", metavar="N", min=1, help="Which version; else the active one."),
]
LISTED = ("version", "state", "checksum", "by", "created", "activated")


@command(app, "set", example="qmtl world policy set alpha --policy-file policy.yaml")
def set_policy(
    session: Session,
    world: World,
    policy_file: PolicyFile,
    draft: Annotated[bool, typer.Option("--draft", help="Keep it, but judge nothing by it yet.")] = False,
) -> None:
    """Write a new version and make it the active one."""
    policy = policy_of_file(policy_file)
    keep = session.client.draft_policy if draft else session.client.publish_policy
    kept = keep(world, policy)
    session.answer(kept.raw, lambda out: facts(out, policy_facts(kept)))


@command(app, "list", example="qmtl world policy list alpha")
def list_policies(session: Session, world: World, limit: Limit = 50) -> None:
    """List the versions, the newest first."""
    found = list(islice(session.client.policies(world, limit=min(limit, 500)), limit))
    rows = [
        (each.version, each.state, each.checksum[:12], each.created_by, each.created_at, each.activated_at)
        for each in found
    ]
    session.answer(items(found), lambda out: table(out, LISTED, rows, empty="no policy: nothing is promoted"))


@command(app, "show", example="qmtl world policy show alpha --version 2")
def show(session: Session, world: World, version: MaybeVersion = None) -> None:
    """Show a version as it was written; as JSON also with every default."""
    found = session.client.policy(world, version or active_version(session, world))

    def shown(out: Console) -> None:
        facts(out, policy_facts(found))
        out.print()
        for line in source_of(found).splitlines():
            out.print(printable(line), soft_wrap=True)

    session.answer(found.raw, shown)


@command(app, "activate", example="qmtl world policy activate alpha --version 2 --reason 'tighter drawdown'")
def activate(session: Session, world: World, version: Version, reason: Reason = None) -> None:
    """Publish a version, or roll back to it."""
    found = session.client.activate_policy(world, version, reason=reason or "")
    session.answer(found.raw, lambda out: facts(out, policy_facts(found)))


@command(
    app, "impact", example="qmtl world policy impact alpha --policy-file next.yaml --fail-impact-ratio 0.05"
)
def impact(
    session: Session,
    world: World,
    policy_file: MaybePolicyFile = None,
    version: Annotated[
        int | None, typer.Option("--version", "-v", metavar="N", min=1, help="A version that is kept.")
    ] = None,
    days: Annotated[
        int,
        typer.Option(min=1, max=3650, metavar="N", help="Runs that were judged in the last so many days."),
    ] = 90,
    scenarios: Annotated[
        list[str] | None,
        typer.Option(metavar="SET", help="Also over shipped sets: good, borderline, bad, known_bad or all."),
    ] = None,
    fail_impact_ratio: RATIO = None,
) -> None:
    """Tell what a policy would change in this world: verdicts, stages, who would go live. Nothing is decided by it."""
    if (policy_file is None) == (version is None):
        raise typer.BadParameter("say either --policy-file FILE or --version N")
    if policy_file is not None:
        version = session.client.draft_policy(world, policy_of_file(policy_file)).version
        session.note(f"{policy_file} is kept as version {version}, a draft")
    assert version is not None
    found = session.client.policy_impact(world, version, days=days, scenarios=scenarios)
    impact_shown(session, found)
    end_above(session, found["impact_ratio"], fail_impact_ratio)


# --- words ----------------------------------------------------------------------------------------------------
def policy_of_file(name: str) -> str | dict[str, Any]:
    """What the client takes: YAML as it is written, or a JSON document."""
    text = read_text(name)
    if not name.endswith(".json"):
        return text
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{name} is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{name} must hold a JSON object")
    return document


def source_of(policy: Policy) -> str:
    """As it was written; JSON, which programs write, over several lines."""
    if policy.media == "json" and policy.source:
        return json.dumps(json.loads(policy.source), ensure_ascii=False, indent=2)
    return policy.source or ""


def active_version(session: Session, world: str) -> int:
    version = session.client.world(world).active_policy_version
    if version is None:
        raise UsageError(
            f"world {world!r} has no active policy",
            next_step=f"`qmtl world policy list {world}` shows its drafts.",
        )
    return version


def policy_facts(policy: Policy) -> dict[str, Any]:
    return {
        "world": policy.world_id,
        "version": policy.version,
        "state": policy.state,
        "checksum": policy.checksum,
        "rule set": policy.ruleset_hash,
        "created": policy.created_at,
        "by": policy.created_by,
        "activated": policy.activated_at,
    }
