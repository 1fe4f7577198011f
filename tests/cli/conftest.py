"""The command line against a running service: each command as its user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evaluation.services import evaluate_waiting
from qmtl.cli.app import app
from qmtl.client import Client
from tests.api import POLICY, results, returns
from tests.client import conftest as service


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Qmtl = Callable[..., Said]


site, client = service.site, service.client


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, no configuration, a terminal of 80 columns."""
    monkeypatch.setenv("QMTL_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("QMTL_URL", "QMTL_TOKEN", "QMTL_WORLD", "QMTL_STREAM_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def typed(environment: Path) -> Qmtl:
    """`typed("world", "list")` without a service."""

    def run(*words: str, stdin: str | None = None) -> Said:
        result = CliRunner().invoke(app, list(words), input=stdin, prog_name="qmtl")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def qmtl(site: service.Site, typed: Qmtl, monkeypatch: pytest.MonkeyPatch) -> Qmtl:
    """The same with one, as root."""
    monkeypatch.setenv("QMTL_URL", site.url)
    monkeypatch.setenv("QMTL_TOKEN", site.token)
    return typed


@pytest.fixture(scope="module")
def alpha(client: Client) -> str:
    """A world with a policy, one run that passes and one that fails."""
    client.create_world("alpha", name="Alpha", allow_live=True)
    client.publish_policy("alpha", POLICY)
    client.register_strategy("mom", family="momentum")
    client.register_strategy("weak", family="momentum")
    client.create_run("alpha", "mom", run_id="r1", results=results())
    client.create_run("alpha", "weak", run_id="r1", results=results(returns(mean=-0.0005)))
    evaluate_waiting(world_id="alpha")
    return "alpha"


def policy_file(folder: Path, name: str = "policy.json", *, sharpe_min: float = 0.5) -> str:
    profile = POLICY["validation_profiles"]["backtest"]
    changed = {**profile, "performance": {**profile["performance"], "sharpe_min": sharpe_min}}
    path = folder / name
    path.write_text(json.dumps({**POLICY, "validation_profiles": {"backtest": changed}}))
    return str(path)
