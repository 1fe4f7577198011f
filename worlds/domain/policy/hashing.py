"""What a policy is known by: its canonical bytes and the hashes over them."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from worlds.domain.policy.document import Policy


def canonical_document(policy: Policy) -> dict[str, Any]:
    """The document with every default filled in and every expression as its canonical text."""
    return policy.model_dump(mode="json", by_alias=True)


def canonical_bytes(policy: Policy) -> bytes:
    """The canonical document as JSON with sorted keys: equal policies, however written, give equal bytes."""
    return orjson.dumps(canonical_document(policy), option=orjson.OPT_SORT_KEYS)


def checksum(policy: Policy) -> str:
    """sha256 (hex) of the canonical bytes."""
    return hashlib.sha256(canonical_bytes(policy)).hexdigest()


def ruleset_hash(policy: Policy, profile_name: str | None, ruleset_version: str) -> str:
    """sha256 (hex) over the canonical policy, the profile that judged, and the version of the rule set."""
    judged_by = {
        "policy": canonical_document(policy),
        "profile": profile_name,
        "ruleset_version": ruleset_version,
    }
    return hashlib.sha256(orjson.dumps(judged_by, option=orjson.OPT_SORT_KEYS)).hexdigest()
