"""Whether two requests with one run id ask for the same, however their numbers are written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pydantic import BaseModel

from qmtl_site.audit.chain import canonical
from rebalancing.domain.book import Positions
from rebalancing.domain.decimals import as_decimal
from rebalancing.domain.document import plain
from rebalancing.domain.terms import pointer
from rebalancing.services.snapshots import plain_fraction


@dataclass(frozen=True)
class Payload:
    """`digest`: of what is meant. `spelling`: of the document as it came: what records of former releases keep."""

    digest: str
    spelling: str

    def is_that_of(self, kept: str) -> bool:
        return kept in {self.digest, self.spelling}


def payload_of(asked: BaseModel, sent: Mapping[str, Any]) -> Payload:
    return Payload(digest_of(meaning(asked)), digest_of(sent))


def digest_of(document: Any) -> str:
    return hashlib.sha256(canonical(document)).hexdigest()


def meaning(value: Any) -> Any:
    """Plain values: `1`, `1.0` and `"1"` are one decimal, a field that is left out is its default."""
    match value:
        case BaseModel():
            return dict(said_in(value))
        case Fraction():
            return plain_fraction(value)
        case Positions():
            return {
                "worlds": list(value.worlds),
                "strategies": list(value.strategies),
                "symbols": list(value.symbols),
                "venues": list(value.venues),
                "quantities": list(map(decimal_text, value.quantities)),
                "marks": list(map(decimal_text, value.marks)),
            }
        case Mapping():
            return {name: meaning(each) for name, each in value.items()}
    return value


def said_in(asked: BaseModel) -> Iterator[tuple[str, Any]]:
    """What is other than its default."""
    for name, field in type(asked).model_fields.items():
        value = getattr(asked, name)
        is_default = not field.is_required() and value == field.get_default(call_default_factory=True)
        told = meaning(value)
        if not is_default and not (isinstance(value, BaseModel) and not told):
            yield name, told


def decimal_text(value: float | int | Decimal) -> str:
    """Plain, without zeros at its end: as Python writes most numbers itself."""
    text = "e" if isinstance(value, Decimal) else repr(value)
    text = plain(as_decimal(value)) if "e" in text else text.removesuffix(".0")
    return "0" if text == "-0" else text


def differences(left: Any, right: Any, *path: str) -> Iterator[str]:
    """JSON pointers to where two meanings differ."""
    if isinstance(left, Mapping) and isinstance(right, Mapping) and path != ("positions",):
        for name in sorted({*left, *right}):
            yield from differences(left.get(name), right.get(name), *path, name)
    elif left != right:
        yield pointer(*path)
