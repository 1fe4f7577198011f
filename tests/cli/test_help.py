"""Help: there for everybody, light, with examples that are commands."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from qmtl.cli.app import app
from qmtl.cli.document import commands, page
from qmtl_site.launcher.places import PROJECT
from tests.cli.conftest import Qmtl

ALL = dict(commands(typer.main.get_command(app), "qmtl"))
SPEC = """
submit; world create; world list; world show; world status; world describe; world delete; world policy set;
world policy list; world policy show; world policy activate; world policy impact; world run-status; world snapshot;
world eval; world apply; world decide; world explain; world activation get; world activation set; world allocations;
world events; world audit; strategy list; strategy show; strategy activate; strategy deactivate; strategy status;
edges override; rebalance plan; rebalance apply; report live; report validation; policy-diff; run; health; login
"""


def test_every_command_of_the_spec_is_there() -> None:
    assert {f"qmtl {' '.join(name.split())}" for name in SPEC.split(";")} - ALL.keys() == set()


@pytest.mark.parametrize("name", ALL)
def test_a_command_has_help_with_an_example_of_it(typed: Qmtl, name: str) -> None:
    said = typed(*name.split()[1:], "--help")
    assert said.code == 0
    assert f"Example: {name}" in " ".join(said.out.split())
    assert max(map(len, said.out.splitlines())) <= 80


@pytest.mark.parametrize(("name", "command"), ALL.items())
def test_an_example_uses_what_there_is(name: str, command: Any) -> None:
    words = shlex.split(command.epilog.removeprefix("Example: "))[len(name.split()) :]
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize("name", ALL)
def test_whoever_takes_a_world_takes_it_by_option_too(name: str) -> None:
    opts = {option for each in ALL[name].params for option in each.opts}
    if "world" in opts:
        assert "--world" in opts


def test_help_waits_for_nothing_heavy() -> None:
    code = "import sys; from qmtl.cli.app import app; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60
    )
    assert {"numpy", "scipy", "httpx", "qmtl.sdk", "qmtl.client.client"} & set(done.stdout.split()) == set()


def test_the_program_is_an_entry_of_the_wheel() -> None:
    assert re.search(
        r'^\[project.scripts\]\nqmtl = "qmtl.cli:main"$', (PROJECT / "pyproject.toml").read_text(), re.M
    )


def test_the_generated_page_is_up_to_date() -> None:
    assert (PROJECT / "docs" / "cli.md").read_text() == page()


def test_a_shell_can_complete(typed: Qmtl, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "qmtl"],
        cwd=PROJECT,
        env={
            "PATH": "/usr/bin",
            "_QMTL_COMPLETE": "complete_bash",
            "COMP_WORDS": "qmtl world pol",
            "COMP_CWORD": "2",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == ["policy"]


def test_the_version_is_told(typed: Qmtl, tmp_path: Path) -> None:
    assert typed("--version").out.startswith("qmtl 0.")
