"""Gates and applies in a real browser: close a gate where one sees it, watch an apply go on by itself."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from strategies.domain.plans import Opening
from strategies.models import Activation, Apply
from tests.admin.conftest import make_root
from tests.admin.trading import (
    GATES,
    acknowledge,
    apply_url,
    binding_url,
    drive,
    gate_url,
    go_live,
    hold,
    make_trading,
    request,
)
from tests.conftest import client_of

pytestmark = pytest.mark.browser


@pytest.fixture
def site(address: str, committed: None) -> str:
    """With a world in which `a` is live and its gate is open."""
    make_trading(make_root())
    go_live("a")
    return address


def test_a_gate_is_closed_from_the_list_with_a_reason(page: Page) -> None:
    page.goto(GATES)
    page.get_by_text("Close", exact=True).click()
    expect(page.locator("#dialog")).to_contain_text("positions may still be reduced")
    page.fill("#dialog [name=reason]", "its venue has an outage")
    page.click("#dialog button[type=submit]")
    expect(page.locator("text=The gate of a is closed.")).to_be_visible()
    expect(page.get_by_text("It was told to be closed")).to_be_visible()
    assert not Activation.objects.get().active


def test_an_apply_shows_its_steps_as_they_are_taken(page: Page) -> None:
    api = client_of(User.objects.get())
    lease = hold(api, "runner-1", "b")
    apply = drive(request("two", openings=[Opening("b", 0.5)]))
    page.goto(apply_url(apply))
    expect(page.locator("[aria-current=step]")).to_contain_text("Freeze")
    expect(page.get_by_text("waited for", exact=True)).to_be_visible()
    acknowledge(api, apply, lease)
    drive(apply)
    expect(page.locator("[aria-current=step]")).to_contain_text("Unfreeze")
    acknowledge(api, apply, lease)
    drive(apply)
    expect(page.locator(".q-apply-steps .q-step-done")).to_have_count(5)
    expect(page.get_by_text("acknowledged", exact=True)).to_have_count(2)
    expect(page.locator("#progress")).not_to_have_attribute("hx-trigger", "every 1s")


@pytest.mark.parametrize("width", [1280, 800])
def test_a_live_strategy_is_stopped_by_hand(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(binding_url("a"))
    page.locator("text=Deactivate >> visible=true").first.click()
    expect(page.locator("#dialog")).to_contain_text("may undo this")
    page.fill("#dialog [name=reason]", "asked for by the desk")
    page.click("#dialog button[type=submit]")
    expect(page.locator("#progress")).to_contain_text("becomes inactive")


@pytest.mark.parametrize("width", [1280, 800])
def test_no_page_is_wider_than_its_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    hold(client_of(User.objects.get()), "runner-1", "a")
    for path in (GATES, gate_url("a"), apply_url(Apply.objects.get()), binding_url("a"), "/admin/strategies/apply/",
                 "/admin/strategies/activation/", "/admin/strategies/gateclient/"):  # fmt: skip
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
