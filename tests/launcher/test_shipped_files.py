"""Files that no program reads in a test run, held to what they describe."""

from __future__ import annotations

import re
import subprocess

import pytest
from ruamel.yaml import YAML

from qmtl_site.gunicorn_worker import ProblemWorker
from qmtl_site.launcher.places import PROJECT

ENV_EXAMPLE = set(re.findall(r"^([A-Z][A-Z0-9_]*)=", (PROJECT / ".env.example").read_text(), re.M))
PROCESSES = set(re.findall(r"^(\w+):", (PROJECT / "Procfile").read_text(), re.M))
COMPOSE = YAML(typ="safe").load(PROJECT / "compose.yaml")


def test_each_setting_is_in_the_example() -> None:
    settings = (PROJECT / "qmtl_site" / "settings.py").read_text()
    assert set(re.findall(r'setting\(\s*"([A-Z0-9_]+)"', settings)) - {"QMTL_URL"} <= ENV_EXAMPLE


def test_each_value_that_compose_asks_for_is_in_the_example() -> None:
    asked = re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", (PROJECT / "compose.yaml").read_text())
    assert set(asked) <= ENV_EXAMPLE


def test_compose_runs_the_processes_of_the_procfile() -> None:
    assert COMPOSE["services"].keys() == PROCESSES | {"postgres", "valkey", "migrate"}


@pytest.mark.parametrize("file", ["Procfile", "compose.yaml", "Dockerfile"])
def test_gunicorn_answers_with_problem_documents_wherever_it_is_started(file: str) -> None:
    text = (PROJECT / file).read_text()
    named = f"{ProblemWorker.__module__}.{ProblemWorker.__qualname__}"
    assert len(re.findall(r"\bgunicorn\b.*qmtl_site\.wsgi", text)) == text.count(named) == 1


def test_only_the_migration_gets_the_owner_of_the_database() -> None:
    holders = {
        name
        for name, service in COMPOSE["services"].items()
        if "DATABASE_OWNER_URL" in service.get("environment", {})
    }
    assert holders == {"migrate"}


@pytest.mark.parametrize("target", ["run", "test", "lint", "bench", "demo", "docs", "reset", "lock"])
def test_make_lists_its_commands(target: str) -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    assert f"make {target} " in shown.stdout
