"""A start that finds code and database as the last one left them does not migrate."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from qmtl_site.launcher import migrated
from qmtl_site.launcher.migrated import Mark
from qmtl_site.launcher.servers import Servers, durable_servers
from qmtl_site.launcher.watch import Watch
from tests.launcher.checkout import Checkout, Ended, Ready

MIGRATED = """
CREATE TABLE IF NOT EXISTS django_migrations (id serial, app text, name text);
INSERT INTO django_migrations (app, name) VALUES ('worlds', '0001');
"""


def test_the_second_start_does_not_migrate_and_one_with_changed_code_does(
    new_checkout: Checkout, until_ready: Ready, ended_by: Ended
) -> None:
    migrates = []
    for change in (None, None, "qmtl_site/models.py"):
        if change:
            (new_checkout.folder / change).write_text("x = 1\n")
        process = new_checkout.launch("run")
        migrates.append("manage.py migrate" in until_ready(process))
        ended_by(process, signal.SIGINT)
    assert migrates == [True, False, True]


def test_a_migration_that_failed_is_not_taken_for_done(new_checkout: Checkout) -> None:
    (new_checkout.folder / "fail_migrate").touch()
    new_checkout.launch("run").communicate(timeout=20)
    assert not (new_checkout.folder / ".local" / migrated.FILE).exists()


@pytest.fixture(scope="module")
def running(local: Path) -> Iterator[Servers]:
    watch = Watch()
    with durable_servers(local, {}, watch) as servers:
        yield servers
    watch.close()


@pytest.fixture
def marked(local: Path, running: Servers) -> Mark:
    execute(running, MIGRATED)
    mark = Mark(local, running)
    mark.set()
    assert Mark(local, running).holds()
    return mark


def execute(servers: Servers, statement: LiteralString) -> None:
    with psycopg.connect(servers.database_owner_url) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM django_migrations",
        "UPDATE django_migrations SET name = '0002'",
        "DROP TABLE django_migrations",
        "CREATE TABLE another (id int)",
        "GRANT SELECT ON django_migrations TO qmtl_app",
    ],
)
def test_a_database_that_somebody_changed_is_migrated(
    marked: Mark, running: Servers, statement: LiteralString
) -> None:
    execute(running, statement)
    assert not marked.holds()


def test_a_mark_that_is_gone_or_of_something_else_does_not_hold(marked: Mark, local: Path) -> None:
    (local / migrated.FILE).write_text("else")
    assert not marked.holds()
    (local / migrated.FILE).unlink()
    assert not marked.holds()


def test_a_database_of_somebody_else_is_always_migrated(tmp_path: Path, running: Servers) -> None:
    given = Servers(running.database_url, running.database_owner_url, running.redis_url)
    mark = Mark(tmp_path, given)
    mark.set()
    assert not mark.holds()


@pytest.mark.parametrize(
    ("file", "matters"),
    [
        ("worlds/migrations/0002_more.py", True),
        ("worlds/models.py", True),
        ("manage.py", True),
        ("requirements.txt", True),
        ("tests/test_more.py", False),
        ("docs/more.md", False),
        (".local/more.py", False),
    ],
)
def test_the_code_that_matters(tmp_path: Path, file: str, matters: bool) -> None:
    before = migrated.code(tmp_path)
    changed = tmp_path / file
    changed.parent.mkdir(parents=True, exist_ok=True)
    changed.write_text("x = 1\n")
    assert (migrated.code(tmp_path) != before) == matters
