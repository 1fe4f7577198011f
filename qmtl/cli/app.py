"""All commands in one place."""

from __future__ import annotations

from typing import Annotated

import typer

import qmtl
from qmtl.cli import (
    evaluation,
    gates,
    policies,
    policy_diff,
    rebalance,
    reports,
    running,
    service,
    strategies,
    submitting,
    telling,
    worlds,
)

app = typer.Typer(
    name="qmtl",
    help="QMTL: which strategy may trade, with how much, and why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog="Exit status: 0 ok, 1 refused or failing, 2 usage, 3 inconclusive or pending, 4 unreachable.",
)


def version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"qmtl {qmtl.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """QMTL: which strategy may trade, with how much, and why."""


service.register(app)
submitting.register(app)
running.register(app)
app.add_typer(worlds.app, name="world")
app.add_typer(strategies.app, name="strategy")
app.add_typer(gates.edges_app, name="edges")
app.add_typer(rebalance.app, name="rebalance")
app.add_typer(reports.app, name="report")
policy_diff.register(app)
worlds.app.add_typer(policies.app, name="policy")
worlds.app.add_typer(gates.app, name="activation")

__all__ = ["app", "evaluation", "telling"]
