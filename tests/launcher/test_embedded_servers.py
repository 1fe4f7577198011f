from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from qmtl_site.launcher import postgres, valkey
from qmtl_site.launcher.account import server_account
from qmtl_site.launcher.binaries import find_postgres
from qmtl_site.launcher.errors import LaunchError
from qmtl_site.launcher.places import PROJECT, durable_place
from qmtl_site.launcher.servers import Servers, durable_servers
from qmtl_site.launcher.state import State
from qmtl_site.launcher.watch import Watch

HOLD = """
import sys, time
from pathlib import Path
from qmtl_site.launcher.servers import durable_servers
from qmtl_site.launcher.watch import Watch
watch = Watch()
with durable_servers(Path(sys.argv[1]), {}, watch) as servers:
    print(watch._process.pid, servers.database_url, flush=True)
    time.sleep(600)
"""


def answers(servers: Servers) -> bool:
    try:
        with psycopg.connect(servers.database_url), redis.Redis.from_url(servers.redis_url) as client:
            return bool(client.ping())
    except (psycopg.OperationalError, redis.RedisError):
        return False


def database_is_up(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def hold(local: Path) -> tuple[subprocess.Popen[str], int, str]:
    """Another launcher with running servers: its process, its watch, its database."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(local)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert launcher.stdout
    watch_pid, url = launcher.stdout.readline().split()
    return launcher, int(watch_pid), url


def test_a_restart_keeps_data_ports_and_passwords(local: Path, watch: Watch) -> None:
    with durable_servers(local, {}, watch) as first:
        with psycopg.connect(first.database_owner_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        with redis.Redis.from_url(first.redis_url) as client:
            client.set("kept", "42")
    with durable_servers(local, {}, watch) as second:
        with psycopg.connect(second.database_owner_url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        with redis.Redis.from_url(second.redis_url) as client:
            assert client.get("kept") == b"42"
    assert first == second


def test_the_servers_end_with_their_block(local: Path, watch: Watch) -> None:
    with durable_servers(local, {}, watch) as servers:
        assert answers(servers)
    assert not answers(servers)


def test_work_is_durable(local: Path, watch: Watch) -> None:
    with durable_servers(local, {}, watch) as servers, psycopg.connect(servers.database_url) as connection:
        assert connection.execute("SELECT current_setting('fsync')").fetchone() == ("on",)


def test_passwords_are_private(local: Path, watch: Watch) -> None:
    with durable_servers(local, {}, watch):
        assert (local / "servers.json").stat().st_mode & 0o777 == 0o600


def test_a_pid_file_that_names_a_stranger_does_not_prevent_the_start(local: Path, watch: Watch) -> None:
    with durable_servers(local, {}, watch):
        left = (local / "postgres" / "postmaster.pid").read_text()
    _, _, rest = left.partition("\n")
    (local / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{rest}")
    with durable_servers(local, {}, watch) as servers:
        assert answers(servers)


def test_a_killed_server_starts_again(local: Path, watch: Watch) -> None:
    with durable_servers(local, {}, watch):
        pid = int((local / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
    with durable_servers(local, {}, watch) as servers:
        assert answers(servers)


def test_a_killed_launcher_leaves_no_server(
    local: Path, eventually: Callable[[Callable[[], bool]], bool]
) -> None:
    launcher, _, url = hold(local)
    launcher.kill()
    launcher.communicate()
    assert eventually(lambda: not database_is_up(url))


def test_a_server_left_by_a_killed_launcher_and_watch_is_replaced(local: Path, watch: Watch) -> None:
    launcher, watch_pid, url = hold(local)
    os.kill(watch_pid, signal.SIGKILL)
    launcher.kill()
    launcher.communicate()
    assert database_is_up(url)
    with durable_servers(local, {}, watch) as servers:
        assert answers(servers)
    assert not database_is_up(url)


def test_a_busy_port_is_given_up(local: Path, watch: Watch, servers: Servers) -> None:
    with durable_servers(local, {}, watch):
        state = State.load(local / "servers.json")
    state.postgres_port = int(servers.database_url.rpartition(":")[2].partition("/")[0])
    state.save(local / "servers.json")
    with durable_servers(local, {}, watch) as started:
        assert answers(started)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as another account")
def test_below_a_closed_home_the_data_goes_where_the_servers_can_reach_it(
    closed_home: Path, watch: Watch
) -> None:
    local = closed_home / ".local"
    local.mkdir()
    with durable_servers(local, {}, watch) as servers:
        assert answers(servers)
    assert not (local / "postgres").exists()
    assert (durable_place(local, server_account()) / "postgres").stat().st_uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as another account")
def test_the_servers_do_not_run_as_root(local: Path, watch: Watch) -> None:
    with durable_servers(local, {}, watch):
        pid = int((local / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        assert Path(f"/proc/{pid}").stat().st_uid == server_account().uid


def test_a_deep_folder_does_no_harm(deep_folder: Path, watch: Watch) -> None:
    local = deep_folder / ".local"
    local.mkdir()
    with durable_servers(local, {}, watch) as servers:
        assert answers(servers)


def test_given_servers_are_used_and_nothing_is_started(new_local: Path, watch: Watch) -> None:
    given = {"DATABASE_URL": "postgresql://a@db/qmtl", "REDIS_URL": "redis://queue/0"}
    with durable_servers(new_local, given, watch) as servers:
        assert servers == Servers("postgresql://a@db/qmtl", "postgresql://a@db/qmtl", "redis://queue/0")


def test_the_owner_of_a_given_database_may_be_given_too(new_local: Path, watch: Watch) -> None:
    given = {
        "DATABASE_URL": "postgresql://a@db/qmtl",
        "DATABASE_OWNER_URL": "postgresql://o@db/qmtl",
        "REDIS_URL": "redis://queue/0",
    }
    with durable_servers(new_local, given, watch) as servers:
        assert servers.database_owner_url == "postgresql://o@db/qmtl"


def test_our_own_addresses_in_the_shell_are_not_given_servers(local: Path, watch: Watch) -> None:
    with durable_servers(local, {}, watch):
        state = State.load(local / "servers.json")
    sourced = {"DATABASE_URL": postgres.url(state, postgres.APP), "REDIS_URL": valkey.url(state)}
    with durable_servers(local, sourced, watch) as servers:
        assert servers.started == ("postgres", "valkey")


def test_data_of_another_major_version_is_explained(local: Path) -> None:
    with pytest.raises(LaunchError, match="made by PostgreSQL 99"):
        find_postgres(server_account(), local, major=99)


def test_data_without_its_passwords_is_explained(new_local: Path, watch: Watch) -> None:
    (new_local / "postgres").mkdir()
    with pytest.raises(LaunchError, match="make reset"), durable_servers(new_local, {}, watch):
        pass
