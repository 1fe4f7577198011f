"""Ports for the servers that tests start: each given once, and to nobody else.

A port that the system is asked for is free again until its server listens, some seconds later: any connection, the
other worker, or the next question may get it meanwhile. The servers' readiness then answers for another
server. These lie below the ports that systems give away by themselves (RFC 6335: from 49152; Linux: from
32768), each worker of pytest-xdist has its own, and none comes twice before all have come.
"""

from __future__ import annotations

from itertools import cycle

from qmtl_site.launcher.ports import is_free
from tests.servers import WORKER

FIRST, EACH, WORKERS = 20_000, 750, 16
_own = FIRST + EACH * ((1 + int(WORKER.removeprefix("gw")) if WORKER else 0) % WORKERS)
_ports = cycle(range(_own, _own + EACH))


def fresh_port(count: int = 1) -> int:
    """The first of so many ports in a row on which nothing listens; OSError when there are none."""
    for _ in range(EACH):
        row = [next(_ports) for _ in range(count)]
        if row[-1] == row[0] + count - 1 and all(is_free("127.0.0.1", port) for port in row):
            return row[0]
    raise OSError(f"no {count} free ports from {_own} to {_own + EACH}")
