"""What the editor says about a text: its faults at their places, else what it is known by; what changes in it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, Literal

from worlds.domain.policy import Policy, PolicyFault, PolicyRefused, checksum, load_policy, ruleset_hash
from worlds.domain.ruleset import RULESET_VERSION
from worlds.models import PolicyVersion, World

Media = Literal["yaml", "json"]
FIRST_POLICY = "version: 1\n"
DIGITS = 12


def checked(source: str, media: Media, world: World | None = None) -> dict[str, Any]:
    """`faults`, and in words what the text is where it has none; `world`: in comparison with its versions."""
    try:
        policy = load_policy(source, media=media)
    except PolicyRefused as refused:
        return {"faults": told(refused.faults), "says": ""}
    return {"faults": [], "says": what_it_is(policy, world)}


def told(faults: Sequence[PolicyFault]) -> list[dict[str, Any]]:
    return [
        {
            "line": fault.line or 1,
            "column": fault.column or 1,
            "path": fault.path,
            "message": fault.message,
            "nearest": fault.nearest,
        }
        for fault in faults
    ]


def what_it_is(policy: Policy, world: World | None) -> str:
    """A checksum is over what the policy means: comments, order and written-out defaults do not change it."""
    digest, rules = checksum(policy), ruleset_hash(policy, None, RULESET_VERSION)
    words = f"It validates: checksum {digest[:DIGITS]}, rule set {rules[:DIGITS]}"
    twin = None if world is None else same_policy(world, digest)
    return f"{words}. It means the same as {named(twin)}." if twin else f"{words}."


def same_policy(world: World, digest: str) -> PolicyVersion | None:
    """The version that means the same: the active one, else the newest."""
    rows = PolicyVersion.objects.filter(world=world, text__checksum=digest).order_by("-version")
    return rows.filter(state=PolicyVersion.State.ACTIVE).first() or rows.first()


def named(policy: PolicyVersion) -> str:
    active = policy.state == PolicyVersion.State.ACTIVE
    return f"v{policy.version}, which is active" if active else f"v{policy.version}"


def starting_text(world: World) -> dict[str, str]:
    """A new version starts from the active one, else from the newest, else from nearly nothing."""
    rows = PolicyVersion.objects.filter(world=world).select_related("text").order_by("-version")
    found = rows.filter(state="active").first() or rows.first()
    return {"language": found.text.media, "source": found.text.source} if found else {"source": FIRST_POLICY}


def changed_lines(active: PolicyVersion, other: PolicyVersion) -> list[tuple[str, str]]:
    """(kind, line) of the difference between the active text and another: `add`, `cut`, `place`, `same`."""
    kinds = {"+": "add", "-": "cut", "@": "place"}
    before, after = active.text.source.splitlines(), other.text.source.splitlines()
    lines = list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]
    return [(kinds.get(line[:1], "same"), line) for line in lines]
