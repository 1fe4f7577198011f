"""With which status commands end: 0 ok, 1 refused or failing, 2 usage, 3 pending, 4 unreachable."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from qmtl.client import Client
from tests.cli.conftest import Qmtl, policy_file

OK = """
health
health --expect-schema-version 1
world list
world show alpha
world show --world alpha
world run-status alpha --strategy mom
world explain alpha --strategy mom
strategy list alpha
world eval alpha --dry-run
world events alpha
report live --help
report live alpha
report live alpha --as md
report validation alpha --strategy mom
report validation alpha --strategy weak --as html
"""
REFUSED = """
world create alpha
world show nope
world show alpha --token wrong
world run-status alpha --strategy weak
world run-status alpha --strategy nope
world run-status alpha --strategy mom --run nope
world explain alpha --strategy weak
world policy activate alpha --version 99
world policy show alpha --version 99
world activation set alpha --strategy mom --active true
world apply alpha
world events alpha --after 1000000
health --expect-schema-version 99
rebalance execute nope
report live nope
report validation alpha --strategy nope
report validation alpha --strategy mom --run nope
strategy activate mom --world alpha --reason x
"""
USAGE = """
world show
world show alpha --world beta
world nope
world show alpha --format xml
world status alpha --set SLEEPING
world status alpha --reason alone
world delete alpha
world policy set alpha --policy-file nope.yaml
world policy impact alpha
world eval alpha --as-of yesterday
world activation set alpha --strategy mom
world activation set alpha --strategy mom --active maybe
edges override alpha --from a
report live alpha --as pdf
report live alpha --as md --format json
strategy list --state live
rebalance plan --file nope.json
policy-diff --old nope.yaml --new nope.yaml --runs-dir .
policy-diff --old nope.yaml --new nope.yaml
run --world alpha
run nope.py:Nope --file runners.yaml
run --file nope.yaml
run mine.py:Mine
submit nope.py:Nope alpha
submit nope
health --url ftp://nowhere
"""
PENDING = """
world run-status alpha --strategy waiting
world explain alpha --strategy waiting
world snapshot alpha --strategy waiting
report validation alpha --strategy waiting
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.fixture(scope="module", autouse=True)
def waiting(client: Client, alpha: str) -> None:
    client.register_strategy("waiting")
    client.create_run("alpha", "waiting", run_id="r1")


@pytest.mark.parametrize(
    ("line", "code"),
    [(line, code) for code, text in enumerate((OK, REFUSED, USAGE, PENDING)) for line in lines(text)],
)
def test_a_command_ends_with_its_status(qmtl: Qmtl, line: str, code: int) -> None:
    said = qmtl(*shlex.split(line))
    assert said.code == code, said
    if code in {1, 2} and "run-status" not in line and "explain" not in line:
        assert said.err, "it says why"


@pytest.mark.parametrize(
    "line", ["health", "world list", "world show alpha", "world eval alpha", "run mine.py:Mine --world alpha"]
)
def test_without_a_service_it_ends_with_4(typed: Qmtl, line: str) -> None:
    said = typed(*shlex.split(line), "--url", "http://127.0.0.1:9")
    assert (said.code, said.out) == (4, "")
    assert "cannot be reached" in said.err
    assert "make run" in said.err  # the next step


def test_a_submission_without_a_service_pretends_nothing(typed: Qmtl, environment: Path) -> None:
    (environment / "mine.py").write_text("from qmtl.sdk import Strategy\n\n\nclass Mine(Strategy): ...\n")
    said = typed("submit", "mine.py:Mine", "alpha", "--url", "http://127.0.0.1:9", "--format", "json")
    assert said.code == 4
    assert (said.document["status"], said.document["safe_mode"]) == ("unavailable", True)


@pytest.mark.parametrize(("allowed", "code"), [("1.0", 0), ("0.4", 1)])
def test_too_much_impact_fails(qmtl: Qmtl, alpha: str, environment: Path, allowed: str, code: int) -> None:
    stricter = policy_file(environment, sharpe_min=3.0)
    said = qmtl("world", "policy", "impact", alpha, "-p", stricter, "--fail-impact-ratio", allowed)
    assert said.code == code, said
