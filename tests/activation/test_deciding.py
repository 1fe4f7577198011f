"""The decision envelope of a world: the mode in which its strategies may act, and how long it may be cached."""

from __future__ import annotations

from typing import Any

from strategies.models import Binding
from tests.activation.acting import breaker, decided, state, undone
from tests.api import ApiClient, body
from tests.decisions.conftest import DECIDES
from tests.problem import refusal

DECIDE = "/worlds/alpha/decide"


def told(client: ApiClient) -> tuple[str, str, str]:
    found = body(client.get(DECIDE))
    return found["effective_mode"], found["execution_domain"], found["reason"]


def test_a_world_without_strategies_validates(root: ApiClient) -> None:
    root.make_world()
    found = body(root.get(DECIDE))
    assert told(root) == ("validate", "backtest", "no_strategies")
    assert (found["policy_version"], found["as_of"], found["ttl"]) == (1, None, 300.0)


def test_the_highest_mode_of_its_strategies_counts(live: ApiClient) -> None:
    assert told(live) == ("live", "live", "live_strategies")
    Binding.objects.filter(state="live").update(state="inactive")
    assert told(live) == ("paper", "dryrun", "paper_strategies")
    for each in Binding.objects.filter(state="dry_run"):
        Binding.objects.filter(pk=each.pk).update(state="inactive")
    assert told(live)[:2] == ("compute-only", "backtest")


MASKS: dict[str, tuple[Any, tuple[str, str, str]]] = {
    "restricted": (lambda c: state(c, "EVALUATION_ONLY"), ("paper", "dryrun", "world_evaluation_only")),
    "paused": (lambda c: state(c, "PAUSED"), ("compute-only", "backtest", "world_paused")),
    "breaker": (lambda c: breaker(c, engaged=True), ("compute-only", "backtest", "circuit_breaker")),
    "not allowed": (
        lambda c: c.patch("/worlds/alpha", {"allow_live": False}),
        ("paper", "dryrun", "live_not_allowed"),
    ),
    "stale": (lambda c: decided(hours=-1), ("compute-only", "backtest", "stale_decision")),
}


def test_what_lowers_it_is_the_reason(live: ApiClient) -> None:
    for mask, expected in MASKS.values():
        with undone():
            mask(live)
            assert told(live) == expected


def test_foreign_code_lowers_its_own_strategy_alone(live: ApiClient, holder: Any) -> None:
    Binding.objects.update(judged_code_hash="judged")
    holder("g1", "b").register(a="foreign")
    assert told(live) == ("paper", "dryrun", "paper_strategies")
    holder("g2", "a").register(a="judged", b="foreign", c="foreign")
    assert told(live) == ("compute-only", "backtest", "foreign_code")


def test_the_etag_is_stable_while_the_decision_is(live: ApiClient) -> None:
    first = live.get(DECIDE)
    etag = first["ETag"]
    again = live.get(DECIDE, if_none_match=etag)
    assert (etag.strip('"'), again.status_code, again.content) == (body(first)["etag"], 304, b"")
    live.post("/worlds/alpha/evaluate", {})
    assert live.get(DECIDE, if_none_match=etag).status_code == 200
    etag = live.get(DECIDE)["ETag"]
    breaker(live, engaged=True)
    assert live.get(DECIDE)["ETag"] != etag


def test_the_policy_says_how_long_it_may_be_cached(live: ApiClient) -> None:
    live.post("/worlds/alpha/policy", {**DECIDES, "decision": {"ttl": "30s"}})
    found = body(live.get(DECIDE))
    assert (found["ttl"], found["policy_version"]) == (30.0, 2)


def test_only_who_has_a_role_reads_it(live: ApiClient, someone: Any) -> None:
    assert someone("vera", world="alpha", roles=["viewer"]).get(DECIDE).status_code == 200
    assert refusal(someone("nobody").get(DECIDE)) == (404, "E_NOT_FOUND")
