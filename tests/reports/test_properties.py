"""Laws of the reports, whatever stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.domain.live import WINDOWS, live_figures, live_windows
from evaluation.domain.record import DAY_MS, Record, WorldTerms
from evaluation.domain.reports import LiveBinding, LiveWorld, live_page, live_report, to_html, to_markdown
from evaluation.domain.reports.page import Code, Curve, Facts, Page, Section, Table, Text, Word
from evaluation.domain.reports.standing import STATUSES
from evaluation.domain.reports.trends import trends_of
from worlds.domain.policy import policy_from_document

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)
TERMS = WorldTerms(252.0, 0.0, 10_000.0, "USD")
FEW = settings(max_examples=100, deadline=None)


# --- what they are made from --------------------------------------------------------------------------------------
def record(
    values: list[float], *, age_days: float = 0.0, step_days: float = 1.0, sharpe: Any = 1.0
) -> Record:
    places = np.arange(len(values))[::-1]
    times = (NOW_MS - (age_days + places * step_days) * DAY_MS).round().astype(np.int64)
    return Record("live", times, np.array(values), None, {"backtest_sharpe": sharpe})


series = st.lists(st.floats(-1.0, 0.5), max_size=130)
records = st.builds(
    record,
    series,
    age_days=st.floats(0, 20),
    step_days=st.sampled_from([0.25, 1.0, 3.0]),
    sharpe=st.none() | st.floats(-2, 3) | st.just(5e-324),
)
bindings = st.builds(
    LiveBinding,
    strategy_id=st.uuids().map(str),
    owner=st.text(max_size=20),
    live_since=st.just(NOW - timedelta(days=200)),
    consecutive_failures=st.integers(0, 5),
    record=st.none() | records,
    backtest=st.none() | st.just(("backtest", 1.0)),
)
bounds = st.fixed_dictionaries(
    {},
    optional={
        "windows": st.lists(st.sampled_from(WINDOWS), min_size=1, unique=True),
        "sharpe_min": st.floats(-2, 2),
        "max_drawdown_min": st.floats(-1, 0),
        "decay_min": st.floats(-1, 1),
        "risk_cut": st.fixed_dictionaries({"max_drawdown_min": st.floats(-1, 0)}),
        "severity": st.sampled_from(["blocking", "soft", "info"]),
        "mode": st.sampled_from(["active", "shadow"]),
    },
)


# Made once, as Hypothesis looks at each strategy anew that it has not seen: that takes longer than drawing from it.
flags, lags = st.booleans(), st.sampled_from(["1d", "5d", "2w"])
on_missing = st.sampled_from(["fail", "warn", "ignore"])


@st.composite
def worlds(draw: st.DrawFn) -> LiveWorld:
    document: dict[str, Any] = {"version": 1}
    if draw(flags):
        document["live_monitoring"] = draw(bounds)
    if draw(flags):
        document["data_currency"] = {"max_lag": draw(lags)}
    document["validation"] = {"on_missing_metric": draw(on_missing)}
    policy = document if draw(flags) else None
    return LiveWorld(
        "alpha",
        "ACTIVE",
        True,
        False,
        TERMS,
        NOW,
        None if policy is None else policy_from_document(policy),
        None if policy is None else 3,
    )


# --- the live report --------------------------------------------------------------------------------------------
@FEW
@given(st.lists(records, max_size=6))
def test_many_are_measured_as_each_alone(found: list[Record]) -> None:
    together = live_windows(found, TERMS)
    for one, windows in zip(found, together, strict=True):
        assert live_figures(one, TERMS) == {name: window.figures for name, window in windows.items()}
        for window in windows.values():
            assert window.missing.keys() == {name for name, v in window.figures.items() if v is None}


@FEW
@given(worlds(), st.lists(bindings, max_size=5), st.randoms(use_true_random=False))
def test_the_order_in_which_they_come_decides_nothing(
    world: LiveWorld, live: list[LiveBinding], chance: Any
) -> None:
    shuffled = list(live)
    chance.shuffle(shuffled)
    assert live_report(world, shuffled) == live_report(world, live)


@FEW
@given(worlds(), st.lists(bindings, max_size=5))
def test_ok_is_only_who_is_known_to_meet_every_bound_in_every_window(
    world: LiveWorld, live: list[LiveBinding]
) -> None:
    for row in live_report(world, live)["bindings"]:
        if row["status"] != "ok":
            continue
        assert world.section is not None
        assert row["problems"] == []
        assert not row["record"]["is_stale"]
        assert all(row["windows"][f"{days}d"]["is_covered"] for days in world.section.windows)
        assert all(check["status"] == "pass" for check in row["checks"])
        assert row["checks"] or row["risk_cut"]["status"] == "pass"


@FEW
@given(worlds(), st.lists(bindings, max_size=5))
def test_whoever_misses_a_bound_is_told_as_one_who_does(world: LiveWorld, live: list[LiveBinding]) -> None:
    report = live_report(world, live)
    missed = {row["strategy_id"] for row in report["breaches"]}
    told = {row["strategy_id"] for row in report["bindings"] if row["status"] in {"risk_cut", "breached"}}
    assert missed == told
    assert all(row["margin"] < 0 for row in report["breaches"])


@FEW
@given(worlds(), st.lists(bindings, max_size=5))
def test_the_summary_counts_what_is_there(world: LiveWorld, live: list[LiveBinding]) -> None:
    report = live_report(world, live)
    summary, rows = report["summary"], report["bindings"]
    assert sum(summary["by_status"].values()) == sum(summary["sharpe_trends"].values()) == len(live)
    assert summary["status"] == (min((r["status"] for r in rows), key=STATUSES.index) if rows else "empty")
    assert (summary["breaches"], summary["demotion_candidates"]) == (
        len(report["breaches"]),
        len(report["demotion_candidates"]),
    )


@FEW
@given(worlds(), st.lists(bindings, max_size=4))
def test_every_figure_of_it_is_one_that_json_has(world: LiveWorld, live: list[LiveBinding]) -> None:
    report = live_report(world, live)
    assert orjson.dumps(report)  # without NumPy's own numbers
    assert list(not_finite(report)) == []


def not_finite(value: Any, at: str = "") -> Iterator[str]:
    """Where there is NaN or an infinity."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from not_finite(each, f"{at}/{name}")
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from not_finite(each, f"{at}/{place}")
    elif isinstance(value, float) and not np.isfinite(value):
        yield f"{at}: {value}"


@given(st.floats(-0.02, 0.02), st.integers(40, 90))
def test_a_steady_record_has_no_trend(mean: float, size: int) -> None:
    swing = [mean + 0.01 * (1 if place % 2 else -1) for place in range(size)]
    (windows,) = live_windows([record(swing)], TERMS)
    assert {trend["direction"] for trend in trends_of(windows, 252.0).values()} == {"steady"}


@pytest.mark.parametrize(("sign", "direction"), [(1, "rising"), (-1, "falling")])
def test_a_turn_is_a_trend(sign: int, direction: str) -> None:
    swing = [0.01 * (1 if place % 2 else -1) - sign * 0.004 * (place < 60) for place in range(90)]
    (windows,) = live_windows([record(swing)], TERMS)
    assert trends_of(windows, 252.0)["sharpe"]["direction"] == direction


# --- pages ------------------------------------------------------------------------------------------------------
nasty = st.text(
    alphabet=st.sampled_from(list("<>&\"'`|*_[]()#\\~-+1. \n\r\t\0é–")) | st.characters(), max_size=30
)
cells = (
    nasty
    | st.builds(Word, nasty, st.sampled_from(["", "good", "warn", "bad"]))
    | st.builds(Code, nasty)
    | st.builds(Curve, st.lists(st.floats(0, 1e6), min_size=2, max_size=40))
)
tables_of_width = {
    width: st.builds(
        Table,
        st.lists(nasty, min_size=width, max_size=width),
        st.lists(st.lists(cells, min_size=width, max_size=width), max_size=3),
    )
    for width in range(1, 5)
}
tables = st.integers(1, 4).flatmap(tables_of_width.__getitem__)
blocks = st.builds(Text, nasty) | st.builds(Facts, st.lists(st.tuples(nasty, cells), max_size=3)) | tables
pages = st.builds(
    Page,
    nasty,
    st.builds(Word, nasty),
    nasty,
    st.lists(st.builds(Section, nasty, st.lists(blocks, max_size=2)), max_size=2),
)
OURS = {
    "html", "head", "meta", "title", "style", "body", "main", "div", "section", "h1", "h2", "p", "span", "table",
    "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd", "code", "svg", "path",
}  # fmt: skip
VOID = {"meta", "path"}


class Balanced(HTMLParser):
    """Which elements there are, and whether each that opens is closed in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.names.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.opened.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag


@FEW
@given(pages)
def test_nothing_in_a_page_becomes_markup(page: Page) -> None:
    found = Balanced()
    found.feed(to_html(page))
    assert found.names <= OURS
    assert found.opened == []


@FEW
@given(pages)
def test_each_row_of_a_table_in_markdown_has_its_columns(page: Page) -> None:
    width = 0
    for line in to_markdown(page).splitlines():
        if line.startswith("| "):
            count = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))
            width = width or count
            assert count == width, line
        else:
            width = 0


@given(nasty)
def test_text_in_markdown_is_no_html(text: str) -> None:
    told = to_markdown(Page("t", Word("v"), text, []))
    assert not re.search(r"(?<!\\)<", told)


@FEW
@given(worlds(), st.lists(bindings, max_size=4))
def test_every_live_report_can_be_read_in_both_forms(world: LiveWorld, live: list[LiveBinding]) -> None:
    page = live_page(live_report(world, live))
    text, html = to_markdown(page), to_html(page)
    for binding in live:
        assert binding.strategy_id in html
        assert binding.strategy_id in text
