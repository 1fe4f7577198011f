"""JSON Schemas of all events, made from their classes; served at `GET /schema/events`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.apps import apps
from django.utils.module_loading import autodiscover_modules

from qmtl_site.outbox.events import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE = "CloudEvent"

# CloudEvents 1.0.2 in its JSON format: what the specification says of the attributes that are used here, and of
# the names of extensions. `sequence` is our extension.
CLOUD_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "time", "datacontenttype", "sequence", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "format": "uuid",
            "description": "Unique for ever, the same in each delivery: consumers drop what they have seen.",
        },
        "source": {"type": "string", "format": "uri-reference", "minLength": 1},
        "type": {"type": "string", "minLength": 1},
        "subject": {"type": "string", "minLength": 1},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "sequence": {
            "type": "integer",
            "minimum": 1,
            "description": "Its place in the source's events, without gaps.",
        },
        "data": {"type": "object"},
    },
    "propertyNames": {"pattern": "^[a-z0-9]{1,20}$"},
}


def kinds() -> list[type[Event]]:
    """Every kind of event of the installed apps, by type."""
    autodiscover_modules("events")

    def below(kind: type[Event]) -> Iterator[type[Event]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    found = {kind for kind in below(Event) if kind.type and is_ours(kind)}
    return sorted(found, key=lambda kind: kind.type)


def is_ours(kind: type[Event]) -> bool:
    return apps.get_containing_app_config(kind.__module__) is not None


@cache
def events_schema() -> dict[str, Any]:
    """One schema for any event; under `$defs` the envelope and each type by its name."""
    parts: dict[str, Any] = {}
    types = {kind.type: type_schema(kind, parts) for kind in kinds()}
    return {
        "$schema": DIALECT,
        "$id": "/schema/events",
        "title": "Events of QMTL WorldService",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in types],
        "$defs": {ENVELOPE: {"title": "CloudEvents 1.0 envelope", **CLOUD_EVENT}, **types, **parts},
    }


def type_schema(kind: type[Event], parts: dict[str, Any]) -> dict[str, Any]:
    """Shapes within the data's go to `parts`: references count from the root of the document."""
    data = kind.data_schema()
    parts |= data.pop("$defs", {})
    return {
        "title": kind.type,
        "description": described(kind),
        "$ref": f"#/$defs/{ENVELOPE}",
        "properties": {"type": {"const": kind.type}, "data": data},
    }


def described(kind: type[Event]) -> str:
    """The class's own words; dataclasses without any get their signature, which says nothing."""
    text = " ".join((kind.__doc__ or "").split())
    return "" if text.startswith(f"{kind.__name__}(") else text
