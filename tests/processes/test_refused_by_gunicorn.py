"""gunicorn's worker: what it refuses before the application sees it is a problem document too, never HTML; and it keeps
the memory of a request for the next one.
"""

from __future__ import annotations

import json
import os
import platform
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from qmtl_site.launcher.places import PROJECT
from tests.ports import fresh_port
from tests.problem import MEMBERS

APPLICATION = """
import resource

def application(environ, start_response):
    if environ["PATH_INFO"] == "/crash":
        raise RuntimeError("a secret")
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Method", environ["REQUEST_METHOD"])])
    if environ["PATH_INFO"] != "/large":
        return [b"fine"]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytes(bytearray(4 << 20))
    return [b"%d" % (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)]
"""
OPTIONS = re.search(r"^web: gunicorn \S+ (.*)", (PROJECT / "Procfile").read_text(), re.M)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """gunicorn as in the Procfile, before an application of a few lines."""
    folder: Path = tmp_path_factory.mktemp("small")
    (folder / "small.py").write_text(APPLICATION)
    port = fresh_port()
    assert OPTIONS
    gunicorn = Path(sys.executable).with_name("gunicorn")
    with subprocess.Popen(
        ["/bin/sh", "-c", f"exec {gunicorn} small:application {OPTIONS[1]} --pythonpath {folder}"],
        cwd=PROJECT,
        env=os.environ | {"PORT": str(port)},
    ) as process:
        wait_for(port)
        yield port
        process.terminate()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("gunicorn does not listen")


def send(port: int, request: bytes) -> tuple[str, bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode(), body


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "E_TOO_LARGE"),
        (GET + b"X-Long: " + b"a" * 9000 + b"\r\n\r\n", 431, "E_TOO_LARGE"),
        (GET + b"".join(b"X-%d: a\r\n" % number for number in range(200)) + b"\r\n", 431, "E_TOO_LARGE"),
        (POST + b"Content-Length: abc\r\n\r\n", 400, "E_MALFORMED"),
        (POST + b"Content-Length: -1\r\n\r\n", 400, "E_MALFORMED"),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "E_MALFORMED"),
        (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400, "E_MALFORMED"),
        (POST + b"Transfer-Encoding: nonsense\r\n\r\n", 501, "E_MALFORMED"),
        (GET + b"bad header\r\n\r\n", 400, "E_MALFORMED"),
        (GET + b"Expect: \"<b>\"\r\n\r\n", 417, "E_MALFORMED"),
        (b"garbage\r\n\r\n", 400, "E_MALFORMED"),
        (b"\xff\xfe\x00<b>\r\n\r\n", 400, "E_MALFORMED"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "E_MALFORMED"),
        (b"GET /crash HTTP/1.1\r\nHost: localhost\r\n\r\n", 500, "E_INTERNAL"),
    ],
)  # fmt: skip
def test_a_refused_request_gets_a_problem_document(
    port: int, request_bytes: bytes, status: int, code: str
) -> None:
    head, body = send(port, request_bytes)
    document = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert "Content-Type: application/problem+json" in head
    assert f"X-Request-ID: {document['request_id']}" in head
    assert f"Content-Length: {len(body)}" in head
    assert document.keys() == MEMBERS
    assert (document["status"], document["code"], document["error"]) == (status, code, code)
    assert (document["errors"], document["type"]) == ([], f"/docs/errors#{code.lower()}")


def test_what_failed_inside_is_not_told(port: int) -> None:
    assert b"secret" not in send(port, b"GET /crash HTTP/1.1\r\nHost: localhost\r\n\r\n")[1]


def test_the_application_is_reached_as_before(port: int) -> None:
    head, body = send(port, GET + b"\r\n")
    assert head.startswith("HTTP/1.1 200 ")
    assert b"fine" in body


@pytest.mark.skipif(sys.platform != "linux" or not platform.libc_ver()[0], reason="it is glibc that is told")
def test_memory_is_kept_for_the_next_request(port: int) -> None:
    """Two pieces of 4 MiB: 2,048 pages, if they were taken from the system each time."""
    request = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
    # The body is one chunk, and stands behind its length.
    faults = [int(send(port, request)[1].split()[1]) for _ in range(20)]
    assert median(faults) < 100  # each worker takes its first ones
