"""`qmtl report`: a table to look at, JSON to compute with, Markdown and HTML to hand on."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from evaluation.services import evaluate_waiting
from qmtl.client import Client
from tests.api import results, returns
from tests.cli.conftest import Qmtl
from tests.reports.conftest import WATCHED, daily, earned
from tests.strategies.reporting import move

FALL = [-0.05] * 9 + [0.001, 0.0] * 40


@pytest.fixture(scope="module", autouse=True)
def live(client: Client, alpha: str) -> None:
    """In a world of their own: one that is ok, one below its risk cut, a young one, one that reports nothing."""
    client.publish_policy(alpha, WATCHED)
    until = timezone.now() - timedelta(hours=1)
    for name, values in {"good": earned(), "deep": FALL, "young": earned(12), "silent": ()}.items():
        client.register_strategy(name)
        client.create_run(alpha, name, run_id="b1", results=results(returns(seed=3)))
        evaluate_waiting(world_id=alpha)
        move(name, "promote")
        if len(values):
            client.report_performance(alpha, name, daily(values, until=until))


# --- validation -------------------------------------------------------------------------------------------------
def test_a_run_is_told_in_80_columns(qmtl: Qmtl, alpha: str) -> None:
    said = qmtl("report", "validation", alpha, "--strategy", "weak")
    assert said.code == 0, said.err
    assert max(map(len, said.out.splitlines())) <= 80
    assert said.out.startswith("The run fails: performance.\n")
    for part in (
        "returns.sharpe",
        ">= 0.5",
        "Where the evidence ends",
        "snapshot hash",
        "nothing was appended",
    ):
        assert part in said.out


def test_json_is_what_the_service_answers(qmtl: Qmtl, client: Client, alpha: str) -> None:
    said = qmtl("report", "validation", alpha, "-s", "mom", "-f", "json")
    assert said.document == client.run_report(alpha, "mom").raw


@pytest.mark.parametrize(
    ("words", "file", "start"),
    [
        (("--output", "r.md"), "r.md", "# Validation of mom"),
        (("--output", "deep/r.html"), "deep/r.html", "<!doctype html>"),
        (("--output", "r.txt", "--as", "md"), "r.txt", "# Validation of mom"),
        (("--output", "there/", "--as", "html"), "there/alpha-mom-r1.html", "<!doctype html>"),
        (("--output", "r.json"), "r.json", "{"),
        (("--output", "t.md", "--format", "table"), "t.md", "The run passes"),
    ],
)
def test_a_file_is_what_its_name_says(
    qmtl: Qmtl, alpha: str, environment: Path, words: tuple[str, ...], file: str, start: str
) -> None:
    (environment / file).parent.mkdir(exist_ok=True)
    said = qmtl("report", "validation", alpha, "-s", "mom", "-r", "r1", *words)
    assert (said.code, said.out, said.err) == (0, "", f"written to {file}\n")
    assert (environment / file).read_text().startswith(start)


def test_a_text_may_go_to_the_terminal(qmtl: Qmtl, alpha: str) -> None:
    assert qmtl("report", "validation", alpha, "-s", "mom", "--as", "md").out.startswith(
        "# Validation of mom"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("validation", "alpha", "-s", "mon"),
            "no such strategy 'mon' in world 'alpha'; did you mean 'mom'?",
        ),
        (("validation", "alpha", "-s", "mom", "-r", "r7"), "no such run 'r7' of strategy 'mom'"),
        (("live", "alpa"), "no such world 'alpa'; did you mean 'alpha'?"),
        (("live", "alpha", "--as", "md", "-f", "table"), "--as md and --format table are two formats"),
    ],
)
def test_a_refusal_says_what_to_do(qmtl: Qmtl, alpha: str, words: tuple[str, ...], told: str) -> None:
    said = qmtl("report", *words)
    assert said.code in {1, 2}
    assert told in said.err


# --- live -------------------------------------------------------------------------------------------------------
def test_a_world_is_told_in_80_columns(qmtl: Qmtl, alpha: str) -> None:
    said = qmtl("report", "live", alpha)
    assert said.code == 0, said.err
    assert max(map(len, said.out.splitlines())) <= 80
    words = " ".join(said.out.split())
    assert (
        "4 live strategies: 1 breaches its risk cut, 1 has reported nothing, 1 has too little data" in words
    )
    assert "- silent: it has reported no live performance since it went live" in words
    assert "- deep: at once: the next evaluation demotes it" in words
    assert "30~" in words


def test_the_live_report_may_be_a_file(qmtl: Qmtl, alpha: str, environment: Path) -> None:
    assert qmtl("report", "live", alpha, "--output", "live.html").err == "written to live.html\n"
    assert "Candidates for demotion" in (environment / "live.html").read_text()
    qmtl("report", "live", alpha, "--output", "live.json")
    assert json.loads((environment / "live.json").read_text())["summary"]["live"] == 4


def test_a_world_without_live_strategies(qmtl: Qmtl, client: Client) -> None:
    client.create_world("quiet")
    said = qmtl("report", "live", "quiet")
    assert (said.code, said.out.splitlines()[0]) == (0, "No strategy is live.")
