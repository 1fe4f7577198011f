"""`qmtl health` and `qmtl login`: the service itself, and access to it."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated, Any

import typer

from qmtl.cli.command import command
from qmtl.cli.failures import CommandError, UsageError, token_words
from qmtl.cli.session import TRIES, Session
from qmtl.cli.tables import facts

REFUSED_TOKEN = "not taken"


def register(app: typer.Typer) -> None:
    command(app, "health", example="qmtl health --expect-schema-version 2")(health)
    command(app, "login", example="qmtl login --url https://qmtl.example.com")(login)


def health(
    session: Session,
    expect_schema_version: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="End with 1 where it plans rebalancings by less than this version."
        ),
    ] = None,
) -> None:
    """Ask the service what it can do and how it is; where a token is known, also whether it is taken.

    Anybody may ask for its health. Ends with 1 where it is not well, or does not take the token.
    """
    found = session.client.health()
    token = token_standing(session) if found.status == "ok" else "not checked"
    pairs: dict[str, Any] = {
        "service": session.client.url,
        "status": found.status,
        "version": found.version,
        "rebalance schema": found.rebalance_schema_version,
        "alpha metrics": found.alpha_metrics_capable,
        "compute contract": found.compute_context_contract,
        "event stream": found.stream_url,
        "your token": token,
        **found.dependencies,
    }
    session.answer(found.raw, lambda out: facts(out, pairs))
    if found.status != "ok":
        raise CommandError(f"the service says that it is {found.status}")
    if token == REFUSED_TOKEN:
        raise CommandError(*token_words(session))
    if expect_schema_version is not None and found.rebalance_schema_version < expect_schema_version:
        raise CommandError(
            f"the service plans by schema version {found.rebalance_schema_version}, "
            f"{expect_schema_version} is expected",
            next_step="QMTL_COMPAT_REBALANCE_V2 of the service switches version 2.",
        )


def token_standing(session: Session) -> str:
    """What becomes of the token that is configured: asked with something that everybody may who has one."""
    from qmtl.client.errors import QmtlError, Unauthenticated

    if not session.client.config.token:
        return "none: run `qmtl login`"
    try:
        next(iter(session.client.worlds(limit=1)), None)
    except Unauthenticated:
        return REFUSED_TOKEN
    except QmtlError as error:
        return f"not checked: {error}"
    return "taken"


def login(session: Session) -> None:
    """Ask for your token, try it, and keep it with the address in a file that only you can read.

    The token is read without showing it, or from stdin where that is no terminal.
    """
    from qmtl.client import Client, Config, Retries, config_path, load_config, save_config

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a file that is about to be written anew
        known = load_config(url=session.url)
    url = session.url or (
        typer.prompt("Address", default=known.url, err=True) if sys.stdin.isatty() else known.url
    )
    session.token = session.token or read_token()
    token = load_config(url=url, token=session.token).token
    with Client(config=Config(url.rstrip("/"), token), retries=Retries(tries=TRIES)) as client:
        seen = len([*zip(client.worlds(limit=200), range(200), strict=False)])
        version = client.health().version
    path = save_config(Config(url.rstrip("/"), token))
    document = {"url": url.rstrip("/"), "config": str(path), "version": version, "worlds": seen}
    session.answer(
        document,
        lambda out: facts(
            out, {"service": url, "version": version, "worlds that you see": seen, "kept in": str(path)}
        ),
    )
    others = [name for name in ("QMTL_URL", "QMTL_TOKEN") if os.environ.get(name)]
    if others:
        session.note(
            f"{' and '.join(others)} in the environment count more than {config_path()}: unset them to use it."
        )


def read_token() -> str:
    """Without an echo from a terminal, else the first line of stdin. UsageError where there is none."""
    is_terminal = sys.stdin.isatty()
    token = typer.prompt("Token", hide_input=True, err=True) if is_terminal else sys.stdin.readline()
    if not str(token).strip():
        raise UsageError(
            "there is no token: type it, or pipe it in", next_step="`manage.py issue_token` makes one."
        )
    return str(token).strip()
