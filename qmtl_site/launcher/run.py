"""`make run`: QMTL on this machine, from nothing to a login."""

from __future__ import annotations

import http.client
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

from qmtl_site.launcher import commands, credentials, environment
from qmtl_site.launcher.environment import Address
from qmtl_site.launcher.lock import only_one
from qmtl_site.launcher.migrated import Mark
from qmtl_site.launcher.places import PROJECT, local_folder
from qmtl_site.launcher.servers import Servers, durable_servers
from qmtl_site.launcher.supervisor import Supervisor
from qmtl_site.launcher.watch import Watch

SECONDS_TO_READY = 90
SITE = ("qmtl_site.wsgi", "qmtl_site.asgi")  # what the processes have in common


def run() -> None:
    local = local_folder()
    with only_one(local), closing(Watch()) as watch:
        address = Address.from_environment(os.environ)
        address.check_free()
        print("Starting PostgreSQL and Valkey ...", flush=True)
        with durable_servers(local, os.environ, watch) as servers, Supervisor(watch) as supervisor:
            print(f"  {_origin(servers)}\nLoading the service and preparing the database ...", flush=True)
            file = local / "credentials.env"
            setup = _prepare(local, file, servers, address)
            supervisor.load(PROJECT / "Procfile", SITE, environment.for_services(setup, address))
            _migrate(Mark(local, servers), setup)
            supervisor.start(["ensure_local_users", "--credentials", str(file)], ["load_demo"])
            supervisor.follow(lambda: _announcement(address, file))


def _prepare(local: Path, file: Path, servers: Servers, address: Address) -> dict[str, str]:
    """The folders, the credentials file, and the environment of the commands."""
    secret_key = credentials.read(file).get("SECRET_KEY") or secrets.token_urlsafe(50)
    credentials.update(
        file,
        QMTL_URL=address.url,
        QMTL_STREAM_URL=address.stream_url,
        SECRET_KEY=secret_key,
        **servers.environment(),
    )
    blobs = local / "blobs"
    blobs.mkdir(mode=0o700, exist_ok=True)
    setup = environment.for_commands(
        os.environ, servers, secret_key=os.environ.get("SECRET_KEY") or secret_key, blobs=blobs
    )
    # whitenoise serves the apps' files as they are; it only warns if this folder is missing
    (PROJECT / "static").mkdir(exist_ok=True)
    return setup


def _migrate(mark: Mark, setup: Mapping[str, str]) -> None:
    """With the owner's role, which no process that is started later gets to know."""
    if not mark.holds():
        commands.manage(setup, ["migrate", "--noinput"], ["grant_roles"])
        mark.set()


def _origin(servers: Servers) -> str:
    given = [name for name in ("postgres", "valkey") if name not in servers.started]
    started = f"started {' and '.join(servers.started)}" if servers.started else "nothing to start"
    return started + (f"; {' and '.join(given)} given by the environment" if given else "")


def _announcement(address: Address, file: Path) -> Iterator[str]:
    """Waits until QMTL answers, then says where and how to log in."""
    problem = wait_until_ready(address)
    if problem:
        yield f"\nQMTL is not ready after {SECONDS_TO_READY} s: {problem}. The lines above may say why.\n"
        return
    yield ready_text(address, file, credentials.read(file), show_password=sys.stdout.isatty())


def ready_text(address: Address, file: Path, values: Mapping[str, str], *, show_password: bool) -> str:
    place = os.path.relpath(file, PROJECT)
    # A log file that somebody sends around must not hold the password.
    password = values.get("QMTL_ADMIN_PASSWORD", "") if show_password else f"QMTL_ADMIN_PASSWORD of {place}"
    return f"""
QMTL is ready.

  admin pages      {address.url}/admin/     user {values.get("QMTL_ADMIN_USER", "")}   password {password}
  API              {address.url}/schema/docs/
  event streams    {address.stream_url}
  tokens           {place}    to use them:  set -a; . .local/credentials.env; set +a

Ctrl-C stops everything; the data stays. `make reset` removes it.
"""


def wait_until_ready(address: Address) -> str:
    """Empty when both processes answer; otherwise what was wrong at last."""
    deadline = time.monotonic() + SECONDS_TO_READY
    while True:
        problem = _web_problem(address) or _stream_problem(address)
        if not problem or time.monotonic() > deadline:
            return problem
        time.sleep(0.05)


def _web_problem(address: Address) -> str:
    connection = http.client.HTTPConnection(address.reachable_host, address.port, timeout=5)
    with closing(connection):
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            body = answer.read(500).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return f"the web process does not answer ({error})"
    return "" if answer.status == HTTPStatus.OK else f"/readyz answers {answer.status} {body}"


def _stream_problem(address: Address) -> str:
    try:
        with socket.create_connection((address.reachable_host, address.stream_port), timeout=2):
            return ""
    except OSError as error:
        return f"the stream process does not answer ({error})"
