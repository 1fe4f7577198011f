"""The published schema."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from openapi_spec_validator import validate

from qmtl_site.permissions import endpoints
from tests.api import ApiClient, body

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def published() -> HttpResponse:
    return ApiClient(None).get("/schema/?format=json")


@pytest.fixture
def schema(published: HttpResponse) -> dict[str, Any]:
    document: dict[str, Any] = body(published)
    return document


def operations(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    }


def test_the_schema_is_valid(schema: dict[str, Any]) -> None:
    validate(schema)


def test_every_endpoint_is_described(schema: dict[str, Any]) -> None:
    assert (
        len(operations(schema)) == len({(e.method, e.path) for e in endpoints()}) - 2
    )  # schema and its page


def test_every_operation_documents_its_answers(schema: dict[str, Any]) -> None:
    expected = {"400", "401", "403", "404", "405", "413", "422", "429", "503"}
    for name, operation in operations(schema).items():
        answers = operation["responses"]
        assert expected <= answers.keys(), name
        assert any(status.startswith("2") for status in answers), name
        for status in expected - {"503"}:
            assert set(answers[status]["content"]) == {"application/problem+json"}, name


def test_every_operation_has_a_summary_and_an_id_of_its_own(schema: dict[str, Any]) -> None:
    found = operations(schema)
    assert all(operation["summary"] for operation in found.values())
    assert len({operation["operationId"] for operation in found.values()}) == len(found)


def test_every_path_parameter_is_declared_once(schema: dict[str, Any]) -> None:
    for name, operation in operations(schema).items():
        declared = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
        assert sorted(declared) == sorted(part.split("}")[0] for part in name.split("{")[1:]), name


def test_bodies_are_json_and_policies_also_yaml(schema: dict[str, Any]) -> None:
    for name, operation in operations(schema).items():
        media = set(operation.get("requestBody", {}).get("content", {}))
        yaml = {"application/yaml"} if name.split("/")[-1] in {"policy", "policies"} else set()
        assert media in (set(), {"application/json"} | yaml), name


def test_conditional_reads_document_304(schema: dict[str, Any]) -> None:
    found = {name for name, operation in operations(schema).items() if "304" in operation["responses"]}
    assert found == {
        "GET /worlds/{world_id}/decide",
        "GET /worlds/{world_id}/decisions/{decision_id}",
        "GET /worlds/{world_id}/snapshots/{snapshot_id}",
        "GET /worlds/{world_id}/blobs/{sha256}.parquet",
        "GET /worlds/{world_id}/strategies/{strategy_id}/runs/{run_id}/metrics",
    }


def test_the_schema_has_a_page(anonymous: ApiClient) -> None:
    assert anonymous.get("/schema/docs/")["Content-Type"].startswith("text/html")


def test_the_schema_of_policies_is_served_to_anybody(anonymous: ApiClient) -> None:
    assert "selection" in body(anonymous.get("/schema/policy"))["properties"]


@pytest.mark.parametrize(("path", "key"), [("/healthz", "ok"), ("/readyz", "ready"), ("/health", "ok")])
def test_health_is_public(anonymous: ApiClient, path: str, key: str) -> None:
    assert body(anonymous.get(path))["status"] == key


def test_without_redis_the_service_is_ready_and_degraded(anonymous: ApiClient, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert body(anonymous.get("/readyz"))["status"] == "ready"
    assert body(anonymous.get("/health"))["status"] == "degraded"
