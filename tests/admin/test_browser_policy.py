"""Writing a policy in a real browser: faults while one types, and what it would change before it is published."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.admin.conftest import make_decided, make_root
from tests.admin.editor import mended
from worlds.models import PolicyVersion

pytestmark = pytest.mark.browser


@pytest.fixture
def site(address: str, committed: None) -> str:
    """With a world that has decided: `good` and `other` are to be promoted."""
    make_decided(make_root())
    return address


def test_a_draft_shows_its_impact_before_it_is_published(page: Page) -> None:
    mended(page)
    page.click("text=Save draft")
    panel = page.locator("#impact")
    expect(panel.locator("#impact-bindings")).to_contain_text("short of 99")
    panel.locator("#days").fill("7")
    panel.locator("text=Show").click()
    expect(page.locator("#impact #days")).to_have_value("7")
    expect(page.locator("#impact-runs")).to_contain_text("p2")
    page.locator("a:visible", has_text="Publish").first.click()
    summary = page.locator("#dialog .q-headlines")
    expect(summary).to_contain_text("Promoted")
    expect(summary).to_contain_text("v1: 2")
    assert PolicyVersion.objects.get(state="active").version == 1
    page.fill("#dialog [name=reason]", "seen what it changes")
    page.click("#dialog button[type=submit]")
    expect(page.locator("text=alpha v2 is the active policy")).to_be_visible()
    expect(page.locator("#impact")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 800, 500])
def test_no_page_is_wider_than_its_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    mended(page)
    page.click("text=Work it out")
    expect(page.locator("#impact-runs")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page.click("text=Save draft")
    expect(page.locator("text=is kept as a draft")).to_be_visible()
    expect(page.locator("#impact-runs")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
