"""Broker settings of a world: everybody sees where orders go, nobody reads the keys again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse

from qmtl_site.audit.models import AuditEntry
from qmtl_site.http.refusals import Unavailable
from tests.api import ApiClient, body
from tests.problem import nothing_written, pointer, refusal
from worlds.models import BrokerSettings
from worlds.services import open_credentials

PATH = "/worlds/alpha/broker"
KEYS = {"apiKey": "key-of-the-desk", "secret": "hunter2-hunter2"}
LIVE: dict[str, Any] = {
    "kind": "ccxt",
    "exchange": "binance",
    "sandbox": True,
    "options": {"defaultType": "spot"},
}


@pytest.fixture
def world(root: ApiClient) -> ApiClient:
    root.make_world(policy=None)
    return root


def put(client: ApiClient, settings: Any, **headers: str) -> HttpResponse:
    return client.call("PUT", PATH, settings, **headers)


def opened() -> dict[str, str]:
    return open_credentials(BrokerSettings.objects.get())


def test_a_world_trades_on_paper_until_it_is_told_otherwise(world: ApiClient) -> None:
    told = body(world.get(PATH))
    assert (told["kind"], told["exchange"], told["credentials"], told["updated_at"]) == (
        "paper",
        None,
        None,
        None,
    )
    assert told == body(world.get("/worlds/alpha"))["broker"]


def test_settings_are_answered_without_the_keys(world: ApiClient) -> None:
    answer = put(world, {**LIVE, "credentials": KEYS})
    assert answer.status_code == 200, answer.content
    told = body(answer)
    assert {name: told[name] for name in LIVE} == LIVE
    assert (told["credentials"]["names"], told["credentials"]["set_by"]) == (["apiKey", "secret"], "root")
    assert opened() == KEYS


def test_the_keys_stand_nowhere_in_the_clear(world: ApiClient, caplog: pytest.LogCaptureFixture) -> None:
    put(world, {**LIVE, "credentials": KEYS})
    world.patch("/worlds/alpha", {"broker": {**LIVE, "credentials": KEYS}})
    world.post("/worlds", {"id": "beta", "broker": {**LIVE, "credentials": KEYS}})
    put(world, {**LIVE, "credentials": {**KEYS, "colour": "red"}})
    answers = [world.get(path) for path in (PATH, "/worlds", "/worlds/alpha", "/worlds/alpha/audit")]
    rows = BrokerSettings.objects.values_list(
        "sealed_credentials", "options", "credential_names", "credentials_fingerprint"
    )
    everything = [
        *(answer.content.decode() for answer in answers),
        *AuditEntry.objects.values_list("details", flat=True),
        world.get("/worlds/alpha/events?limit=500").content.decode(),
        *(str([bytes(row[0]), *row[1:]]) for row in rows),
        caplog.text,
    ]
    for secret in KEYS.values():
        assert not [text for text in everything if secret in text]


def test_the_keys_of_two_worlds_are_sealed_apart(world: ApiClient) -> None:
    world.make_world("beta", policy=None, broker={**LIVE, "credentials": KEYS})
    put(world, {**LIVE, "credentials": {"apiKey": "other"}})
    stolen = BrokerSettings.objects.get(world="beta").sealed_credentials
    BrokerSettings.objects.filter(world="alpha").update(sealed_credentials=stolen)
    with pytest.raises(Unavailable, match="another world"):
        open_credentials(BrokerSettings.objects.get(world="alpha"))


def test_keys_that_are_not_sent_stay(world: ApiClient) -> None:
    put(world, {**LIVE, "credentials": KEYS})
    assert put(world, {**LIVE, "options": {}}).status_code == 200
    assert opened() == KEYS


@pytest.mark.parametrize("change", [{"exchange": "kraken"}, {"sandbox": False}])
def test_keys_do_not_wander_to_another_exchange(world: ApiClient, change: dict[str, Any]) -> None:
    put(world, {**LIVE, "credentials": KEYS})
    with nothing_written():
        answer = put(world, {**LIVE, **change})
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "/credentials")
    assert put(world, {**LIVE, **change, "credentials": {"apiKey": "new"}}).status_code == 200
    assert opened() == {"apiKey": "new"}


def test_null_forgets_the_keys(world: ApiClient) -> None:
    put(world, {**LIVE, "credentials": KEYS})
    assert body(put(world, {**LIVE, "credentials": None}))["credentials"] is None
    assert BrokerSettings.objects.get().sealed_credentials is None


def test_back_to_paper_forgets_them_only_when_told(world: ApiClient) -> None:
    put(world, {**LIVE, "credentials": KEYS})
    assert refusal(put(world, {"kind": "paper"})) == (422, "E_VALIDATION")
    assert body(put(world, {"kind": "paper", "credentials": None}))["kind"] == "paper"


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({}, "/kind"),
        ({"kind": "fix"}, "/kind"),
        ({"kind": "ccxt"}, ""),
        ({"kind": "paper", "exchange": "binance"}, ""),
        ({"kind": "paper", "credentials": KEYS}, ""),
        ({"kind": "ccxt", "exchange": "Binance!"}, "/exchange"),
        ({**LIVE, "options": {"apiKey": "x"}}, ""),
        ({**LIVE, "options": {"a b": "x"}}, "/options/a b"),
        ({**LIVE, "credentials": {}}, "/credentials"),
        ({**LIVE, "credentials": {"apiKey": ""}}, "/credentials/apiKey"),
        ({**LIVE, "credentials": {"apiKey": 7}}, "/credentials/apiKey"),
        ({**LIVE, "credentials": {"colour": "red"}}, "/credentials/colour"),
        ({**LIVE, "paper": {"taker_bps": -1}}, "/paper/taker_bps"),
        ({**LIVE, "paper": {"participation": 0}}, "/paper/participation"),
        ({**LIVE, "leverage": 3}, "/leverage"),
    ],
    ids=str,
)
def test_odd_settings_are_refused(world: ApiClient, given: Any, place: str) -> None:
    with nothing_written():
        answer = put(world, given)
    assert refusal(answer) == (422, "E_VALIDATION")
    assert pointer(answer).startswith(place)


@pytest.mark.parametrize("given", [[], "x", None])
def test_what_is_no_object_is_refused(world: ApiClient, given: Any) -> None:
    assert put(world, given).status_code in {400, 422}


def test_who_read_old_settings_does_not_overwrite_new_ones(world: ApiClient) -> None:
    assert put(world, LIVE, if_match='"0"').status_code == 200
    etag = world.get(PATH)["ETag"]
    assert put(world, LIVE, if_match=etag).status_code == 200
    assert refusal(put(world, LIVE, if_match=etag)) == (412, "E_PRECONDITION")


def test_the_owner_sets_them_and_everybody_in_the_world_sees_them(
    world: ApiClient, someone: Callable[..., ApiClient]
) -> None:
    for role in ("viewer", "runner", "operator", "risk", "submitter"):
        client = someone(role, world="alpha", roles=[role])
        assert (client.get(PATH).status_code, put(client, LIVE).status_code) == (200, 403)
    assert put(someone("ann", world="alpha", roles=["owner"]), LIVE).status_code == 200
    assert someone("bob").get(PATH).status_code == 404


def test_a_retired_world_keeps_its_settings(world: ApiClient) -> None:
    world.delete("/worlds/alpha")
    assert refusal(put(world, LIVE)) == (409, "E_WORLD_RETIRED")


def test_setting_them_is_one_act_and_one_event(world: ApiClient) -> None:
    put(world, {**LIVE, "credentials": KEYS})
    assert AuditEntry.objects.filter(action="broker.set").count() == 1
    told = body(world.get("/worlds/alpha/events?limit=500"))["events"]
    assert [each["data"]["fields"] for each in told if each["type"] == "world.updated"] == [["broker"]]


def test_without_a_key_no_credentials_are_kept(world: ApiClient, settings: Any) -> None:
    settings.CREDENTIALS_KEYS = []
    with nothing_written():
        answer = put(world, {**LIVE, "credentials": KEYS})
    assert refusal(answer) == (503, "E_UNAVAILABLE")
    assert put(world, LIVE).status_code == 200


def test_keys_are_rotated_and_the_former_one_can_go(
    world: ApiClient, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.CREDENTIALS_KEYS = ["old"]
    put(world, {**LIVE, "credentials": KEYS})
    settings.CREDENTIALS_KEYS = ["new", "old"]
    assert opened() == KEYS
    call_command("rotate_credentials")
    assert "1 worlds: alpha" in capsys.readouterr().out
    settings.CREDENTIALS_KEYS = ["new"]
    assert opened() == KEYS
    assert AuditEntry.objects.filter(action="broker.rotate").count() == 1


def test_with_a_lost_key_nothing_is_rotated_and_nothing_guessed(world: ApiClient, settings: Any) -> None:
    settings.CREDENTIALS_KEYS = ["old"]
    put(world, {**LIVE, "credentials": KEYS})
    settings.CREDENTIALS_KEYS = ["new"]
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("rotate_credentials")
    with pytest.raises(Unavailable, match="another QMTL_CREDENTIALS_KEY"):
        opened()
