"""Kept rows are there for whom they were asked by, as they were written, and for nobody else."""

from __future__ import annotations

import pytest
from django.db import connection

from strategies.models import Strategy
from tests.api import ApiClient
from tests.kept import TEST_DATABASE, Keep
from worlds.models import World


@pytest.fixture(scope="module")
def world_rows(keep: Keep) -> None:
    with keep("world_rows") as root:
        root.make_world()


@pytest.fixture(scope="module")
def strategy_rows(keep: Keep, world_rows: None) -> None:
    with keep("strategy_rows", on="world_rows") as root:
        root.make_strategy()


@pytest.mark.parametrize("time", [1, 2])
def test_who_asks_for_rows_sees_them_and_nothing_else(world_rows: None, root: ApiClient, time: int) -> None:
    assert (World.objects.count(), Strategy.objects.count()) == (1, 0)
    root.make_strategy("own")  # is gone the next time


@pytest.mark.parametrize("time", [1, 2])
def test_rows_stand_on_others(strategy_rows: None, root: ApiClient, time: int) -> None:
    assert (World.objects.count(), Strategy.objects.count()) == (1, 1)
    root.make_strategy("own")


def test_the_rows_that_others_stand_on_stay_as_they_are(world_rows: None, db: None) -> None:
    assert (World.objects.count(), Strategy.objects.count()) == (1, 0)


@pytest.mark.django_db
def test_who_only_bears_the_mark_begins_with_nothing() -> None:
    assert World.objects.count() == 0


def test_what_commits_does_so_where_nothing_is_kept(committed: None) -> None:
    assert (connection.settings_dict["NAME"], World.objects.count()) == (TEST_DATABASE, 0)


@pytest.mark.django_db
def test_the_mark_and_kept_rows_go_together(world_rows: None) -> None:
    assert World.objects.count() == 1
