"""The whole service as processes, on the test database: web, stream and driver, which may be stopped and started."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from qmtl.client import Client, Config, Retries
from qmtl_site.launcher.places import PROJECT
from tests import nursery
from tests.events.processes import environment
from tests.ports import fresh_port
from tests.waiting import wait_for

PROCFILE = (PROJECT / "Procfile").read_text()
RETRIES = Retries(tries=8, first=0.05, most=0.5, patience=10.0)


@dataclass
class Service:
    """`stop` and `start` take names: web, stream, driver. What else `start` is given is for their environment."""

    token: str
    port: int = field(default_factory=fresh_port)
    stream_port: int = field(default_factory=fresh_port)
    running: dict[str, nursery.Process] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        return f"http://127.0.0.1:{self.stream_port}"

    def client(self, token: str | None = None) -> Client:
        return Client(config=Config(self.url, token or self.token), retries=RETRIES)

    def start(self, *names: str, **changes: str) -> None:
        for name in names:
            found = re.search(rf"^{name}: (.*)", PROCFILE, re.M)
            assert found
            command = found[1].replace("--workers 2", "--workers 1 --threads 4")
            # Without a broker the driver judges by itself, at once.
            settings = {
                "PORT": str(self.port),
                "QMTL_STREAM_PORT": str(self.stream_port),
                "QMTL_STREAM_URL": self.stream_url,
                "REDIS_URL": "redis://127.0.0.1:9/0",
                "QMTL_DRIVER_MAKES_UP_AFTER": "0.3s",
                **changes,
            }
            self.running[name] = nursery.start(command, environment(**settings))
        for name, url in (("web", self.url), ("stream", self.stream_url)):
            if name in names:
                wait_for(lambda name=name, url=url: self.answers(name, url), 60)

    def answers(self, name: str, url: str) -> bool:
        assert self.running[name].poll() is None, f"{name} ended"
        try:
            return httpx.get(f"{url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, *names: str) -> None:
        stopped = [self.running.pop(name) for name in names if name in self.running]
        for process in stopped:
            process.terminate()
        for process in stopped:
            process.wait(timeout=20)


@contextmanager
def service_of(token: str) -> Iterator[Service]:
    service = Service(token)
    try:
        service.start("web", "stream", "driver")
        yield service
    finally:
        service.stop(*list(service.running))
