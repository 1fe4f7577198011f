"""Credentials leave the service to the holder of a live strategy's gate, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.http import HttpResponse

from qmtl_site.audit.models import AuditEntry
from strategies.models import Binding
from tests.activation.acting import Holder, breaker, go, state
from tests.api import ApiClient, body
from tests.problem import pointer, refusal
from worlds.models import World

PATH = "/worlds/alpha/broker/credentials"
KEYS = {"apiKey": "k", "secret": "s"}
Hold = Callable[..., Holder]


@pytest.fixture
def keyed(live: ApiClient) -> ApiClient:
    """... and the world keeps credentials."""
    settings = {
        "kind": "ccxt",
        "exchange": "binance",
        "credentials": KEYS,
        "options": {"defaultType": "swap"},
    }
    assert live.call("PUT", "/worlds/alpha/broker", settings).status_code == 200
    return live


def ask(client: Holder, *, by: ApiClient | None = None, **changes: Any) -> HttpResponse:
    told = {"client_id": client.name, "secret": client.secret, **changes}
    return (by or client.api).get(f"{PATH}?client_id={told['client_id']}", x_lease_secret=told["secret"])


def test_the_holder_of_a_live_strategys_gate_gets_them(keyed: ApiClient, holder: Hold) -> None:
    answer = ask(holder("g1", "a", "b"))
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    told = body(answer)
    assert (told["exchange"], told["credentials"], told["options"]) == (
        "binance",
        KEYS,
        {"defaultType": "swap"},
    )


def test_every_hand_out_is_in_the_audit_without_the_keys(keyed: ApiClient, holder: Hold) -> None:
    client = holder("g1", "a")
    ask(client)
    ask(client)
    entries = AuditEntry.objects.filter(action="broker.hand_out")
    assert [entry.actor for entry in entries] == ["user-of-g1", "user-of-g1"]
    details = orjson.loads(entries[0].details)
    assert (details["client_id"], details["strategies"], details["exchange"]) == ("g1", ["a"], "binance")
    assert KEYS.keys().isdisjoint(details)


def refused(answer: HttpResponse) -> None:
    assert refusal(answer) == (403, "E_FORBIDDEN")
    assert not AuditEntry.objects.filter(action="broker.hand_out").exists()


def test_not_with_a_lease_on_a_strategy_that_is_not_live(keyed: ApiClient, holder: Hold) -> None:
    refused(ask(holder("g1", "b")))


def test_not_with_another_secret_client_or_token(keyed: ApiClient, holder: Hold) -> None:
    one, other = holder("g1", "a"), holder("g2", "a")
    refused(ask(one, secret="guessed"))
    refused(ask(one, secret=other.secret))
    refused(ask(one, client_id="g2"))
    refused(ask(one, client_id="nobody"))
    refused(ask(one, by=other.api))


def test_not_with_a_lease_that_has_run_out_or_was_revoked(keyed: ApiClient, holder: Hold) -> None:
    one, other = holder("g1", "a"), holder("g2", "a")
    one.lapse()
    refused(ask(one))
    keyed.delete("/worlds/alpha/gates/g2")
    refused(ask(other))


def test_not_where_live_trading_is_not_allowed(keyed: ApiClient, holder: Hold) -> None:
    client = holder("g1", "a")
    World.objects.update(allow_live=False)
    refused(ask(client))


def test_not_for_other_code_than_the_judged_one(keyed: ApiClient, holder: Hold) -> None:
    Binding.objects.filter(strategy="a").update(judged_code_hash="judged")
    user = holder("g0", "b").api
    refused(ask(Holder(user, "g1").register(a="other")))
    assert ask(Holder(user, "g2").register(a="judged")).status_code == 200


@pytest.mark.parametrize("role", ["viewer", "operator", "owner", "risk", "submitter"])
def test_not_without_the_role_of_a_runner(keyed: ApiClient, holder: Hold, someone: Any, role: str) -> None:
    refused(ask(holder("g1", "a"), by=someone("ann", world="alpha", roles=[role])))


def test_a_halted_strategy_can_still_be_flattened(keyed: ApiClient, holder: Hold) -> None:
    client = holder("g1", "a")
    breaker(keyed, engaged=True)
    assert ask(client).status_code == 200
    breaker(keyed, engaged=False)
    state(keyed, "PAUSED")
    assert ask(client).status_code == 200


def test_after_its_demotion_nothing_is_handed_out_any_more(keyed: ApiClient, holder: Hold) -> None:
    client = holder("g1", "a")
    assert go("second", closes=["a"]).phase == "completed"
    refused(ask(client))


def test_a_world_without_credentials_has_none(live: ApiClient, holder: Hold) -> None:
    assert refusal(ask(holder("g1", "a"))) == (404, "E_NOT_FOUND")


def test_who_does_not_say_who_he_is_is_asked(keyed: ApiClient, holder: Hold) -> None:
    client = holder("g1", "a")
    assert pointer(client.api.get(PATH, x_lease_secret=client.secret)) == "?client_id"
    assert refusal(client.api.get(f"{PATH}?client_id=g1")) == (422, "E_VALIDATION")
    assert refusal(client.api.get(f"{PATH}?client_id=%00", x_lease_secret="x")) in {
        (403, "E_FORBIDDEN"),
        (422, "E_VALIDATION"),
    }
