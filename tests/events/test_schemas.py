"""Every event that is emitted is a CloudEvent and what its own schema says."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
import pytest
from django.utils import timezone
from jsonschema import Draft202012Validator, FormatChecker

from evaluation.events import PromotionProposed
from evaluation.services import due_worlds, evaluate_if_due
from qmtl_site.demo import loading
from qmtl_site.ledger.models import SYSTEM_STREAM
from qmtl_site.outbox.events import row_of
from qmtl_site.outbox.models import OutboxEvent
from qmtl_site.outbox.schema import CLOUD_EVENT, events_schema, kinds
from tests.api import ApiClient, body, results, returns
from tests.decisions.conftest import DECIDES

# CloudEvents 1.0.2, JSON format: what its own schema asks of any producer.
SPECIFICATION: dict[str, Any] = {
    "type": "object",
    "required": ["id", "source", "specversion", "type"],
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "format": "uri-reference", "minLength": 1},
        "specversion": {"type": "string", "minLength": 1},
        "type": {"type": "string", "minLength": 1},
        "datacontenttype": {"type": ["string", "null"], "minLength": 1},
        "dataschema": {"type": ["string", "null"], "format": "uri", "minLength": 1},
        "subject": {"type": ["string", "null"], "minLength": 1},
        "time": {"type": ["string", "null"], "format": "date-time", "minLength": 1},
        "data": {"type": ["object", "string", "number", "array", "boolean", "null"]},
        "data_base64": {"type": ["string", "null"], "contentEncoding": "base64"},
    },
}


@cache
def strict(event_type: str) -> Draft202012Validator:
    """A type's schema under which a member that it does not know is a fault, too."""
    schema = orjson.loads(orjson.dumps(events_schema()))
    kind = schema["$defs"][event_type]
    kind["unevaluatedProperties"] = False
    kind["properties"]["data"]["additionalProperties"] = False
    wanted = {"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": f"#/$defs/{event_type}"}
    return Draft202012Validator(wanted, format_checker=FormatChecker())


def faults(document: str) -> list[str]:
    event = orjson.loads(document)
    envelope = Draft202012Validator(SPECIFICATION, format_checker=FormatChecker())
    return [
        f"{event['type']}: {error.message}"
        for validator in (envelope, strict(event["type"]))
        for error in validator.iter_errors(event)
    ]


def test_the_schema_is_served_to_anybody_and_is_one(anonymous: ApiClient) -> None:
    schema = body(anonymous.get("/schema/events"))
    Draft202012Validator.check_schema(schema)
    assert schema["$defs"].keys() >= {"CloudEvent", "world.created", "decision.made", "promotion.lapsed"}
    assert schema["$defs"]["CloudEvent"]["required"] == CLOUD_EVENT["required"]


def test_every_kind_of_event_has_its_own_type() -> None:
    types = [kind.type for kind in kinds()]
    assert len(types) == len(set(types)) >= 20
    assert "test.noted" not in types


def test_all_that_a_world_emits_is_what_its_schema_says(root: ApiClient) -> None:
    """From its making over runs, decisions, roles and tokens to its end."""
    root.make_world(policy=DECIDES)
    root.patch("/worlds/alpha", {"name": "Other"})
    root.post("/worlds/alpha/circuit-breaker", {"engaged": True, "reason": "a test"})
    root.post("/worlds/alpha/circuit-breaker", {"engaged": False, "reason": "a test"})
    for number, name in enumerate(("good", "other")):
        root.make_strategy(name)
        root.submit("alpha", name, results(returns(seed=number + 1)))
    root.patch("/strategies/good", {"name": "Better"})
    root.evaluate("alpha")
    root.post("/worlds/alpha/evaluate", {})
    root.post("/tokens", {"expires_days": 1})
    root.delete("/worlds/alpha?force=true&reason=done")
    seen = list(OutboxEvent.objects.order_by("id").values_list("type", "document"))
    assert {kind for kind, _ in seen} >= {
        "world.created",
        "policy.updated",
        "strategy.registered",
        "binding.state_changed",
        "evaluation_run.updated",
        "decision.made",
        "token.issued",
        "world.state_changed",
    }
    assert [fault for _, document in seen for fault in faults(document)] == []
    one_of = Draft202012Validator(events_schema())
    assert all(one_of.is_valid(orjson.loads(document)) for _, document in seen)


def test_all_that_the_demo_emits_is_what_its_schema_says(db: None) -> None:
    loading.load_demo(loading.author())
    for world in due_worlds():
        evaluate_if_due(world_id=world)
    documents = OutboxEvent.objects.values_list("document", flat=True)
    assert len(documents) > 50
    assert [fault for document in documents for fault in faults(document)] == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"specversion": "0.3"}, "1.0"),
        ({"sequence": 0}, "minimum"),
        ({"id": "x"}, "uuid"),
        ({"time": "yesterday"}, "date-time"),
        ({"more": 1}, "Unevaluated"),
        ({"data": {"promotion_id": "1"}}, "not of type"),
    ],
)
def test_a_wrong_event_is_found(change: dict[str, Any], word: str) -> None:
    proposed = PromotionProposed(
        world_id="w", strategy_id="s", promotion_id=1, decision_id="d", before=None, after="live"
    )
    event = orjson.loads(row_of("w", 1, timezone.now(), proposed).document)
    assert faults(orjson.dumps(event).decode()) == []
    changed = {**event, **change, "data": {**event["data"], **change.get("data", {})}}
    assert word in " ".join(faults(orjson.dumps(changed).decode()))


def test_an_event_of_no_world_has_the_service_as_its_source(root: ApiClient) -> None:
    root.post("/tokens", {"expires_days": 1})
    event = OutboxEvent.objects.filter(stream=SYSTEM_STREAM).latest("sequence")
    assert orjson.loads(event.document)["source"] == "/"
    assert faults(event.document) == []
