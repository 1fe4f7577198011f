"""PostgreSQL and Valkey for the tests, as a pytest plugin: `-p tests.servers`.

Throw-away servers, apart from those of `make run`, start before the settings are read. To use others, set
QMTL_TEST_DATABASE_URL (and ..._OWNER_URL, ..._ADMIN_URL) and QMTL_TEST_REDIS_URL. DATABASE_URL itself is
never used: no test writes to a database that was meant for work.
"""

from __future__ import annotations

import atexit
import gc
import os
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from qmtl_site.launcher.environment import for_throwaway
from qmtl_site.launcher.errors import LaunchError
from qmtl_site.launcher.servers import Servers, throwaway_servers

WORKER = os.environ.get("PYTEST_XDIST_WORKER")
_running = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Around pytest-django's hook of the same name, which reads the settings."""
    # A worker of pytest-xdist inherits the environment of the process that started the servers.
    if WORKER is None:
        _start()
    else:
        os.environ["REDIS_URL"] = own_redis(os.environ["REDIS_URL"], WORKER)
    yield


def own_redis(url: str, worker: str) -> str:
    """Another of the sixteen databases for each worker; `gw0` takes the one after the given one."""
    parts = urlsplit(url)
    number = int(parts.path.lstrip("/") or 0) + 1 + int(worker.removeprefix("gw"))
    return urlunsplit(parts._replace(path=f"/{number % 16}"))


def _start() -> None:
    atexit.register(_running.close)
    try:
        servers = _running.enter_context(throwaway_servers(os.environ))
    except LaunchError as error:
        raise pytest.UsageError(str(error)) from None
    blobs = _running.enter_context(tempfile.TemporaryDirectory(prefix="qmtl-blobs-"))
    wanted = for_throwaway(os.environ, servers, Path(blobs))
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    # No thread of its own connects to the database in the middle of a test that is rolled back.
    quiet = {"QMTL_METRICS_FLUSH": "0s"}
    os.environ |= wanted | quiet | {"QMTL_TEST_ADMIN_URL": servers.database_admin_url or ""}


def pytest_collection_finish() -> None:
    """What is imported and collected by now stays to the end: no collection of garbage walks through it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    if WORKER is None:
        _running.close()


@pytest.fixture(scope="session")
def servers() -> Servers:
    """The servers of this test run; `database_admin_url` is the superuser's, None if it was not given."""
    return Servers(
        database_url=os.environ["DATABASE_URL"],
        database_owner_url=os.environ["DATABASE_OWNER_URL"],
        database_admin_url=os.environ["QMTL_TEST_ADMIN_URL"] or None,
        redis_url=os.environ["REDIS_URL"],
    )
