"""Nodes, fills and brokers in a real browser: an error is reset by a dialog, keys are typed and not shown again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from strategies.models import Node
from tests.admin.conftest import make_root
from tests.admin.trading import go_live, make_trading
from tests.api import ApiClient
from tests.strategies.executing import fill, node
from worlds.models import BrokerSettings

pytestmark = pytest.mark.browser


@pytest.fixture
def site(address: str, committed: None) -> str:
    """The address of the service with a world that trades, one of whose strategies has a node in error."""
    make_site(make_root())
    return address


def make_site(api: ApiClient) -> None:
    make_trading(api)
    go_live("a")
    path = "/worlds/alpha/strategies/a"
    nodes = [
        node("prices", "active", period=61, received=61),
        node("weights", "error", error="ZeroDivisionError: division by zero\n  in compute, line 12"),
        node("slow_trend", "pre_warmup", period=250, received=61),
    ]
    assert api.call("PUT", f"{path}/nodes", {"nodes": nodes}).status_code == 200
    fills = [
        fill("f1", mode="live"),
        fill("f2", side="sell", symbol="ETH/USDT", qty="3", price="3120.25", fee="0", mode="live"),
        fill("f3", symbol="SPY", venue=None, qty="150", price="512.07", fee="0.75"),
    ]
    assert api.post(f"{path}/fills", fills).status_code == 202


def test_a_node_is_reset_from_the_worlds_page(page: Page) -> None:
    page.goto("/admin/worlds/world/alpha/change/")
    expect(page.locator("text=Nodes in error")).to_be_visible()
    page.click("a.q-row-door:has-text('Reset')")
    page.fill("#dialog [name=reason]", "fixed the data")
    page.click("#dialog button[type=submit]")
    expect(page.locator("text=weights is reset.")).to_be_visible()
    assert not Node.objects.filter(state="error").exists()


def test_a_broker_is_set_and_its_keys_are_not_shown_again(page: Page) -> None:
    page.goto("/admin/worlds/world/alpha/change/")
    page.click("a:has-text('Broker') >> nth=0")
    page.select_option("#id_kind", "ccxt")
    page.fill("#id_exchange", "kraken")
    page.fill("#id_api_key", "key-of-the-desk")
    page.fill("#id_secret", "hunter2-hunter2")
    page.fill("#id_reason", "a new account")
    page.click("text=Save")
    expect(page.locator("text=The broker is set.")).to_be_visible()
    expect(page.locator("text=apiKey, secret")).to_be_visible()
    assert "hunter2" not in page.content()
    assert BrokerSettings.objects.get().exchange == "kraken"
