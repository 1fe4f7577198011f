"""The client's description against the service's own: no code, no operation is missing."""

from __future__ import annotations

import inspect
import re

import pytest
from drf_spectacular.generators import SchemaGenerator

from qmtl.client import AsyncClient, Client, Negotiated, Pages
from qmtl.client.endpoints import Endpoints
from qmtl.client.endpoints.endpoint import endpoint, paged
from qmtl.client.errors import BY_CODE, Refused, Unreachable
from qmtl_site.http.refusals import catalogue

NOT_FOR_CLIENTS = re.compile(r"^/(schema/|healthz|readyz|metrics)")
SHOWN = {"/schema/policy"}


def described() -> set[tuple[str, str]]:
    """(method, path) of every endpoint of the client; each parameter is `{}`."""
    found = set()
    for _, each in inspect.getmembers(Endpoints, lambda value: isinstance(value, endpoint | paged)):
        taken = inspect.signature(each.describe).parameters.values()
        needed = [p for p in list(taken)[1:] if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
        named = {p.name: {} if "Mapping" in str(p.annotation) else "x" for p in needed}
        call = each.describe(None, **named)
        for one in (
            [call.call] if isinstance(call, Pages) else call.calls if isinstance(call, Negotiated) else [call]
        ):
            found.add((one.method, re.sub(r"\{\w+\}", "{}", one.template)))
    return found


def test_every_operation_of_the_service_is_described() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    served = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, operations in schema["paths"].items()
        for method in operations
        if path in SHOWN or not NOT_FOR_CLIENTS.match(path)
    }
    assert served - described() == set()


def test_every_code_of_the_service_has_its_error() -> None:
    assert {refusal.code for refusal in catalogue()} - BY_CODE.keys() == set()


def test_a_code_has_one_meaning_whoever_answers_it() -> None:
    titles = {(refusal.code, refusal.title) for refusal in catalogue()}
    assert len(titles) == len({code for code, _ in titles})


def test_no_two_errors_share_a_code() -> None:
    kinds = [kind for kind in Refused.__subclasses__() if kind.code]
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_a_service_that_cannot_work_counts_as_unreachable() -> None:
    assert issubclass(BY_CODE["E_UNAVAILABLE"], Unreachable)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_both_clients_have_every_endpoint(kind: type) -> None:
    names = {name for name, each in inspect.getmembers(Endpoints) if isinstance(each, endpoint | paged)}
    client = kind("http://127.0.0.1:9", "x")
    assert all(callable(getattr(client, name)) for name in names)
