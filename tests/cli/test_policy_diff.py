"""`qmtl policy-diff`: files against files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qmtl.cli import policy_diff
from qmtl.client import Client
from tests.cli.conftest import Qmtl, policy_file


@pytest.fixture
def files(client: Client, alpha: str, environment: Path) -> Path:
    """Two policies, and the snapshots of a run that passes the old one and of one that fails it."""
    policy_file(environment, "old.json")
    policy_file(environment, "new.json", sharpe_min=1.5)
    folder = environment / "runs"
    folder.mkdir()
    for strategy in ("mom", "weak"):
        kept = client.snapshot(alpha, f"alpha-{strategy}-r1").raw
        (folder / f"{strategy}.json").write_text(json.dumps(kept))
    return folder


WORDS = ("policy-diff", "--old", "old.json", "--new", "new.json", "--runs-dir", "runs")


def test_changed_verdicts_are_told_with_their_reasons(qmtl: Qmtl, files: Path) -> None:
    found = qmtl(*WORDS, "-f", "json").document
    assert (found["runs"]["runs"], found["impact_ratio"], found["lacks_series"]) == (2, 0.5, False)
    (change,) = found["runs"]["changes"]
    assert (change["strategy_id"], change["new"]["verdict"]) == ("mom", "fail")
    assert change["new"]["reasons"] == ["performance.sharpe_min"]


def test_it_judges_as_the_service_did(qmtl: Qmtl, client: Client, alpha: str, files: Path) -> None:
    verdicts = qmtl(*WORDS, "-f", "json").document["runs"]["verdicts"]
    told = [client.run(alpha, name).summary.status for name in ("mom", "weak")]  # type: ignore[union-attr]
    assert {name: pair["old"] for name, pair in verdicts.items() if pair["old"]} == {
        name: told.count(name) for name in told
    }


@pytest.mark.parametrize(("allowed", "code"), [("0.5", 0), ("0.49", 1)])
def test_it_fails_above_the_ratio(qmtl: Qmtl, files: Path, allowed: str, code: int) -> None:
    said = qmtl(*WORDS, "--fail-impact-ratio", allowed, "--output", "report.json")
    assert said.code == code
    assert json.loads(Path("report.json").read_text())["impact_ratio"] == 0.5  # also where it fails


def test_a_report_may_be_markdown(qmtl: Qmtl, files: Path) -> None:
    assert qmtl(*WORDS, "--output", "report.md").code == 0
    page = Path("report.md").read_text()
    assert "**Impact ratio 50.0%**" in page
    assert "| mom/r1 | pass, paper_only | fail, backtest_only | performance.sharpe_min |" in page


def test_files_and_stages_are_picked(qmtl: Qmtl, files: Path) -> None:
    assert qmtl(*WORDS, "--runs-pattern", "w*.json", "-f", "json").document["runs"]["runs"] == 1
    assert qmtl(*WORDS, "--stage", "backtest", "-f", "json").document["runs"]["runs"] == 2
    assert "none of stage live" in qmtl(*WORDS, "--stage", "live").err


def test_many_runs_are_one_answer(qmtl: Qmtl, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = qmtl(*WORDS, "-f", "json", "--scenarios", "all").document
    monkeypatch.setattr(policy_diff, "BATCH_RUNS", 1)
    assert qmtl(*WORDS, "-f", "json", "--scenarios", "all").document == whole


@pytest.mark.parametrize("text", ["not json", "[]", "{}", '{"metrics": 1}', '{"metrics": {"evaluation": 1}}'])
def test_a_file_that_is_no_run_is_told(qmtl: Qmtl, files: Path, text: str) -> None:
    (files / "odd.json").write_text(text)
    said = qmtl(*WORDS)
    assert said.code == 2
    assert "odd.json" in said.err


def test_a_policy_with_a_fault_is_refused(qmtl: Qmtl, files: Path) -> None:
    Path("new.json").write_text('{"version": 1, "selectoin": {}}')
    said = qmtl(*WORDS)
    assert said.code == 1
    assert "new policy: selectoin: unknown key; nearest: selection" in said.err
