"""A real service over HTTP with a committed superuser, and servers that misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.test.testcases import LiveServerThread
from knox.models import AuthToken

from qmtl.client import Client, Config, Retries
from tests.conftest import empty_database

QUICK = Retries(tries=4, first=0.01, most=0.05, patience=5.0)


@dataclass(frozen=True)
class Site:
    url: str
    token: str

    def client(self, **options: Any) -> Client:
        return Client(config=Config(self.url, self.token), retries=QUICK, **options)


class Handler(WSGIHandler):
    """Nothing but the application."""

    def __init__(self, *_: Any) -> None:
        super().__init__()


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: Any) -> Iterator[Site]:
    with django_db_blocker.unblock():
        token = AuthToken.objects.create(User.objects.create_superuser("root"))[1]
        server = LiveServerThread("127.0.0.1", Handler)
        server.daemon = True
        server.start()
        server.is_ready.wait()
        if server.error:
            raise server.error
        yield Site(f"http://127.0.0.1:{server.port}", token)
        server.terminate()
        empty_database()


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[Client]:
    with site.client() as opened:
        yield opened


@dataclass
class Odd:
    """A server that does what it is told, request by request: a status with a body, or to hang up."""

    url: str = ""
    plan: list[Any] = field(default_factory=list)
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    opened: ExitStack = field(default_factory=ExitStack)

    def client(self, **options: Any) -> Client:
        client = Client(config=Config(self.url, "secret"), retries=QUICK, **options)
        return self.opened.enter_context(client)


HANG_UP = object()


@pytest.fixture
def odd() -> Iterator[Odd]:
    state = Odd()

    class Handle(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.seen.append((self.command, self.path, dict(self.headers), body))
            step = state.plan.pop(0) if len(state.plan) > 1 else state.plan[0]
            if step is HANG_UP:
                self.close_connection = True
                self.connection.close()
                return
            status, document, headers = (*step, {})[:3]
            data = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond

        def log_message(self, *_: Any) -> None: ...

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handle)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield state
    state.opened.close()
    server.shutdown()
    server.server_close()
