"""Fixtures of all tests: the database as the two roles see it, users, tokens, and a client of the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from knox.models import AuthToken
from psycopg import sql

from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role
from qmtl_site.audit.actor import Actor
from tests.api import ApiClient
from tests.servers import WORKER

# Of its own for each worker of pytest-xdist.
TEST_DATABASE = "_".join(filter(None, ["qmtl_test", WORKER]))


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """A fresh database, made and migrated by the owner; the tests then work in the application's role."""
    owner, application = connections["owner"], connections["default"]
    with django_db_blocker.unblock():
        name = sql.Identifier(TEST_DATABASE)
        with owner.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        for connection in (owner, application):
            connection.close()
            connection.settings_dict["NAME"] = TEST_DATABASE
        call_command("migrate", verbosity=0)
    yield
    with django_db_blocker.unblock():
        for connection in (owner, application):
            connection.close()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """For what must really commit (threads, other processes): afterwards the owner empties every table."""
    with django_db_blocker.unblock():
        yield
        empty_database()
        connections["default"].close()


def empty_database() -> None:
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
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # 300 ms a test less
    return User.objects.create_superuser("root", password="correct horse battery")


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
