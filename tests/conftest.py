"""Fixtures of all tests: the database as the two roles see it, users, tokens, and a client of the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import OperationalError, connections
from django.test import override_settings
from knox.models import AuthToken
from psycopg import sql

from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role
from qmtl_site.audit.actor import Actor
from tests.api import ApiClient
from tests.kept import (
    EMPTY_DATABASE,
    TEST_DATABASE,
    Keep,
    drop_database,
    drop_leftovers,
    make_database,
    work_in,
)

QUICK_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"  # 300 ms a test less


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """A fresh database, made and migrated by the owner; the tests then work in the application's role."""
    owner, application = connections["owner"], connections["default"]
    given = owner.settings_dict["NAME"]
    with django_db_blocker.unblock():
        drop_database(TEST_DATABASE, force=True)
        drop_leftovers()
        make_database(EMPTY_DATABASE, copied_from="template0")
        work_in(EMPTY_DATABASE)
        call_command("migrate", verbosity=0)
        work_in(given)
        make_database(TEST_DATABASE, copied_from=EMPTY_DATABASE)
        work_in(TEST_DATABASE)
    yield
    with django_db_blocker.unblock():
        for connection in (owner, application):
            connection.close()


@pytest.fixture(scope="module")
def keep(django_db_setup: None, django_db_blocker: Any) -> Iterator[Keep]:
    """Rows that tests of a module begin with, written once; see tests/kept.py."""
    kept = Keep(django_db_blocker, login=lambda: client_of(superuser_named_root()))
    yield kept
    kept.close()


@pytest.fixture
def its_database(request: pytest.FixtureRequest, django_db_setup: None) -> None:
    """The test works where the kept rows are that it asks for, or where there are none."""
    names = request.fixturenames
    work_in(request.getfixturevalue("keep").database(names) if "keep" in names else TEST_DATABASE)


@pytest.fixture
def _django_db_helper(its_database: None, _django_db_helper: None) -> None:
    """What begins and rolls back the test's transaction, for `db` as for the mark `django_db`."""


@pytest.fixture
def committed(its_database: None, django_db_blocker: Any) -> Iterator[None]:
    """For what must really commit (threads, other processes): afterwards the owner empties every table."""
    with django_db_blocker.unblock():
        yield
        empty_database()
        connections["default"].close()


def empty_database() -> None:
    """Once more if it met a request that nobody waits for any more: PostgreSQL ends a deadlock by ending one."""
    try:
        empty_tables()
    except OperationalError:
        connections["owner"].close()
        empty_tables()


def empty_tables() -> None:
    """The triggers refuse even the owner, so they are put aside on purpose, in one transaction."""
    connections["default"].close()
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'django_%'"
        )
        tables = [sql.Identifier(name) for (name,) in cursor.fetchall()]
        cursor.execute("BEGIN")
        for table in tables:
            cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table))
        keep = ("auth_permission",)
        emptied = [table for table in tables if table.as_string(None).strip('"') not in keep]
        cursor.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(sql.SQL(", ").join(emptied)))
        for table in tables:
            cursor.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(table))
        cursor.execute("COMMIT")
    connections["owner"].close()


@pytest.fixture
def superuser(db: None, settings: Any) -> User:
    settings.PASSWORD_HASHERS = [QUICK_HASHER]
    return superuser_named_root()


def superuser_named_root() -> User:
    """Of the kept rows if the test has some."""
    with override_settings(PASSWORD_HASHERS=[QUICK_HASHER]):
        return User.objects.filter(username="root").first() or User.objects.create_superuser(
            "root", password="correct horse battery"
        )


@pytest.fixture
def root(superuser: User) -> ApiClient:
    """The API as a superuser."""
    return client_of(superuser)


@pytest.fixture
def anonymous(db: None) -> ApiClient:
    return ApiClient(None)


@pytest.fixture
def someone(db: None) -> Callable[..., ApiClient]:
    """`someone("ann", world="alpha", roles=["viewer"])`: the API as a user with roles in a world."""

    def make(name: str, *, world: str | None = None, roles: list[str] | None = None) -> ApiClient:
        user, _ = User.objects.get_or_create(username=name)
        for role in roles or []:
            assert world is not None
            grant_role(user=user, world_id=world, role=Role(role), actor=Actor.service("test"))
        return client_of(user)

    return make


def client_of(user: User) -> ApiClient:
    _, token = AuthToken.objects.create(user)
    return ApiClient(token)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each test has an id of its own. The workers of pytest-xdist know tests by nothing else: of those that share one,
    as schemathesis gives them to all operations of a schema, only the first would run."""
    for item in items:
        if item.parent is not None and not item.nodeid.endswith(item.name):
            item._id = type(item.id).parse(f"{item.nodeid.rpartition('::')[0]}::{item.name}")
    ids = Counter(item.nodeid for item in items)
    if len(ids) < len(items):
        raise pytest.UsageError(
            f"Tests share an id: {[name for name, count in ids.items() if count > 1][:5]}"
        )
