"""Pages of nodes, fills and brokers: what runners report is seen, errors are reset, keys go in and never out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from qmtl_site.audit.models import AuditEntry
from strategies.models import Binding, Fill, Node
from tests.admin.conftest import Staff, told
from tests.admin.trading import REASON, go_live, make_trading
from tests.api import ApiClient, body
from tests.kept import Keep
from tests.strategies.executing import fill, node
from worlds.models import BrokerSettings
from worlds.services import open_credentials

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]

WORLD = "/admin/worlds/world/alpha"
BROKER = f"{WORLD}/broker/"
SETTINGS: dict[str, Any] = {
    "kind": "ccxt",
    "exchange": "kraken",
    "options": '{"defaultType": "spot"}',
    "taker_bps": "2.5",
    "slippage_bps": "1",
    "api_key": "key-of-the-desk",
    "secret": "hunter2-hunter2",
    "reason": "new account",
    "revision": "0",
}


@pytest.fixture(scope="module")
def live(keep: Keep) -> None:
    """`a` is live, and has reported nothing yet."""
    with keep("live") as root:
        make_trading(root)
        go_live("a")


@pytest.fixture
def trading(root: ApiClient, live: None) -> ApiClient:
    """One of the nodes of `a` is in error; it has filled something."""
    report(root, "a")
    return root


def report(api: ApiClient, name: str, count: int = 1) -> None:
    path = f"/worlds/alpha/strategies/{name}"
    nodes = [node("prices", "pre_warmup", period=61, received=7)]
    nodes += [node(f"weights-{number}", "error") for number in range(count)]
    assert api.call("PUT", f"{path}/nodes", {"nodes": nodes}).status_code == 200
    fills = [fill(f"{name}{number}") for number in range(count)]
    assert api.post(f"{path}/fills", fills).status_code == 202


def page_of(name: str) -> str:
    return f"/admin/strategies/binding/{Binding.objects.get(strategy=name).pk}/change/"


def node_url(door: str = "change") -> str:
    return f"/admin/strategies/node/{Node.objects.get(state='error').pk}/{door}/"


def test_the_world_says_which_nodes_keep_its_strategies_from_trading(
    boss: Client, trading: ApiClient
) -> None:
    text = boss.get(f"{WORLD}/change/").content.decode()
    for words in ("Nodes in error", "weights-0", "ZeroDivisionError", "Newest fills", "BTC/USDT"):
        assert words in text


def test_where_all_is_well_it_says_nothing(boss: Client) -> None:
    text = boss.get(f"{WORLD}/change/").content.decode()
    assert "Nodes in error" not in text
    assert "Newest fills" not in text


def test_a_strategys_page_shows_its_nodes_and_fills(boss: Client, trading: ApiClient) -> None:
    text = boss.get(page_of("a")).content.decode()
    for words in ("Its nodes", "7 of 61", "compute-only", "0.123456789012345678", "64000.5", "-0.01"):
        assert words in text


def test_an_operator_resets_a_node_and_the_gate_opens(staff: Staff, trading: ApiClient) -> None:
    activation = "/worlds/alpha/activation?strategy_id=a"
    assert body(trading.get(activation))["effective_mode"] == "compute-only"
    page = staff("olga", roles=["operator"]).post(node_url("reset"), REASON, follow=True)
    assert told(page) == ["weights-0 is reset."]
    assert body(trading.get(activation))["active"]
    entry = AuditEntry.objects.filter(action="node.reset").get()
    assert (entry.actor, REASON["reason"] in entry.details) == ("olga", True)


def test_a_viewer_sees_and_cannot_reset(staff: Staff, trading: ApiClient) -> None:
    client = staff("vic", roles=["viewer"])
    assert client.get(node_url()).status_code == 200
    assert client.post(node_url("reset"), REASON).status_code == 403
    assert Node.objects.filter(state="error").exists()


def test_what_is_not_in_error_has_no_door(boss: Client, trading: ApiClient) -> None:
    healthy = Node.objects.exclude(state="error").get()
    page = boss.get(f"/admin/strategies/node/{healthy.pk}/change/")
    assert "/reset" not in page.content.decode()
    late = boss.post(f"/admin/strategies/node/{healthy.pk}/reset/", REASON, follow=True)
    assert "E_ILLEGAL_TRANSITION" in told(late)[0]


@pytest.mark.parametrize("path", ["node", "fill"])
def test_without_a_role_nothing_is_seen(staff: Staff, trading: ApiClient, path: str) -> None:
    trading.make_world("beta")
    assert staff("nobody").get(f"/admin/strategies/{path}/").status_code == 403
    other = staff("vic", world="beta", roles=["viewer"])
    assert list(other.get(f"/admin/strategies/{path}/").context["cl"].queryset) == []


def test_a_fill_has_a_page_that_changes_nothing(boss: Client, trading: ApiClient) -> None:
    url = f"/admin/strategies/fill/{Fill.objects.get().pk}/change/"
    assert "64000.5" in boss.get(url).content.decode()
    assert boss.post(url, {"qty": "9"}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/admin/strategies/node/", "/admin/strategies/fill/", f"{WORLD}/change/", "binding"]
)
def test_more_rows_cost_no_more_queries(boss: Client, trading: ApiClient, path: str) -> None:
    path = page_of("a") if path == "binding" else path
    with CaptureQueriesContext(connection) as few:
        boss.get(path)
    report(trading, "a", 30)
    report(trading, "b", 5)
    with CaptureQueriesContext(connection) as many:
        boss.get(path)
    assert len(many) <= len(few)


# --- the broker -------------------------------------------------------------------------------------------
def test_an_owner_sets_the_broker(staff: Staff, root: ApiClient) -> None:
    page = staff("ann", roles=["owner"]).post(BROKER, SETTINGS, follow=True)
    assert told(page) == ["The broker is set."]
    told_api = body(root.get("/worlds/alpha/broker"))
    assert (told_api["exchange"], told_api["options"]) == ("kraken", {"defaultType": "spot"})
    assert told_api["paper"]["taker_bps"] == "2.5"
    assert open_credentials(BrokerSettings.objects.get()) == {
        "apiKey": "key-of-the-desk",
        "secret": "hunter2-hunter2",
    }
    entry = AuditEntry.objects.filter(action="broker.set").get()
    assert (entry.actor, "new account" in entry.details) == ("ann", True)


def test_keys_are_shown_nowhere_not_even_in_a_form_that_is_refused(boss: Client) -> None:
    refused = boss.post(BROKER, {**SETTINGS, "exchange": "No Such!"})
    boss.post(BROKER, SETTINGS)
    pages = [refused, boss.get(f"{WORLD}/change/"), boss.get(BROKER)]
    for page in pages:
        assert page.status_code == 200
        for key in ("api_key", "secret"):
            assert SETTINGS[key] not in page.content.decode()
    assert "apiKey, secret" in pages[1].content.decode()


def test_empty_keys_stay_and_the_switch_forgets_them(boss: Client) -> None:
    boss.post(BROKER, SETTINGS)
    later = {**SETTINGS, "api_key": "", "secret": "", "revision": "1"}
    boss.post(BROKER, later)
    assert BrokerSettings.objects.get().sealed_credentials is not None
    boss.post(BROKER, {**later, "forget": "on", "revision": "2"})
    assert BrokerSettings.objects.get().sealed_credentials is None


@pytest.mark.parametrize(
    "change",
    [
        {"options": "{"},
        {"options": "[1]"},
        {"options": '{"secret": "x"}'},
        {"exchange": ""},
        {"taker_bps": "-1"},
        {"reason": ""},
        {"revision": "7"},
    ],
    ids=str,
)
def test_an_odd_form_changes_nothing(boss: Client, change: dict[str, str]) -> None:
    assert boss.post(BROKER, {**SETTINGS, **change}).status_code == 200
    assert not BrokerSettings.objects.exists()


def test_only_owners_set_it(staff: Staff) -> None:
    for role in ("viewer", "operator", "risk", "runner"):
        assert staff(role, roles=[role]).post(BROKER, SETTINGS).status_code == 403
    assert not BrokerSettings.objects.exists()
