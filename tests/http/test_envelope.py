"""What stands around every request: HEAD without a body, one line in the log for a foreign Host."""

from __future__ import annotations

import logging

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from qmtl_site.http.middleware import RequestEnvelope
from tests.api import ApiClient
from tests.problem import refusal


def answer(method: str) -> HttpResponse:
    envelope = RequestEnvelope(lambda _: HttpResponse(b"abc", headers={"ETag": '"x"'}))
    return envelope(RequestFactory().generic(method, "/"))


def test_head_has_the_headers_of_get_and_no_body() -> None:
    head, get = answer("HEAD"), answer("GET")
    assert (head.content, get.content) == (b"", b"abc")
    assert (head["Content-Length"], head["ETag"]) == ("3", '"x"')


def test_a_refused_head_has_no_body_either() -> None:
    request = RequestFactory().generic("HEAD", "/", headers={"Content-Length": "x"})
    refused = RequestEnvelope(lambda _: HttpResponse())(request)
    assert (refused.status_code, refused.content) == (400, b"")


def test_a_foreign_host_is_one_warning(anonymous: ApiClient, caplog: pytest.LogCaptureFixture) -> None:
    assert refusal(anonymous.get("/healthz", host="evil.example")) == (400, "E_MALFORMED")
    said = [record for record in caplog.records if record.levelno > logging.INFO]
    assert [(record.name, record.levelname, record.exc_info) for record in said] == [
        ("django.security.DisallowedHost", "WARNING", None)
    ]
