"""The hash of the author's code, and strategies by their name."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmtl.sdk import StrategyError, load_strategy
from qmtl.sdk.identity import code_hash
from qmtl.sdk.strategy import strategy_id

CODE = '''
from qmtl.sdk import Node, Strategy
from helping{n} import half

class Mine(Strategy):
    """Half of everything."""

    def setup(self):
        self.add(Node("weights", [self.stream()], lambda w: half(w)))
'''
HELP = "def half(w):\n    return w[-1] * 0 + {part}\n"


@pytest.fixture
def write(tmp_path: Path):
    count = iter(range(100))

    def make(code: str = CODE, *, part: float = 0.5) -> str:
        n = next(count)
        (tmp_path / f"helping{n}.py").write_text(HELP.format(part=part))
        (tmp_path / f"mine{n}.py").write_text(code.replace("{n}", str(n)))
        return code_hash(load_strategy(f"{tmp_path}/mine{n}.py:Mine")())

    return make


SELF_CONTAINED = CODE.replace("from helping{n} import half\n", "def half(w):\n    return w[-1] * 0\n")


def test_comments_layout_names_of_files_and_programs_do_not_count(write) -> None:
    told = SELF_CONTAINED.replace("    def setup", "    # a comment\n\n    def setup")
    told += '\n\nif __name__ == "__main__":\n    print("hello")\n'
    assert write(SELF_CONTAINED) == write(told)


def test_another_rule_counts(write) -> None:
    assert write(SELF_CONTAINED) != write(SELF_CONTAINED.replace("* 0", "* 1"))


def test_what_it_imports_of_the_authors_counts(tmp_path: Path) -> None:
    hashes = []
    for part in (0.5, 0.25):
        folder = tmp_path / str(part)
        folder.mkdir()
        name = f"helping{str(part).replace('.', '')}"
        (folder / f"{name}.py").write_text(HELP.format(part=part))
        (folder / "mine.py").write_text(CODE.replace("helping{n}", name))
        hashes.append(code_hash(load_strategy(f"{folder}/mine.py:Mine")()))
    assert hashes[0] != hashes[1]


def test_code_without_a_file_counts_by_what_it_does() -> None:
    def typed(factor: int) -> str:
        scope: dict[str, object] = {"__name__": "typed"}
        exec(SELF_CONTAINED.replace("lambda w: half(w)", f"lambda w: w[-1] * {factor}"), scope)
        return code_hash(scope["Mine"]())  # type: ignore[operator]

    assert typed(1) == typed(1) != typed(2)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.at_all:Mine", "no module 'nowhere.at_all'"),
        ("missing.py:Mine", "no file missing.py"),
        ("tests.sdk.authors:Momentun", "did you mean 'Momentum'"),
        ("tests.sdk.authors", "several strategies; say which: tests.sdk.authors:"),
        ("json", "has no strategy"),
        ("json:Mine", "json has no strategy"),
    ],
)
def test_a_strategy_that_is_not_found(name: str, said: str) -> None:
    with pytest.raises(StrategyError, match=said):
        load_strategy(name)


def test_a_module_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("1 / 0\n")
    with pytest.raises(StrategyError, match="ZeroDivisionError"):
        load_strategy(str(tmp_path / "bad.py"))


def test_the_only_strategy_of_a_file_needs_no_name(tmp_path: Path) -> None:
    (tmp_path / "single.py").write_text(SELF_CONTAINED)
    assert load_strategy(str(tmp_path / "single.py")).__name__ == "Mine"


@pytest.mark.parametrize(
    ("name", "expected"), [("MeanReversion2", "mean_reversion2"), ("HTTPTrend", "http_trend"), ("A", "a")]
)
def test_ids_of_classes(name: str, expected: str) -> None:
    assert strategy_id(type(name, (), {"id": ""})) == expected  # type: ignore[arg-type]
