"""A client of the API with the standard library only: what a measured request costs is not the client's."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

SECONDS_TO_ANSWER = 30


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """The service on a port of this machine, with a token. A connection per call: threads may share it."""

    port: int
    token: str

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Header names with underscores for dashes."""
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS_TO_ANSWER)) as link:
            link.request(method, path, body, sent)
            answer = link.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def document(self, path: str) -> Any:
        """The JSON at a path, which must be there."""
        return expected(self.get(path), 200).json()

    def make(self, path: str, document: Any) -> Any:
        """POST a document that must be taken."""
        return expected(self.call("POST", path, json.dumps(document).encode()), 200, 201, 202).json()

    def with_token(self, token: str) -> Client:
        return replace(self, token=token)


def expected(answer: Answer, *statuses: int) -> Answer:
    if answer.status not in statuses:
        raise SystemExit(f"Expected {statuses}, got {answer.status}: {answer.body[:500]!r}")
    return answer
