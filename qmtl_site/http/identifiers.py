"""Shapes of identifiers, in URLs and in bodies."""

from __future__ import annotations

from typing import Annotated, Any

from django.urls import register_converter
from pydantic import AfterValidator, Field

ID = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"
RUN_ID = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}"
SNAPSHOT_ID = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,400}"
SHA256 = r"[0-9a-f]{64}"


def not_reserved(name: str) -> str:
    if name.lower() == "latest":
        raise ValueError("'latest' is reserved")
    return name


Identifier = Annotated[str, Field(pattern=rf"^{ID}$", max_length=128), AfterValidator(not_reserved)]
RunIdentifier = Annotated[str, Field(pattern=rf"^{RUN_ID}$", max_length=128), AfterValidator(not_reserved)]


class Converter:
    regex = ID

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class RunConverter(Converter):
    regex = RUN_ID


class SnapshotConverter(Converter):
    regex = SNAPSHOT_ID


class BlobConverter(Converter):
    regex = SHA256


class TokenKeyConverter(Converter):
    regex = r"[0-9a-zA-Z]{8,25}"


class VersionConverter:
    regex = r"[1-9][0-9]{0,8}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


CONVERTERS: dict[str, type[Any]] = {
    "id": Converter,
    "run": RunConverter,
    "snapshot": SnapshotConverter,
    "sha256": BlobConverter,
    "token": TokenKeyConverter,
    "version": VersionConverter,
}
for _name, _converter in CONVERTERS.items():
    register_converter(_converter, _name)

# What the schema says of each path parameter of the service.
PATH_PATTERNS = {
    "world_id": ID,
    "strategy_id": ID,
    "decision_id": ID,
    "run_id": RUN_ID,
    "client_id": ID,
    "snapshot_id": SNAPSHOT_ID,
    "sha256": SHA256,
    "token_key": r"[0-9a-zA-Z]{8,25}",
}
