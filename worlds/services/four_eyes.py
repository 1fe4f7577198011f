"""What takes two people in a world of `tier: high`, superusers included (04-policy-and-decision, spec).

Who lets a world trade live is not who put its policy in force; who writes a policy that applies by itself, or that
lowers the tier, does not activate it; who engaged the circuit breaker does not reset it.
"""

from __future__ import annotations

from qmtl_site.audit.actor import Actor
from worlds.domain.policy import Policy
from worlds.errors import FourEyes
from worlds.models import PolicyVersion, World
from worlds.selectors import compiled


def refuse_own_live(world: World, actor: Actor) -> None:
    """Allowing live trading: not by who activated the policy that would trade."""
    active = active_version(world)
    if active is not None and is_high(active) and actor.is_user(active.activated_by_id):
        raise FourEyes(
            "You activated the policy of this world of high tier: somebody else must allow live trading"
        )


def refuse_own_policy(world: World, version: PolicyVersion, actor: Actor) -> None:
    """Activating a policy: not by its author where it applies by itself, not by who allowed live trading."""
    active = active_version(world)
    if not (is_high(version) or (active is not None and is_high(active))):
        return
    applies = policy_in(version).governance.live_promotion.mode == "auto_apply"
    if (applies or not is_high(version)) and actor.is_user(version.created_by_id):
        does = "applies by itself in" if applies else "lowers the tier of"
        raise FourEyes(
            f"You wrote this policy, which {does} a world of high tier: write it as a draft, and somebody else"
            " must activate it"
        )
    if world.allow_live and actor.is_user(world.allow_live_by_id):
        raise FourEyes(
            "You allowed live trading in this world: somebody else must activate a policy of high tier"
        )


def refuse_own_reset(world: World, actor: Actor) -> None:
    """Resetting the circuit breaker: not by who engaged it."""
    active = active_version(world)
    if active is not None and is_high(active) and actor.is_user(world.circuit_breaker_by_id):
        raise FourEyes(
            "You engaged the circuit breaker of this world of high tier: somebody else must reset it"
        )


def active_version(world: World) -> PolicyVersion | None:
    return world.policies.select_related("text").filter(state="active").first()


def is_high(version: PolicyVersion) -> bool:
    return policy_in(version).risk_profile.tier == "high"


def policy_in(version: PolicyVersion) -> Policy:
    return compiled(version.pk, version.text.checksum)
