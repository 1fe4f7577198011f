"""Who lets a strategy go live, and what happens to its orders when it does."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, PlainSerializer, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from worlds.domain.policy.durations import AnyDuration, Duration, SomeDuration
from worlds.domain.policy.sections import CountFromOne, Section

Approver: TypeAlias = Literal["owner", "operator", "risk"]
Node = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Canary(Section):
    """A newly promoted strategy begins with a part of its weight."""

    fraction: float = Field(default=1.0, gt=0, le=1)
    """The part of the weight."""
    for_: AnyDuration = Field(default=Duration.parse("0s"), alias="for")
    """How long."""


class LivePromotion(Section):
    """How a promotion comes about."""

    mode: Literal["disabled", "manual_approval", "auto_apply"] = "manual_approval"
    """Never, after a person's approval, or by itself."""
    cooldown: AnyDuration = Duration.parse("0s")
    """Least time from one promotion of the world to the next."""
    max_live_slots: CountFromOne | None = None
    """Largest number of live strategies, besides top_k."""
    canary: Canary = Canary()
    approvers: Annotated[tuple[Approver, ...], Field(min_length=1, strict=False)] = ("risk",)
    """Roles that may approve; never the strategy's owner or submitter."""


class OverrideTerms(Section):
    """How long an approval against the rules holds."""

    review_after: SomeDuration = Duration.parse("90d")
    """When it must be looked at again."""
    expires_after: SomeDuration = Duration.parse("180d")
    """When it ends."""


class Governance(Section):
    live_promotion: LivePromotion = LivePromotion()
    override: OverrideTerms = OverrideTerms()


class PositionPolicy(Section):
    """What happens to positions when a strategy goes live or leaves."""

    on_promote: Literal["flat_then_enable"] = "flat_then_enable"
    """Begin flat, then open the gate."""
    on_demote: Literal["disable_then_flat"] = "disable_then_flat"
    """Close the gate, then flatten."""
    demote_to: Literal["dry_run", "inactive"] = "dry_run"
    """Where a demoted strategy goes."""
    carry_over: bool = False
    """Take the paper position over as market orders to the target."""


class Rebalancing(Section):
    on_switch: Literal["off", "propose"] = "off"
    """`propose`: each switch of the live set plans a rebalancing."""


class TwoPhase(Section):
    """The two-phase apply."""

    mode: Literal["two_phase"] = "two_phase"
    freeze_timeout_ms: int = Field(default=30_000, ge=1, le=3_600_000)
    """How long silent gate clients are waited for before the switch."""
    unfreeze_timeout_ms: int = Field(default=30_000, ge=1, le=3_600_000)
    """How long receipts are waited for after it."""


class Edge(Section):
    """An edge between two nodes of strategies."""

    src_node: Node
    dst_node: Node


class Edges(Section):
    """Edges that a promotion switches."""

    pre_promotion: Annotated[tuple[Edge, ...], Field(max_length=1000, strict=False)] = ()
    """Turned off before a promotion."""
    post_promotion: Annotated[tuple[Edge, ...], Field(max_length=1000, strict=False)] = ()
    """Turned on by a completed promotion, off by a demotion."""


class RequiredFingerprint(Section):
    required: Literal[True] = True


def _fingerprint(value: object) -> str | RequiredFingerprint | None:
    if value is None or isinstance(value, RequiredFingerprint):
        return value
    if isinstance(value, str) and 0 < len(value) <= 256:
        return value
    if isinstance(value, dict) and value == {"required": True} and value["required"] is True:
        return RequiredFingerprint()
    raise PydanticCustomError("fingerprint", "must be text of 1 to 256 characters, or {required: true}")


def _write_fingerprint(value: str | RequiredFingerprint | None) -> Any:
    return {"required": True} if isinstance(value, RequiredFingerprint) else value


Fingerprint = Annotated[
    str | RequiredFingerprint | None,
    PlainValidator(_fingerprint),
    PlainSerializer(_write_fingerprint),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": 256},
                {
                    "type": "object",
                    "properties": {"required": {"const": True}},
                    "required": ["required"],
                    "additionalProperties": False,
                },
                {"type": "null"},
            ]
        }
    ),
]


class GatingPolicy(Section):
    """How the switch of the live set is carried out."""

    apply: TwoPhase = TwoPhase()
    dataset_fingerprint: Fingerprint = None
    """Opening demands this fingerprint of the data, or any: `{required: true}`."""
    edges: Edges = Edges()
