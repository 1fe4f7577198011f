"""manage.py policy_impact."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import orjson
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from evaluation.domain.policy_diff import to_markdown
from evaluation.selectors.scenarios import FOLDER
from tests.api import ApiClient
from tests.evaluation.impact.conftest import draft, policy

REFERENCE = FOLDER / "reference_policy.yaml"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("policy_impact", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    """The reference policy with a least Sharpe of 1 for backtests."""
    path = tmp_path / "new.yaml"
    path.write_text(REFERENCE.read_text().replace("sharpe_min: 0.7", "sharpe_min: 1.0"))
    return path


def files(new: Path, *more: str) -> tuple[str, ...]:
    return ("--old", str(REFERENCE), "--new", str(new), *more)


def test_two_files_are_compared_over_all_scenarios_without_a_database(stricter: Path) -> None:
    told = orjson.loads(run(*files(stricter, "--format", "json")))
    assert told["policy"] == {"old": str(REFERENCE), "new": str(stricter)}
    assert list(told["scenarios"]["sets"]) == ["good", "borderline", "bad", "known_bad"]
    assert told["impact_ratio"] == told["scenarios"]["impact_ratio"] > 0


def test_the_sets_can_be_chosen(stricter: Path) -> None:
    told = orjson.loads(run(*files(stricter, "--format", "json", "--scenarios", "bad", "known_bad")))
    assert told["impact_ratio"] == 0


def test_above_the_ratio_it_fails_and_tells_all_the_same(stricter: Path) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match=r"is above 0\.05") as failure:
        call_command("policy_impact", *files(stricter, "--fail-impact-ratio", "0.05"), stdout=out)
    assert failure.value.returncode == 3
    assert "slow_allocation" in out.getvalue()


def test_at_the_ratio_it_does_not_fail(stricter: Path) -> None:
    ratio = orjson.loads(run(*files(stricter, "--format", "json")))["impact_ratio"]
    assert run(*files(stricter, "--fail-impact-ratio", str(ratio)))
    assert run(*files(REFERENCE, "--fail-impact-ratio", "0"))


def test_the_page_reads_well(stricter: Path) -> None:
    page = run(*files(stricter, "--scenarios", "good"))
    assert page.startswith("# Policy impact\n")
    assert "| good | 11 | 11 -> 7 | 0 | 0 -> 4 | 36.4 % |" in page
    assert "| good | slow_allocation | backtest | pass, paper_only | fail, backtest_only |" in page


def test_a_version_of_a_world_is_compared_with_the_active_one(judged: ApiClient) -> None:
    version = draft(judged, policy(sharpe_min=1.5, selection={"gates": "sharpe >= 1"}))
    page = run("--world", "alpha", "--version", str(version), "--days", "30", "--scenarios", "all")
    assert "World `alpha`: version 2 instead of version 1." in page
    assert "**Impact ratio 100.0 %**" in page
    assert "| mom | r1 | backtest | pass, paper_only | fail, backtest_only | performance.sharpe_min |" in page
    assert "## Bindings at the next evaluation that counts" in page


def test_a_world_s_impact_above_the_ratio_fails(judged: ApiClient) -> None:
    version = str(draft(judged, policy(sharpe_min=1.5)))
    with pytest.raises(CommandError) as failure:
        run("--world", "alpha", "--version", version, "--fail-impact-ratio", "0.2")
    assert failure.value.returncode == 3


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--world", "alpha"),
        ("--version", "1"),
        ("--old", str(REFERENCE)),
        ("--old", str(REFERENCE), "--new", str(REFERENCE), "--world", "alpha"),
        ("--old", str(REFERENCE), "--new", "/nowhere.yaml"),
        ("--old", str(REFERENCE), "--new", "/"),
        ("--old", str(REFERENCE), "--new", str(FOLDER / "good.yaml")),
        ("--old", str(REFERENCE), "--new", str(REFERENCE), "--scenarios", "nice"),
        *(
            ("--old", str(REFERENCE), "--new", str(REFERENCE), "--fail-impact-ratio", value)
            for value in ("-0.1", "1.1", "nan", "much")
        ),
        ("--world", "alpha", "--version", "1", "--days", "0"),
        ("--world", "alpha", "--version", "one"),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as failure:
        run(*arguments)
    assert failure.value.returncode != 3


@pytest.mark.parametrize(("world", "version"), [("nowhere", "1"), ("alpha", "9")])
def test_what_is_not_there_is_told(judged: ApiClient, world: str, version: str) -> None:
    with pytest.raises(CommandError, match=r"world|version"):
        run("--world", world, "--version", version)


def test_a_world_without_an_active_policy_is_told_so() -> None:
    page = to_markdown({"policy": {"old": None, "new": 2}, "impact_ratio": 0.0})
    assert "version 2 instead of no active policy" in page
