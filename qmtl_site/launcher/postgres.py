"""The embedded PostgreSQL: TCP on the loopback interface only, three roles, passwords in `.local`.

There is no unix socket: its path may have 107 bytes at most, and projects live in deep folders.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import psycopg
from psycopg import sql

from qmtl_site.launcher.account import Account
from qmtl_site.launcher.binaries import PostgresBinaries, find_postgres
from qmtl_site.launcher.errors import LaunchError
from qmtl_site.launcher.ports import free_port
from qmtl_site.launcher.private_files import write_private
from qmtl_site.launcher.processes import Ground, ServerProcess, command_line, wait_until_gone
from qmtl_site.launcher.state import State

ADMIN, OWNER, APP, DATABASE = "qmtl_admin", "qmtl_owner", "qmtl_app", "qmtl"
SECONDS_TO_START = 60  # recovery after a power loss takes a while
ATTEMPTS = 3


def url(state: State, role: str, database: str = DATABASE) -> str:
    password = {ADMIN: state.admin_password, OWNER: state.owner_password, APP: state.app_password}[role]
    return f"postgresql://{role}:{password}@127.0.0.1:{state.postgres_port}/{database}"


def start(ground: Ground, state: State) -> ServerProcess:
    """Make the cluster if there is none, start it, and return it when it takes connections."""
    data = ground.place / "postgres"
    if data.exists():
        stop_orphan(data)
    binaries = find_postgres(ground.account, ground.local, _major(data))
    if not data.exists():
        make_cluster(binaries, data, state, ground.account)
    server = _start_on_free_port(binaries, data, state, ground)
    try:
        make_roles(state)
    except BaseException:
        server.stop()
        raise
    return server


def _major(data: Path) -> int | None:
    file = data / "PG_VERSION"
    return int(file.read_text()) if file.exists() else None


def make_cluster(binaries: PostgresBinaries, data: Path, state: State, account: Account) -> None:
    """initdb into a draft folder: when it is interrupted, the next start begins again."""
    draft = data.with_name("postgres.draft")
    shutil.rmtree(draft, ignore_errors=True)
    account.make_folder(draft)
    password = data.with_name("postgres.password")
    write_private(password, state.admin_password)
    os.chown(password, account.uid, account.gid)
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    try:
        made = account.output_of(
            binaries.folder / "initdb", "-D", draft, "-U", ADMIN, f"--pwfile={password}", *options
        )
    finally:
        password.unlink()
    if made is None:
        raise LaunchError(f"initdb of {binaries.folder} failed in {draft}. Is the disk full?")
    draft.rename(data)


def _start_on_free_port(
    binaries: PostgresBinaries, data: Path, state: State, ground: Ground
) -> ServerProcess:
    for attempt in range(ATTEMPTS):
        # Between finding a port and listening on it another program may take it; and backends of a
        # killed server may live on for a moment. Both pass.
        state.postgres_port = free_port(state.postgres_port if attempt == 0 else 0)
        server = ServerProcess(
            [binaries.folder / "postgres", "-D", data, *_settings(state.postgres_port, ground.durable)],
            ground=ground,
            log=data.with_name("postgres.log"),
            stop_signal=signal.SIGINT,
        )
        try:
            if _is_ready(server, data):
                return server
        except BaseException:
            server.stop()
            raise
        server.stop()
        time.sleep(attempt)
    raise LaunchError(f"PostgreSQL did not start. Its last words ({server.log}):\n{server.last_words()}")


def _settings(port: int, durable: bool) -> list[str]:
    safe = "on" if durable else "off"
    values = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "max_connections": 200,
        "fsync": safe,
        "synchronous_commit": safe,
        "full_page_writes": safe,
        "log_min_messages": "warning",
        "log_timezone": "UTC",
        "timezone": "UTC",
    }
    return [part for name, value in values.items() for part in ("-c", f"{name}={value}")]


def _is_ready(server: ServerProcess, data: Path) -> bool:
    """Whether it came up. PostgreSQL writes its own state into postmaster.pid, line 8."""
    deadline = time.monotonic() + SECONDS_TO_START
    while server.is_alive() and time.monotonic() < deadline:
        lines = _pid_file(data)
        if [line.strip() for line in lines[:1] + lines[7:8]] == [str(server.pid), "ready"]:
            return True
        time.sleep(0.02)
    return False


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def stop_orphan(data: Path) -> None:
    """Stop the server of a launcher that was killed, and remove a pid file that nobody holds.

    The caller holds the folder's lock. After a power loss the pid in the file may be anybody's: only a
    process that was started on this very folder is ours.
    """
    lines = _pid_file(data)
    if not lines:
        return
    pid = abs(int(lines[0]))
    for stop_signal in (signal.SIGINT, signal.SIGQUIT):
        if str(data) not in command_line(pid):
            break
        os.kill(pid, stop_signal)
        if wait_until_gone(pid, seconds=10):
            break
    else:
        raise LaunchError(f"A PostgreSQL of an earlier start does not stop: process {pid}, folder {data}.")
    (data / "postmaster.pid").unlink(missing_ok=True)


def make_roles(state: State) -> None:
    """The owner migrates, the application works; both and the database are made once."""
    try:
        with psycopg.connect(url(state, ADMIN, "postgres"), autocommit=True) as connection:
            for role, option in ((OWNER, "CREATEDB"), (APP, "NOCREATEDB")):
                _make_role(connection, role, option, state)
            if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(OWNER)
                    )
                )
    except psycopg.OperationalError as error:
        raise LaunchError(
            f"PostgreSQL runs, but does not let us in: {error}\n"
            "If the passwords in .local were lost, `make reset` begins again without the data."
        ) from error


def _make_role(connection: psycopg.Connection, role: str, option: str, state: State) -> None:
    known = _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role)
    password = {OWNER: state.owner_password, APP: state.app_password}[role]
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE {} PASSWORD {}").format(
            sql.SQL("ALTER" if known else "CREATE"),
            sql.Identifier(role),
            sql.SQL(option),
            sql.Literal(password),
        )
    )


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None
