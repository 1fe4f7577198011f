"""The newest part of what many strategies reported, as arrays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from strategies.models import Binding
from strategies.selectors import performance_windows
from tests.api import ApiClient
from tests.statements import counted_statements
from tests.strategies.reporting import at, days, move, put_in_dry_run, taken


def window_of(name: str = "mom", days: float | None = None) -> Any:
    binding = Binding.objects.get(strategy_id=name)
    window = None if days is None else timedelta(days=days)
    return performance_windows([binding], window=window).get(binding.pk)


def numbers(window: Any) -> list[int]:
    """The days of `days(...)` that are in it."""
    return np.rint(window.returns * 1000).astype(int).tolist()


def test_the_whole_stay_without_a_window(paper: ApiClient) -> None:
    taken(paper, [*days(7, 8), *days(1, 2, year=2023)])
    assert numbers(window_of()) == [1, 2, 7, 8]


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, []),
        (0.5, [9]),
        (1, [9]),
        (2, [8, 9]),
        (2.0001, [7, 8, 9]),
        (8, [2, 7, 8, 9]),
        (400, [1, 2, 7, 8, 9]),
    ],
)
def test_a_window_reaches_back_from_the_newest_record(
    paper: ApiClient, length: float, expected: list[int]
) -> None:
    taken(paper, days(9, 7, 8, 2, 1))
    window = window_of(days=length)
    assert (numbers(window) if window else []) == expected


def test_a_window_spans_years(paper: ApiClient) -> None:
    last = [{"ts": f"2023-12-{day}T00:00:00Z", "return": day / 1000} for day in (28, 29, 30, 31)]
    taken(paper, [*last, *days(0, 1)])
    assert numbers(window_of(days=4)) == [30, 31, 0, 1]


def test_each_is_cut_before_its_own_newest_record(paper: ApiClient) -> None:
    put_in_dry_run(paper, "other")
    taken(paper, days(1, 2, 3))
    taken(paper, days(101, 102, 103), "other")
    found = performance_windows(list(Binding.objects.order_by("id")), window=timedelta(days=2))
    assert [numbers(window) for window in found.values()] == [[2, 3], [102, 103]]


def test_only_the_present_stay_is_read(paper: ApiClient) -> None:
    taken(paper, days(1, 2))
    move("mom", "promote")
    assert window_of() is None
    taken(paper, days(2, 3))
    live = window_of()
    move("mom", "demote")
    taken(paper, days(4))
    assert [(w.mode, numbers(w)) for w in (live, window_of())] == [("live", [2, 3]), ("paper", [4])]


def test_who_does_not_trade_has_no_window(paper: ApiClient) -> None:
    taken(paper, days(1))
    move("mom", "deactivate")
    assert window_of() is None


def test_the_arrays_are_those_that_were_reported(paper: ApiClient) -> None:
    taken(
        paper,
        [{"ts": at(1), "pnl": 5, "equity": 105, "trades": 2}, {"ts": at(2), "return": -0.5, "trades": 1}],
    )
    window = window_of()
    assert window.times.astype("datetime64[ms]").astype(str).tolist() == [
        "2024-01-02T00:00:00.000",
        "2024-01-03T00:00:00.000",
    ]
    assert window.returns.tolist() == [0.05, -0.5]
    assert (window.pnl[0], window.equity[0], window.trades) == (5, 105, 3)
    assert np.isnan([window.pnl[1], window.equity[1]]).all()


def test_trades_that_nobody_counted_are_none(paper: ApiClient) -> None:
    taken(paper, days(1, 2))
    assert window_of().trades is None


def test_the_trades_are_those_of_the_window(paper: ApiClient) -> None:
    taken(paper, [{"ts": at(day), "return": 0.0, "trades": day} for day in (1, 2, 3)])
    assert [window_of(days=2).trades, window_of().trades] == [5, 6]


@pytest.mark.parametrize("length", [None, 2, 300])
def test_the_arrays_cannot_be_changed(paper: ApiClient, length: float | None) -> None:
    taken(paper, [*days(1, 2, 3), *days(300, year=2023)])
    window = window_of(days=length)
    for column in (window.times, window.returns, window.pnl, window.equity):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


def test_the_revision_tells_news(paper: ApiClient) -> None:
    seen = []
    for batch in (days(1), days(2), days(1, 2), days(0)):
        taken(paper, batch)
        seen.append(window_of().revision)
    assert seen == [1, 2, 2, 3]


def test_many_bindings_are_read_in_one_statement(paper: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"s{number}" for number in range(30)]
    put_in_dry_run(paper, *names)
    for number, name in enumerate(names):
        taken(paper, [*days(number), *days(number, year=2023)], name)
    bindings = list(Binding.objects.all())
    statements = counted_statements(monkeypatch)
    assert (len(performance_windows(bindings, window=None)), len(statements)) == (30, 1)


def test_no_bindings_have_no_windows(paper: ApiClient) -> None:
    assert performance_windows([], window=None) == {}
