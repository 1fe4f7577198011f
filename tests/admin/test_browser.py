"""The same pages in a real browser: one logs in, writes a policy, publishes and changes a state by dialogs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, expect

from tests.admin.conftest import make_alpha, make_root, opened_by
from worlds.models import PolicyVersion, World

pytestmark = pytest.mark.browser


@pytest.fixture
def site(address: str, committed: None) -> str:
    """The address of the service with a committed world in it."""
    make_alpha(make_root())
    return address


def test_one_logs_in_with_a_password_and_comes_to_the_overview(profile: BrowserContext, site: str) -> None:
    User.objects.create_superuser("ann", password="correct horse battery")
    with opened_by(profile, site, "") as page:
        page.goto("/admin/")
        page.fill("[name=username]", "ann")
        page.fill("[name=password]", "wrong horse battery")
        page.click("button[type=submit]")
        expect(page.locator("text=Please enter the correct username and password")).to_be_visible()
        page.fill("[name=username]", "ann")
        page.fill("[name=password]", "correct horse battery")
        page.click("button[type=submit]")
        expect(page.locator("text=Newest runs")).to_be_visible()


def test_a_policy_is_written_and_published_by_a_dialog(page: Page) -> None:
    page.goto("/admin/worlds/policyversion/add/?world=alpha")
    page.select_option("#id_language", "yaml")
    page.fill("#policy-source", "version: 1\nselection: {scor: sharpe}\n")
    expect(page.locator("#policy-notes")).to_contain_text("Did you mean score?")
    expect(page.locator("#policy-faults")).to_contain_text("line 2:13")
    page.fill("#policy-source", "version: 1\nselection: {score: sharpe}\n")
    expect(page.locator("#policy-checked")).to_contain_text("It validates: checksum")
    page.click("text=Save draft")
    expect(page.locator("text=is kept as a draft")).to_be_visible()
    page.click("text=Publish")
    page.fill("#dialog [name=reason]", "a plain start")
    page.click("#dialog button[type=submit]")
    expect(page.locator("text=alpha v2 is the active policy")).to_be_visible()
    assert PolicyVersion.objects.get(state="active").version == 2


def test_a_worlds_state_is_changed_by_a_dialog_that_wants_a_reason(page: Page) -> None:
    page.goto("/admin/worlds/world/alpha/change/")
    page.click("text=Change state")
    page.select_option("#dialog [name=state]", "PAUSED")
    page.click("#dialog button[type=submit]")
    expect(page.locator("#dialog .errors")).to_be_visible()
    assert World.objects.get().state == "ACTIVE"
    page.fill("#dialog [name=reason]", "maintenance")
    page.click("#dialog button[type=submit]")
    expect(page.locator("text=alpha is now paused")).to_be_visible()
    assert World.objects.get().state == "PAUSED"
