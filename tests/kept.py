"""Rows that tests of a module begin with, written once: each set of them is kept in a database of its own.

    @pytest.fixture(scope="module")
    def desk_rows(keep: Keep) -> None:
        with keep("desk_rows") as root:
            root.make_world()

    @pytest.fixture
    def desk(desk_rows: None, root: ApiClient) -> ApiClient:
        return root

A test that asks for `desk` begins in the database with these rows, and as everywhere its own are rolled back; a test
that does not ask for it begins in the empty one. So no test sees rows that it did not ask for, in whatever order they
run. Only rows are kept: settings, patches and clocks belong in fixtures of each test, and so does what must be of now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from django.db import OperationalError, connections
from psycopg import sql

from tests.api import ApiClient
from tests.servers import WORKER

# Of its own for each worker of pytest-xdist. Nobody connects to the second one, which is what is copied.
TEST_DATABASE = "_".join(filter(None, ["qmtl_test", WORKER]))
EMPTY_DATABASE = f"{TEST_DATABASE}_empty"
KEPT = f"{TEST_DATABASE}_kept"
numbers = count(1)


@dataclass(frozen=True)
class Kept:
    """Rows in a database of their own, `on` those of another fixture."""

    database: str
    on: str | None


class Keep:
    """What the fixtures of one module keep."""

    def __init__(self, blocker: Any, login: Callable[[], ApiClient]) -> None:
        self.blocker, self.login = blocker, login
        self.kept: dict[str, Kept] = {}

    @contextmanager
    def __call__(self, fixture: str, *, on: str | None = None) -> Iterator[ApiClient]:
        """The API as a superuser, beside the rows of the fixture `on`; what is written is the rows of `fixture`."""
        made = self.kept[fixture] = Kept(f"{KEPT}{next(numbers)}", on)
        with self.blocker.unblock():
            work_in(TEST_DATABASE)
            make_database(made.database, copied_from=EMPTY_DATABASE if on is None else self.kept[on].database)
            work_in(made.database)
            yield self.login()

    def database(self, fixtures: Iterable[str]) -> str:
        """Where a test works that asks for these fixtures."""
        asked = self.kept.keys() & set(fixtures)
        last = asked - {self.kept[name].on for name in asked}
        if len(last) > 1:
            raise pytest.UsageError(
                f"A test begins with one set of kept rows, not with all of {sorted(last)}"
            )
        return self.kept[last.pop()].database if last else TEST_DATABASE

    def close(self) -> None:
        with self.blocker.unblock():
            work_in(TEST_DATABASE)
            for each in self.kept.values():
                # In use for longer than PostgreSQL waits: then it stays, and no other has its name.
                with suppress(OperationalError):
                    drop_database(each.database)
            connections["owner"].close()


def drop_leftovers() -> None:
    """Of a run before on servers that were given."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [KEPT])
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        drop_database(name)


def work_in(database: str) -> None:
    """Both roles go there from now on; a connection that is there already stays open."""
    for connection in (connections["owner"], connections["default"]):
        if connection.settings_dict["NAME"] != database:
            assert not connection.in_atomic_block, "another database in the middle of a transaction"
            connection.close()
            connection.settings_dict["NAME"] = database


def make_database(database: str, *, copied_from: str) -> None:
    """Nobody may be in the other one; PostgreSQL waits some seconds for those who have just left it."""
    drop_database(database)
    names = [sql.Identifier(database), sql.Identifier(copied_from)]
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))


def drop_database(database: str, *, force: bool = False) -> None:
    """By force others are thrown out, of whom the vacuum is not the owner's to throw out: without, it goes itself."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {}" + " WITH (FORCE)" * force)
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement.format(sql.Identifier(database)))
