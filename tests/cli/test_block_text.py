"""The part of YAML that files of runners are read by."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from qmtl.cli.block_text import read_block
from qmtl.cli.failures import UsageError
from qmtl.cli.runners_file import Plan, read_plans
from tests.cli.conftest import Qmtl

RUNNERS = """
# two of them
world: alpha
replay: true
runners:
  - strategy: mine.py:Mine   # the first
    start: 2021-01-01
    params:
      period: 61
      note: "a # b"
  - mine.py:Other
  - {"strategy": "third.py", "world": "beta"}
"""
KEYS = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
PLAIN = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_./-]{0,12}", fullmatch=True)
SCALARS = st.one_of(
    st.integers(-(10**9), 10**9), st.booleans(), st.none(), PLAIN, st.text("ab#: '\"-[{~", max_size=8)
)
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3) | st.dictionaries(KEYS, inner, min_size=1, max_size=3)
        ),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


@given(DOCUMENTS)
def test_what_another_library_writes_is_read_as_it_reads_it(document: dict[str, Any]) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 10_000
    stream = io.StringIO()
    yaml.dump(document, stream)
    try:
        assert read_block(stream.getvalue()) == yaml.load(stream.getvalue())
    except UsageError as refused:
        assert str(refused).startswith("line ")  # what it does not know it refuses, and guesses nothing


@given(st.text("ab:- \n#'\"[]{}\t&*|?1.", max_size=60))
def test_whatever_comes_in_is_read_or_refused(text: str) -> None:
    try:
        read_block(text)
    except UsageError as refused:
        assert "line " in str(refused)


@pytest.mark.parametrize(
    ("text", "told"),
    [("a: 1\na: 2", "line 2: a stands there twice"), ("a: &x 1", "line 1"), ("a: |\n  b", "line 1"),
     ("a:\n\tb: 1", "line 2: it begins with a tab"), ("a: 1\n   b: 2", "line 2"), ("just words", "line 1"),
     ("a: [1, 2", "line 1"), ("a: 'b", "line 1"), ("a: b: c", "line 1"), ("a: 0x1F", "line 1")],
)  # fmt: skip
def test_what_is_not_known_is_refused_with_its_line(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_block(text)


def test_runners_have_what_is_said_for_all_and_for_each(environment: Any) -> None:
    (environment / "runners.yaml").write_text(RUNNERS)
    params = {"period": 61, "note": "a # b"}
    assert read_plans("runners.yaml", world=None, shared={"speed": 4.0}) == [
        Plan("mine.py:Mine", "alpha", replay=True, speed=4.0, start="2021-01-01", params=params),
        Plan("mine.py:Other", "alpha", replay=True, speed=4.0),
        Plan("third.py", "beta", replay=True, speed=4.0),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [("runners: []", "nothing to run"), ("world: a", "must have `runners:`"), ("runners:\n- a.py", "has no `world:`"),
     ("world: a\nrunners:\n- a.py\n- a.py", "would run twice"), ("wold: a\nrunners:\n- a.py", "did you mean world?"),
     ("world: a\nrunners:\n- strategy: a.py\n  speed: fast", "speed must be"),
     ("world: 1\nrunners:\n- a.py", "world must be str")],
)  # fmt: skip
def test_a_file_that_cannot_be_run_is_told(qmtl: Qmtl, environment: Any, text: str, told: str) -> None:
    (environment / "runners.yaml").write_text(text)
    said = qmtl("run", "--file", "runners.yaml")
    assert (said.code, said.out) == (2, "")
    assert told in said.err
