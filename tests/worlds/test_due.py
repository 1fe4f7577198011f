"""Which worlds are due, and how they are found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from worlds.models import World
from worlds.selectors import worlds_due

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def make_worlds(due: dict[str, datetime | None], *, state: str = "ACTIVE") -> None:
    owner, _ = User.objects.get_or_create(username="ann")
    rest = {"owner": owner, "state": state, "state_since": NOW, "created_at": NOW, "updated_at": NOW}
    World.objects.bulk_create(World(id=each, next_evaluation_at=at, **rest) for each, at in due.items())


@pytest.mark.django_db
def test_the_longest_due_come_first() -> None:
    make_worlds({"b": NOW - MINUTE, "a": NOW, "later": NOW + MINUTE, "off": None, "c": NOW - 2 * MINUTE})
    assert worlds_due(NOW, 10) == [("c", NOW - 2 * MINUTE), ("b", NOW - MINUTE), ("a", NOW)]


@pytest.mark.django_db
def test_no_more_than_asked_for() -> None:
    make_worlds({f"w{number}": NOW for number in range(5)})
    assert worlds_due(NOW, 2) == [("w0", NOW), ("w1", NOW)]


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["ACTIVE", "EVALUATION_ONLY"])
def test_worlds_that_are_evaluated_are_due(state: str) -> None:
    make_worlds({"alpha": NOW}, state=state)
    assert worlds_due(NOW, 10) == [("alpha", NOW)]


@pytest.mark.parametrize("limit", [10, 500])
def test_the_due_are_found_by_their_index(committed: None, limit: int) -> None:
    """Among thousands that are not: the rows are committed, so that the owner can count them for the planner."""
    make_worlds({f"w{number}": NOW + (number - 20) * MINUTE for number in range(3000)})
    make_worlds({f"p{number}": None for number in range(1000)}, state="PAUSED")
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE worlds_world")
    with CaptureQueriesContext(connection) as captured:
        assert len(worlds_due(NOW, limit)) == min(21, limit)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + captured[-1]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert len(captured) == 1
    assert "world_due on worlds_world" in plan
    assert "Seq Scan" not in plan
    assert "Sort" not in plan
