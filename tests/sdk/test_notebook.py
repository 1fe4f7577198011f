"""In a notebook: a loop that runs already, a progress bar that is drawn anew, results as HTML."""

from __future__ import annotations

import asyncio
import html.parser
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from qmtl.client import Client
from qmtl.client.documents import Violation
from qmtl.sdk import Runner
from qmtl.sdk.offline import OfflineResult
from qmtl.sdk.progress import Bar, progress_bar, silent
from qmtl.sdk.result import EXIT_STATUS, ServiceWord, SubmitResult
from tests.sdk.authors import Breaking, Holding, prices
from tests.sdk.conftest import make_world

TRACE = 'Traceback (most recent call last):\n  File "<cell>", line 1, in decide\n    1 / 0\n    ~~^~~'


class Displayed:
    """What a cell has put out, as IPython keeps it."""

    def __init__(self) -> None:
        self.pictures: list[Any] = []

    def display(self, shown: Any, *, display_id: bool) -> Displayed:
        assert display_id
        assert not self.pictures, "one output, that is drawn anew"
        self.pictures.append(shown)
        return self

    def update(self, shown: Any) -> None:
        self.pictures.append(shown)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Displayed:
    """As if IPython's kernel ran us."""
    shown = Displayed()
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    display.display = shown.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def test_a_bar_is_drawn_anew_and_gone_in_the_end(
    notebook: Displayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qmtl.sdk.progress.EVERY", 0.0)
    with progress_bar() as show:
        show("replay", 0, 200)
        show("replay", 50, 200)
        show("evaluation", 0, 0)
    assert [repr(each) for each in notebook.pictures] == ["replay 0%", "replay 25%", "evaluation", ""]
    assert notebook.pictures[1]._repr_html_().count("<progress") == 1
    assert 'value="50" max="200"' in notebook.pictures[1]._repr_html_()
    assert "value" not in notebook.pictures[2]._repr_html_()
    assert notebook.pictures[-1]._repr_html_() == ""


def test_a_fast_replay_draws_few_pictures(notebook: Displayed) -> None:
    with progress_bar() as show:
        for done in range(10_000):
            show("replay", done, 10_000)
    assert len(notebook.pictures) < 100


def test_where_nothing_is_shown_nothing_is_left(notebook: Displayed) -> None:
    with progress_bar():
        pass
    assert notebook.pictures == []


def test_a_cell_that_is_interrupted_leaves_no_bar(notebook: Displayed) -> None:
    def cell() -> None:
        with progress_bar() as show:
            show("replay", 1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cell()
    assert repr(notebook.pictures[-1]) == ""


@pytest.mark.parametrize("shell", [None, SimpleNamespace(kernel=None), SimpleNamespace()])
def test_ipython_at_a_terminal_is_no_notebook(monkeypatch: pytest.MonkeyPatch, shell: Any) -> None:
    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    with progress_bar() as show:
        assert show is silent


def test_a_name_is_no_markup() -> None:
    assert "<script>" not in Bar("<script>", 1, 2)._repr_html_()


# --- results ------------------------------------------------------------------------------------------------
class Closed(html.parser.HTMLParser):
    """Refuses markup whose elements are not closed in the order in which they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(result: SubmitResult | OfflineResult) -> str:
    parser = Closed()
    parser.feed(result._repr_html_())
    parser.close()
    assert parser.open == []
    return parser.text


@pytest.mark.parametrize("status", EXIT_STATUS)
def test_every_status_is_shown_with_its_badge(status: str) -> None:
    result = SubmitResult(world_id="w", strategy_id="s", status=status)
    assert read(result).startswith(status)
    assert "color:#fff" in result._repr_html_()


def test_an_error_is_shown_as_it_is_and_is_no_markup() -> None:
    result = SubmitResult(
        world_id="w", strategy_id="s", status="rejected", error=TRACE, downgraded=True,
        downgrade_reason="node 'weights' failed; mend it and submit again",
    )  # fmt: skip
    assert TRACE in read(result)
    assert "mend it and submit again." in read(result)
    assert "Lowered" not in read(result)
    assert "monospace" in result._repr_html_()


def test_what_is_lacking_and_what_is_next_are_shown() -> None:
    lacking = Violation(rule="performance", metric="returns.sharpe", value=0.1, bound=0.7, margin=-0.6)
    word = ServiceWord(violations=[lacking], recommended_stage="backtest_only")
    text = read(
        SubmitResult(world_id="w", strategy_id="s", status="fail", ws=word, snapshot_error="disk full")
    )
    assert "below the 0.7 that is asked" in text
    assert "Next: stay in backtest." in text
    assert "Snapshot: disk full." in text


def test_without_a_service_a_notebook_says_why() -> None:
    result = SubmitResult(
        world_id="w", strategy_id="s", status="unavailable", safe_mode=True, downgraded=True,
        downgrade_reason="http://x cannot be reached. Start it with `make run`.",
    )  # fmt: skip
    assert "Why: http://x cannot be reached. Start it with `make run`." in read(result)


def test_a_preview_is_short_in_words_and_a_table() -> None:
    result = Runner.offline(Holding, prices(60))
    assert "nobody judged it" in read(result)
    assert "max_drawdown" in read(result)
    assert len(repr(result)) < 300


# --- a loop that runs already -------------------------------------------------------------------------------
def test_submitting_from_a_cell(client: Client, notebook: Displayed) -> None:
    """Cells run inside of the kernel's event loop."""
    world = make_world(client, "cells")

    async def cell(kind: Any) -> SubmitResult:
        assert asyncio.get_running_loop().is_running()
        return Runner.submit(kind, world, data=prices(800, 5), client=client)

    for kind, status in ((Holding, "pass"), (Breaking, "rejected")):
        notebook.pictures.clear()
        assert asyncio.run(cell(kind)).status == status
        assert repr(notebook.pictures[0]).startswith("replay")
        assert repr(notebook.pictures[-1]) == ""
