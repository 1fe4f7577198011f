"""What takes two people in a world of high tier, for superusers too."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import ApiClient, body
from tests.conftest import client_of
from tests.problem import refusal
from worlds.models import World


def policy(tier: str = "high", mode: str = "manual_approval") -> dict[str, Any]:
    return {
        "version": 1,
        "risk_profile": {"tier": tier},
        "governance": {"live_promotion": {"mode": mode}},
    }


@pytest.fixture
def second(db: None, django_user_model: Any) -> ApiClient:
    return client_of(django_user_model.objects.create(username="second", is_superuser=True))


@pytest.fixture
def high(root: ApiClient) -> ApiClient:
    """A world of high tier, whose policy root activated."""
    root.make_world(policy=policy())
    return root


def breaker(client: ApiClient, engaged: bool) -> Any:
    return client.post("/worlds/alpha/circuit-breaker", {"engaged": engaged, "reason": "a test"})


def test_who_activated_the_policy_does_not_allow_live_trading(high: ApiClient, second: ApiClient) -> None:
    assert refusal(high.patch("/worlds/alpha", {"allow_live": True})) == (409, "E_FOUR_EYES")
    assert not World.objects.get().allow_live
    assert body(second.patch("/worlds/alpha", {"allow_live": True}))["allow_live"]
    assert not body(high.patch("/worlds/alpha", {"allow_live": False}))["allow_live"]  # closing takes one


def test_who_allowed_live_trading_does_not_activate_the_policy(root: ApiClient, second: ApiClient) -> None:
    root.make_world(policy=None, allow_live=True)
    assert refusal(root.post("/worlds/alpha/policy", policy())) == (409, "E_FOUR_EYES")
    assert body(root.get("/worlds/alpha/policies"))["items"] == []
    assert second.post("/worlds/alpha/policy", policy()).status_code == 201


def test_who_engaged_the_breaker_does_not_reset_it(high: ApiClient, second: ApiClient) -> None:
    breaker(high, True)
    assert refusal(breaker(high, False)) == (409, "E_FOUR_EYES")
    assert World.objects.get().circuit_breaker
    assert not body(breaker(second, False))["circuit_breaker"]


def test_who_wrote_a_policy_that_applies_by_itself_does_not_activate_it(
    high: ApiClient, second: ApiClient
) -> None:
    automatic = policy(mode="auto_apply")
    assert refusal(high.post("/worlds/alpha/policy", automatic)) == (409, "E_FOUR_EYES")
    version = body(high.post("/worlds/alpha/policies", automatic))["version"]
    path = f"/worlds/alpha/policies/{version}/activate"
    assert refusal(high.post(path, {"reason": "mine"})) == (409, "E_FOUR_EYES")
    assert second.post(path, {"reason": "read it"}).status_code == 200


@pytest.mark.parametrize("mode", ["manual_approval", "auto_apply"])
def test_lowering_the_tier_takes_two_as_well(high: ApiClient, mode: str) -> None:
    lowered = policy(tier="low", mode=mode)
    assert refusal(high.post("/worlds/alpha/policy", lowered)) == (409, "E_FOUR_EYES")


@pytest.mark.parametrize("tier", ["low", "medium"])
def test_one_is_enough_below(root: ApiClient, tier: str) -> None:
    root.make_world(policy=policy(tier=tier, mode="auto_apply"))
    breaker(root, True)
    assert not body(breaker(root, False))["circuit_breaker"]
    assert body(root.patch("/worlds/alpha", {"allow_live": True}))["allow_live"]
    assert root.post("/worlds/alpha/policy", policy(tier=tier, mode="auto_apply")).status_code == 201
