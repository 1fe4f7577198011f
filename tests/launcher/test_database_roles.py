"""On the servers of this test run."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest

from qmtl_site.launcher.servers import Servers


@pytest.fixture
def embedded(servers: Servers) -> Servers:
    if servers.database_admin_url is None:
        pytest.skip("the servers of this run were given, their roles are not ours")
    return servers


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "ALTER ROLE qmtl_app CREATEDB",
        "SET ROLE qmtl_owner",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_the_application_may_not(embedded: Servers, statement: LiteralString) -> None:
    with (
        psycopg.connect(embedded.database_url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_neither_role_is_a_superuser(embedded: Servers) -> None:
    with psycopg.connect(embedded.database_url) as connection:
        found = connection.execute("SELECT rolname, rolsuper FROM pg_roles WHERE rolcanlogin ORDER BY 1")
        assert found.fetchall() == [("qmtl_admin", True), ("qmtl_app", False), ("qmtl_owner", False)]


def test_the_owner_makes_tables(embedded: Servers) -> None:
    with psycopg.connect(embedded.database_owner_url) as connection:
        connection.execute("CREATE TABLE made_by_owner (id int)")
        connection.rollback()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("max_connections", "200"),
        ("lc_collate", "C"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("fsync", "off"),
        ("password_encryption", "scram-sha-256"),
    ],
)
def test_the_server_is_set_up_for_tests(embedded: Servers, setting: str, value: str) -> None:
    query = "SELECT coalesce(current_setting(%s, true), (SELECT datcollate FROM pg_database LIMIT 1))"
    with psycopg.connect(embedded.database_admin_url or "") as connection:
        assert connection.execute(query, [setting]).fetchone() == (value,)


def test_a_wrong_password_is_refused(embedded: Servers) -> None:
    address = embedded.database_url.rpartition("@")[2]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://qmtl_app:wrong@{address}")
