"""Tables at 80 columns, as they are seen."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest

from qmtl.cli.session import drawn
from qmtl.cli.tables import cell, facts, paragraph, table
from tests.cli.conftest import Qmtl

MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\dZ")
GOLDEN = {
    "world list": """
        WORLD  STATE   LIVE     POLICY  NAME
        alpha  ACTIVE  allowed       1  Alpha
    """,
    "strategy list alpha": """
        STRATEGY  STATE     MODE          VERDICT   SHARPE  DRAWDOWN  PASSES  FAILS
        weak      rejected  compute-only  fail     -0.7937   -0.3944       0      0
        mom       dry_run   paper         pass        1.27    -0.145       0      0
    """,
    "world run-status alpha -s weak": """
        run          r1
        world        alpha
        strategy     weak
        stage        backtest
        status       rejected
        verdict      fail
        recommended  backtest_only
        mode         compute-only
        activation   rejected
        created      TIME
        evaluated    TIME
        metrics      /worlds/alpha/strategies/weak/runs/r1/metrics
        snapshot     /worlds/alpha/snapshots/alpha-weak-r1
    """,
    "world decide alpha": """
        world      alpha
        mode       paper
        execution  dryrun
        because    paper_strategies
        policy     version 1
        holds for  300 s
    """,
    "world policy list alpha": """
        VERSION  STATE   CHECKSUM      BY    CREATED            ACTIVATED
              1  active  SUM           root  TIME  TIME
    """,
    "world activation get alpha": """
        STRATEGY  SIDE  ACTIVE  WEIGHT  MODE
        mom       long  no           0  paper
        weak      long  no           0  compute-only
    """,
}


@pytest.mark.parametrize("line", GOLDEN)
def test_a_command_looks_so(qmtl: Qmtl, alpha: str, line: str) -> None:
    said = qmtl(*line.split())
    seen = re.sub(r"\b[0-9a-f]{12}\b", "SUM         ", MOMENT.sub("TIME", said.out))
    assert seen.startswith(dedent(GOLDEN[line]).strip("\n")), said.out


@pytest.mark.parametrize(
    "line",
    ["world show alpha", "world status alpha", "world describe alpha", "world explain alpha -s weak", "health",
     "world eval alpha --dry-run", "world events alpha", "world audit alpha", "strategy show mom",
     "strategy status mom alpha", "world snapshot alpha -s mom", "world policy show alpha"],
)  # fmt: skip
def test_nothing_is_wider_than_the_terminal(qmtl: Qmtl, alpha: str, line: str) -> None:
    wide = [each for each in qmtl(*line.split()).out.splitlines() if len(each) > 80]
    assert wide == []


def test_a_long_id_is_folded_and_never_cut() -> None:
    name = "2026-11-21T21:40:56Z-" + "9a829071-" * 12
    seen = drawn(lambda out: table(out, ("run", "because"), [(name, "x " * 60)]))
    assert name in "".join(
        line[: line.find("  x") if "  x" in line else None].strip() for line in seen.splitlines()
    )


def test_what_a_service_says_steers_no_terminal() -> None:
    assert "\x1b" not in drawn(lambda out: facts(out, {"name": "\x1b[31mred\x07 [bold]x"}))
    assert "[bold]x" in drawn(lambda out: facts(out, {"name": "[bold]x"}))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (True, "yes"), (3, "3"), (0.12345, "0.1235"), (1234567.0, "1,234,567"), ([], "-"),
     ({"a": 1.5}, "a 1.5"), (float("nan"), "nan"), (float("inf"), "inf")],
)  # fmt: skip
def test_a_value_in_words(value: object, text: str) -> None:
    assert cell(value) == text


def test_words_keep_their_indent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert drawn(lambda out: paragraph(out, "  - one two three four")) == "  - one two three\n    four\n"


def test_no_row_is_said() -> None:
    assert drawn(lambda out: table(out, ("a",), [], empty="nothing")) == "(nothing)\n"
