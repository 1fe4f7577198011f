"""The servers that QMTL needs: those given in the environment, or embedded ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from qmtl_site.launcher import postgres, valkey
from qmtl_site.launcher.account import server_account
from qmtl_site.launcher.errors import LaunchError
from qmtl_site.launcher.places import (
    PROJECT,
    durable_place,
    existing_outside_place,
    local_folder,
    throwaway_place,
)
from qmtl_site.launcher.processes import Ground
from qmtl_site.launcher.state import State
from qmtl_site.launcher.watch import Watch

STATE_FILE = "servers.json"


@dataclass(frozen=True)
class Servers:
    database_url: str
    database_owner_url: str
    redis_url: str
    database_admin_url: str | None = None
    started: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.database_url,
            "DATABASE_OWNER_URL": self.database_owner_url,
            "REDIS_URL": self.redis_url,
        }


@dataclass(frozen=True)
class Given:
    """Servers that somebody else runs; nothing is started in their place."""

    database_url: str = ""
    database_owner_url: str = ""
    database_admin_url: str = ""
    redis_url: str = ""

    @classmethod
    def for_run(cls, environment: Mapping[str, str], state: State) -> Given:
        values = {
            name: "" if state.knows(value) else value  # a sourced credentials.env gives nothing
            for name, value in environment.items()
            if name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
        }
        return cls(
            database_url=values.get("DATABASE_URL", ""),
            database_owner_url=values.get("DATABASE_OWNER_URL", ""),
            redis_url=values.get("REDIS_URL", ""),
        )

    @classmethod
    def for_tests(cls, environment: Mapping[str, str]) -> Given:
        """Names of their own, so that no test or demo ever writes to a database that was meant for work."""
        return cls(
            database_url=environment.get("QMTL_TEST_DATABASE_URL", ""),
            database_owner_url=environment.get("QMTL_TEST_DATABASE_OWNER_URL", ""),
            database_admin_url=environment.get("QMTL_TEST_DATABASE_ADMIN_URL", ""),
            redis_url=environment.get("QMTL_TEST_REDIS_URL", ""),
        )


@contextmanager
def durable_servers(local: Path, environment: Mapping[str, str], watch: Watch) -> Iterator[Servers]:
    """Servers whose data lasts. The caller holds the lock of `local` (see lock.py)."""
    state = _durable_state(local)
    account = server_account()
    with ExitStack() as stack:
        ground = Ground(durable_place(local, account), local, account, watch, durable=True)
        servers = _start_missing(Given.for_run(environment, state), state, ground, stack)
        state.save(local / STATE_FILE)  # now with the ports
        yield servers


@contextmanager
def throwaway_servers(environment: Mapping[str, str], *, durable: bool = False) -> Iterator[Servers]:
    """Servers of one command or test run: their data ends with them. `durable` turns fsync on."""
    account = server_account()
    with ExitStack() as stack:
        watch = stack.enter_context(closing(Watch()))
        place = throwaway_place(account)
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        watch.folder_made(place)
        ground = Ground(place, PROJECT / ".local", account, watch, durable)
        yield _start_missing(Given.for_tests(environment), State(), ground, stack)


def _start_missing(given: Given, state: State, ground: Ground, stack: ExitStack) -> Servers:
    """Start what is not given; the stack stops it in reverse order."""
    started = []
    database_url, owner_url = given.database_url, given.database_owner_url or given.database_url
    admin_url: str | None = given.database_admin_url or None
    redis_url = given.redis_url
    if not database_url:
        stack.callback(postgres.start(ground, state).stop)
        started.append("postgres")
        database_url, owner_url = postgres.url(state, postgres.APP), postgres.url(state, postgres.OWNER)
        admin_url = postgres.url(state, postgres.ADMIN)
    if not redis_url:
        stack.callback(valkey.start(ground, state).stop)
        started.append("valkey")
        redis_url = valkey.url(state)
    return Servers(database_url, owner_url, redis_url, admin_url, tuple(started))


def _durable_state(local: Path) -> State:
    file = local / STATE_FILE
    if file.exists():
        return State.load(file)
    # `.local` was deleted by hand, or this is a new clone at an old path: the data outside it is nobody's.
    remove_outside(local)
    if (local / "postgres").exists():
        raise LaunchError(f"{file} with the passwords is gone; `make reset` begins again without the data.")
    state = State()
    state.save(file)  # before initdb: there must be no data without its passwords
    return state


def remove_outside(local: Path) -> None:
    """Remove the data outside the project; the copied binaries stay, a test run may be using them."""
    place = existing_outside_place(local)
    if place is not None:
        if (place / "postgres").exists():
            postgres.stop_orphan(place / "postgres")
        for name in ("postgres", "postgres.draft", "valkey"):
            shutil.rmtree(place / name, ignore_errors=True)


def reset(project: Path = PROJECT) -> None:
    """Remove everything that `make run` made. The caller holds the lock."""
    local = local_folder(project)
    if (local / STATE_FILE).exists():
        valkey.stop_orphan(State.load(local / STATE_FILE))
    if (local / "postgres").exists():
        postgres.stop_orphan(local / "postgres")
    remove_outside(local)
    shutil.rmtree(local)
