"""The policy of a world: read, checked, known by its hash."""

from __future__ import annotations

from worlds.domain.policy.document import Policy
from worlds.domain.policy.durations import Duration
from worlds.domain.policy.faults import PolicyFault, PolicyRefused
from worlds.domain.policy.hashing import canonical_bytes, canonical_document, checksum, ruleset_hash
from worlds.domain.policy.loading import MAX_POLICY_BYTES, load_policy, policy_from_document
from worlds.domain.policy.profiles import Profile, Stage
from worlds.domain.policy.schema import policy_schema

__all__ = [
    "MAX_POLICY_BYTES",
    "Duration",
    "Policy",
    "PolicyFault",
    "PolicyRefused",
    "Profile",
    "Stage",
    "canonical_bytes",
    "canonical_document",
    "checksum",
    "load_policy",
    "policy_from_document",
    "policy_schema",
    "ruleset_hash",
]
