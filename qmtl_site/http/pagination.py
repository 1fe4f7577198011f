"""Lists by keyset: `?limit=&cursor=`, newest first, no totals, no offset scans."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import orjson
from django.db.models import Model, Q, QuerySet

from qmtl_site.http.refusals import Invalid

DEFAULT_LIMIT = 50
MAX_LIMIT = 500

Row = TypeVar("Row", bound=Model)


def limit_of(params: Mapping[str, str]) -> int:
    text = params.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        raise Invalid.at("?limit", f"limit must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def encode_cursor(created: datetime, key: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([created.isoformat(), key])).decode().rstrip("=")


def decode_cursor(text: str) -> tuple[datetime, Any]:
    try:
        created, key = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        moment = datetime.fromisoformat(created)
    except (ValueError, TypeError, binascii.Error):
        raise Invalid.at("?cursor", "cursor is not one that this service gave") from None
    if moment.tzinfo is None or not isinstance(key, str | int) or isinstance(key, bool):
        raise Invalid.at("?cursor", "cursor is not one that this service gave")
    if (isinstance(key, int) and not 0 <= key < 2**63) or (isinstance(key, str) and "\0" in key):
        raise Invalid.at("?cursor", "cursor is not one that this service gave")
    return moment, key


def page(
    rows: QuerySet[Row],
    params: Mapping[str, str],
    render: Callable[[Row], dict[str, Any]],
    *,
    created: str = "created_at",
    key: str = "pk",
) -> dict[str, Any]:
    """`{items, next_cursor}` of a list, one query; (created, key) must be unique and indexed."""
    limit = limit_of(params)
    if cursor := params.get("cursor"):
        moment, last = decode_cursor(cursor)
        if isinstance(last, str) != (rows.model._meta.pk.get_internal_type() in {"CharField", "TextField"}):
            raise Invalid.at("?cursor", "cursor belongs to another list")
        rows = rows.filter(Q(**{f"{created}__lt": moment}) | Q(**{created: moment, f"{key}__lt": last}))
    found = list(rows.order_by(f"-{created}", f"-{key}")[: limit + 1])
    shown = found[:limit]
    more = len(found) > limit
    return {
        "items": [render(row) for row in shown],
        "next_cursor": encode_cursor(getattr(shown[-1], created), getattr(shown[-1], key)) if more else None,
    }
