"""The environment from which the processes read their settings."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qmtl_site.launcher.errors import LaunchError
from qmtl_site.launcher.ports import is_free
from qmtl_site.launcher.servers import Servers

# Of the person at the terminal, from a sourced credentials.env; not for the processes or the tests.
PERSONAL = ("QMTL_URL", "QMTL_TOKEN", "QMTL_RISK_TOKEN", "QMTL_ADMIN_USER", "QMTL_ADMIN_PASSWORD")
EVERYWHERE = "0.0.0.0"  # noqa: S104  (only if the person asks for it)
HIGHEST_PORT = 65535
# Celery says so on many lines at each start. Here it is known: in many a container there is no other user.
QUIET = "ignore:You're running the worker with superuser privileges"
DEFAULT_HOSTS = "localhost,127.0.0.1,[::1]"


@dataclass(frozen=True)
class Address:
    """Where the web process listens; event streams have the next port."""

    host: str
    port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Address:
        port = environment.get("PORT") or "8000"
        if not port.isdecimal() or not 0 < int(port) < HIGHEST_PORT:
            raise LaunchError(f"PORT={port} is not a port number below {HIGHEST_PORT}.")
        host = environment.get("QMTL_HOST") or "127.0.0.1"
        if ":" in host:
            raise LaunchError(f"QMTL_HOST={host}: give a name or an IPv4 address.")
        return cls(host, int(port))

    @property
    def stream_port(self) -> int:
        return self.port + 1

    @property
    def url(self) -> str:
        return f"http://{self.reachable_host}:{self.port}"

    @property
    def stream_url(self) -> str:
        return f"http://{self.reachable_host}:{self.stream_port}"

    @property
    def reachable_host(self) -> str:
        return "127.0.0.1" if self.host == EVERYWHERE else self.host

    def check_free(self) -> None:
        for port in (self.port, self.stream_port):
            if not is_free(self.host, port):
                raise LaunchError(
                    f"Port {port} of {self.host} is in use (QMTL needs {self.port} and {self.stream_port}). "
                    f"Take others:  PORT=9000 make run"
                )


def for_commands(
    environment: Mapping[str, str], servers: Servers, *, secret_key: str, blobs: Path
) -> dict[str, str]:
    """For manage.py: with the owner's database role."""
    return {
        "QMTL_BLOB_URL": blobs.as_uri(),
        "QMTL_LOG_FORMAT": "console",
        **without_personal(environment),
        **servers.environment(),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "QMTL_EMBEDDED": "1",
        "SECRET_KEY": secret_key,
    }


def for_services(commands: Mapping[str, str], address: Address) -> dict[str, str]:
    """For the processes that run on: with the application's database role only."""
    hosts = commands.get("ALLOWED_HOSTS") or f"{DEFAULT_HOSTS},{address.host}"
    return {
        "QMTL_BASE_URL": address.url,
        "PYTHONWARNINGS": QUIET,
        **commands,
        # Not left out: settings.py would find the owner's URL in credentials.env.
        "DATABASE_OWNER_URL": commands["DATABASE_URL"],
        "ALLOWED_HOSTS": hosts,
        "QMTL_HOST": address.host,
        "PORT": str(address.port),
        "QMTL_STREAM_PORT": str(address.stream_port),
        "QMTL_STREAM_URL": address.stream_url,
    }


def for_throwaway(environment: Mapping[str, str], servers: Servers, blobs: Path) -> dict[str, str]:
    """For one command or test run: nothing of what the shell holds for work."""
    ours = {name: value for name, value in environment.items() if name not in ("QMTL_BLOB_URL", "DEBUG")}
    address = Address("127.0.0.1", 8000)
    fixed = {"QMTL_BASE_URL": address.url, "QMTL_STREAM_URL": address.stream_url}
    return for_commands(ours, servers, secret_key=secrets.token_urlsafe(50), blobs=blobs) | fixed


def without_personal(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in PERSONAL}
