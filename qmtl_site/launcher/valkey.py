"""The embedded Valkey (or Redis): loopback only, with a password, saved when it stops."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path

import redis

from qmtl_site.launcher.binaries import find_valkey
from qmtl_site.launcher.errors import LaunchError
from qmtl_site.launcher.ports import free_port
from qmtl_site.launcher.processes import Ground, ServerProcess
from qmtl_site.launcher.state import State

SECONDS_TO_START = 20
ATTEMPTS = 3


def url(state: State) -> str:
    return f"redis://:{state.valkey_password}@127.0.0.1:{state.valkey_port}/0"


def start(ground: Ground, state: State) -> ServerProcess:
    stop_orphan(state)
    binary = find_valkey(ground.account, ground.local)
    data = ground.account.make_folder(ground.place / "valkey")
    for attempt in range(ATTEMPTS):
        state.valkey_port = free_port(state.valkey_port if attempt == 0 else 0)
        server = ServerProcess(
            [binary, "-"],  # settings by standard input: a command line shows the password to everybody
            ground=ground,
            log=ground.place / "valkey.log",
            stop_signal=signal.SIGTERM,
            standard_input=_settings(data, state, ground.durable),
        )
        try:
            if _is_ready(server, state):
                return server
        except BaseException:
            server.stop()
            raise
        server.stop()
    raise LaunchError(f"Valkey did not start. Its last words ({server.log}):\n{server.last_words()}")


def _settings(data: Path, state: State, durable: bool) -> str:
    return f"""\
bind 127.0.0.1
port {state.valkey_port}
requirepass {state.valkey_password}
dir "{data}"
appendonly no
save {"3600 1" if durable else '""'}
loglevel warning
"""


def _is_ready(server: ServerProcess, state: State) -> bool:
    deadline = time.monotonic() + SECONDS_TO_START
    while server.is_alive() and time.monotonic() < deadline:
        if _answers(state):
            return True
        time.sleep(0.02)
    return False


def _answers(state: State) -> bool:
    with contextlib.suppress(redis.RedisError), redis.Redis.from_url(url(state), socket_timeout=2) as client:
        return bool(client.ping())
    return False


def stop_orphan(state: State) -> None:
    """Stop the server of a launcher that was killed. That it takes our password proves that it is ours."""
    if not state.valkey_port or not _answers(state):
        return
    with redis.Redis.from_url(url(state), socket_timeout=5) as client:
        client.shutdown()
