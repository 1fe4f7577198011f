"""However the records come, the stored series is the same: split, shuffled, repeated, or from two runners at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import verify
from qmtl_site.ledger.transactions import use_case
from strategies import schemas, services
from strategies.models import Binding, PerformanceChunk, PerformanceSeries
from strategies.schemas import StrategyCreate
from strategies.services import locked_bindings, move_binding
from tests.api import ApiClient
from tests.evidence.notes import at_once
from tests.strategies.reporting import at, days, move, put_in_dry_run, taken
from worlds.schemas import WorldCreate
from worlds.services import create_world

RUNNER = Actor.service("test")
SMALL = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)

values = st.fixed_dictionaries(
    {"return": st.floats(-1, 5)}, optional={"trades": st.integers(0, 9)}
) | st.builds(
    lambda before, pnl, trades: {"pnl": pnl, "equity": before + pnl, "trades": trades},
    st.integers(101, 10_000),
    st.integers(-100, 100),
    st.none() | st.integers(0, 9),
)
records = st.dictionaries(
    st.builds(lambda day, year: at(day, year=year), st.integers(0, 335), st.integers(2021, 2024)),
    values,
    min_size=1,
    max_size=30,
)


def stored(name: str) -> list[tuple[Any, ...]]:
    columns = ("year", "count", "first_at", "last_at", "times", "returns", "pnl", "equity", "trades")
    rows = PerformanceChunk.objects.filter(series__binding__strategy_id=name)
    return list(rows.order_by("year").values_list(*columns))


@given(data=st.data(), series=records)
@SMALL
def test_any_split_and_order_gives_the_same_series(
    paper: ApiClient, data: st.DataObject, series: Any
) -> None:
    whole = [{"ts": ts, **value} for ts, value in series.items()]
    repeated = whole + data.draw(st.lists(st.sampled_from(whole), max_size=10))
    shuffled = data.draw(st.permutations(repeated))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(shuffled)), max_size=4)))
    one, other = (f"s{Binding.objects.count() + n}" for n in (0, 1))
    put_in_dry_run(paper, one, other)
    taken(paper, whole, one)
    batches = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True) if a < b]
    counted = sum(taken(paper, batch, other)["accepted"] for batch in batches)
    assert counted == len(whole)
    assert stored(other) == stored(one)
    ends = PerformanceSeries.objects.filter(binding__strategy_id__in=[one, other])
    assert len(set(ends.values_list("count", "first_at", "last_at"))) == 1


@pytest.fixture
def committed_paper(committed: None) -> None:
    root = User.objects.create_superuser("root")
    actor = Actor(user_id=root.pk, name="root", is_superuser=True)
    create_world(fields=WorldCreate(id="alpha"), actor=actor)
    services.register_strategy(fields=StrategyCreate(id="mom"), actor=actor)
    services.bind_strategies(world_id="alpha", strategy_ids=["mom"], actor=actor)
    move("mom", "start_validation", "start_dry_run")


def post(batch: list[dict[str, Any]]) -> services.Reported:
    posted = schemas.PerformanceList.model_validate(batch).root
    return services.report_performance(world_id="alpha", strategy_id="mom", posted=posted, actor=RUNNER)


def test_two_runners_with_overlapping_batches_lose_and_double_nothing(committed_paper: None) -> None:
    accepted: list[int] = []

    def run(number: int) -> None:
        for start in range(0, 300, 10):
            batch = days(*range(start, start + 20 + 5 * number))
            accepted.append(post(batch[:: -1 if number else 1]).accepted)

    assert at_once(2, run) == []
    chunk, series = PerformanceChunk.objects.get(), PerformanceSeries.objects.get()
    assert chunk.count == series.count == sum(accepted) == 315
    assert chunk.records.times.size == len(set(chunk.records.times.tolist())) == 315
    assert list(verify("alpha")) == []


def test_of_two_first_reports_at_once_one_begins_the_series(committed_paper: None) -> None:
    assert at_once(4, lambda number: post(days(1, 2, 100 + number)) and None) == []
    series = PerformanceSeries.objects.get()
    assert (series.count, series.revision, series.chunks.get().count) == (6, 4, 6)


def test_of_two_values_for_one_time_at_once_one_is_kept(committed_paper: None) -> None:
    raised = at_once(
        2, lambda number: post([{"ts": at(1), "return": number / 10}, *days(5 + number)]) and None
    )
    assert [type(error).__name__ for error in raised] == ["PerformanceConflict"]
    assert PerformanceSeries.objects.get().count == 2


@use_case
def promote() -> None:
    move_binding(
        binding=locked_bindings("alpha", ["mom"])["mom"], by="promote", reason="a test", actor=RUNNER
    )


def test_what_is_reported_during_a_promotion_is_kept_where_it_was_said_to_be(committed_paper: None) -> None:
    modes: list[str] = []

    def work(number: int) -> None:
        for day in range(60):
            if number == 0 and day == 20:
                promote()
            modes.append(post(days(2 * day + number)).mode)

    assert at_once(2, work) == []
    assert dict(PerformanceSeries.objects.values_list("mode", "count")) == Counter(modes)
