from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from qmtl_site.launcher import credentials, ports
from qmtl_site.launcher.lock import only_one
from tests.launcher.checkout import Checkout, Ended, Ready


def test_it_says_where_it_runs_and_stops_cleanly(
    checkout: Checkout, until_ready: Ready, ended_by: Ended
) -> None:
    process = checkout.launch("run")
    assert f"http://127.0.0.1:{checkout.port}/admin/" in until_ready(process)
    status, _ = ended_by(process, signal.SIGINT)
    assert status == 0
    assert ports.is_free("127.0.0.1", checkout.port)


def test_a_signal_while_it_starts_leaves_nothing(new_checkout: Checkout, ended_by: Ended) -> None:
    process = new_checkout.launch("run")
    assert process.stdout
    process.stdout.readline()  # "Starting PostgreSQL and Valkey ..."
    assert ended_by(process, signal.SIGINT)[0] == 0
    assert not (new_checkout.folder / ".local" / "postgres" / "postmaster.pid").exists()


def test_any_signal_stops_it_and_a_second_start_has_the_same_secrets(
    checkout: Checkout, until_ready: Ready, ended_by: Ended
) -> None:
    seen = []
    for number in (signal.SIGTERM, signal.SIGHUP):
        process = checkout.launch("run")
        until_ready(process)
        ended_by(process, number)
        seen.append(credentials.read(checkout.folder / ".local" / "credentials.env"))
    assert seen[0] == seen[1]
    assert {"QMTL_URL", "QMTL_STREAM_URL", "DATABASE_URL", "REDIS_URL", "SECRET_KEY"} <= seen[0].keys()


def test_the_processes_do_not_get_the_owner_of_the_database(
    checkout: Checkout, until_ready: Ready, ended_by: Ended
) -> None:
    process = checkout.launch("run")
    before = until_ready(process)
    assert "owner is app: True" in before + ended_by(process, signal.SIGINT)[1]


def test_a_second_launcher_is_told_that_the_first_runs(new_checkout: Checkout) -> None:
    local = new_checkout.folder / ".local"
    local.mkdir()
    with only_one(local):
        output, _ = new_checkout.launch("run").communicate(timeout=20)
    assert f"already running from {local} (process {os.getpid()})" in output


def test_reset_is_refused_while_it_runs(new_checkout: Checkout) -> None:
    local = new_checkout.folder / ".local"
    local.mkdir()
    with only_one(local):
        process = new_checkout.launch("reset")
        process.communicate(timeout=20)
    assert (process.returncode, local.exists()) == (1, True)


def test_reset_removes_everything(new_checkout: Checkout, until_ready: Ready, ended_by: Ended) -> None:
    process = new_checkout.launch("run")
    until_ready(process)
    ended_by(process, signal.SIGINT)
    new_checkout.launch("reset").communicate(timeout=20)
    assert not (new_checkout.folder / ".local").exists()


@pytest.mark.parametrize("above", [0, 1])
def test_a_busy_port_is_named_before_anything_starts(new_checkout: Checkout, above: int) -> None:
    with socket.create_server(("127.0.0.1", new_checkout.port + above)):
        process = new_checkout.launch("run")
        output, _ = process.communicate(timeout=20)
    assert f"Port {new_checkout.port + above} of 127.0.0.1 is in use" in output
    assert (process.returncode, (new_checkout.folder / ".local" / "postgres").exists()) == (1, False)


@pytest.mark.parametrize("port", ["http", "65535"])
def test_a_bad_port_is_named(checkout: Checkout, port: str) -> None:
    output, _ = checkout.launch("run", PORT=port).communicate(timeout=20)
    assert f"PORT={port} is not a port number" in output


def crash(checkout: Checkout) -> None:
    with suppress(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{checkout.port}/crash", timeout=5).close()


def test_one_that_had_settled_is_started_again(
    checkout: Checkout, until_ready: Ready, eventually: Callable[[Callable[[], bool]], bool]
) -> None:
    process = checkout.launch("run", QMTL_SECONDS_TO_SETTLE="0")
    until_ready(process)
    crash(checkout)

    def answers() -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{checkout.port}/healthz", timeout=1).close()
        except OSError:
            return False
        return True

    assert eventually(answers)
    process.terminate()
    output, _ = process.communicate(timeout=20)
    assert "web ended by itself (exit status 3); it is started again." in output


def test_a_process_is_found_by_its_command(checkout: Checkout) -> None:
    shown = "import os, subprocess\nsubprocess.run(['ps', '-o', 'args=', '-p', str(os.getpid())])"
    (checkout.folder / "shown.py").write_text(shown)
    work = "from qmtl_site.launcher.nursery import execute; execute(['python', 'shown.py', 'driver'])"
    said = subprocess.run(
        [sys.executable, "-c", work], cwd=checkout.folder, stdout=subprocess.PIPE, check=True
    )
    assert said.stdout.strip() == b"python shown.py driver"


def test_when_one_process_ends_all_end_and_it_is_named(checkout: Checkout, until_ready: Ready) -> None:
    process = checkout.launch("run", QMTL_SECONDS_TO_SETTLE="600")
    until_ready(process)
    crash(checkout)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "web ended by itself (exit status 3)" in output


def test_a_killed_launcher_leaves_no_process(
    checkout: Checkout, until_ready: Ready, eventually: Callable[[Callable[[], bool]], bool]
) -> None:
    process = checkout.launch("run")
    until_ready(process)
    process.kill()
    process.wait()
    assert eventually(lambda: ports.is_free("127.0.0.1", checkout.port))
    process.communicate(timeout=20)


def test_a_step_that_fails_shows_what_it_said(new_checkout: Checkout) -> None:
    (new_checkout.folder / "fail_migrate").touch()
    output, _ = new_checkout.launch("run").communicate(timeout=20)
    assert "from manage.py: migrate --noinput" in output


@pytest.mark.parametrize("step", ["ensure_local_users", "load_demo"])
def test_a_later_step_that_fails_shows_what_it_said(new_checkout: Checkout, step: str) -> None:
    (new_checkout.folder / f"fail_{step}").touch()
    process = new_checkout.launch("run")
    output, _ = process.communicate(timeout=20)
    assert f"from manage.py: {step}" in output
    assert (process.returncode, "driver" in output) == (1, False)


def test_a_site_that_cannot_be_imported_says_why(new_checkout: Checkout) -> None:
    (new_checkout.folder / "qmtl_site" / "wsgi.py").write_text("import nothing_of_this_name\n")
    process = new_checkout.launch("run")
    output, _ = process.communicate(timeout=20)
    assert "No module named 'nothing_of_this_name'" in output
    assert process.returncode == 1


def test_the_password_is_kept_out_of_a_log_which_names_the_file_that_holds_it(
    checkout: Checkout, until_ready: Ready, ended_by: Ended
) -> None:
    process = checkout.launch("run")
    said = until_ready(process)
    ended_by(process, signal.SIGINT)
    assert "password QMTL_ADMIN_PASSWORD of .local/credentials.env" in said


def test_a_command_gets_servers_and_its_status_is_passed_on(checkout: Checkout) -> None:
    process = checkout.launch("with", "--", "/bin/sh", "-c", "echo $DATABASE_URL $REDIS_URL; exit 3")
    output, _ = process.communicate(timeout=20)
    assert (output.count("127.0.0.1"), process.returncode) == (2, 3)


def test_a_command_never_gets_the_database_for_work(checkout: Checkout) -> None:
    process = checkout.launch(
        "with", "--", "/bin/sh", "-c", "echo $DATABASE_URL", DATABASE_URL="postgresql://prod"
    )
    output, _ = process.communicate(timeout=20)
    assert "prod" not in output


def test_throwaway_servers_leave_nothing(checkout: Checkout, tmp_path: Path) -> None:
    temporary = checkout.folder / "tmp"
    temporary.mkdir()
    temporary.chmod(0o755)
    checkout.launch("with", "--", "true", TMPDIR=str(temporary)).communicate(timeout=20)
    assert list(temporary.iterdir()) == []
