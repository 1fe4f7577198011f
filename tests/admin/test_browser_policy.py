"""Writing a policy in a real browser: faults while one types, and what it would change before it is published."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.admin.conftest import make_decided
from tests.conftest import client_of
from worlds.models import PolicyVersion

pytestmark = pytest.mark.browser

EDITOR = "/admin/worlds/policyversion/add/?world=alpha"
# Nobody has such a Sharpe ratio: who was to be promoted is not.
TEXT = """version: 1
validation_profiles:
  backtest:
    performance: {sharpe_mim: 0.5, max_dd_max: 0.4, gain_to_pain_min: null}
  paper:
    performance: {sharpe_min: 99, max_dd_max: 0.4, gain_to_pain_min: null}
selection: {gates: "sharpe >= 99"}
"""


@pytest.fixture
def site(address: str) -> str:
    """With a world that has decided: `good` and `other` are to be promoted."""
    make_decided(client_of(User.objects.get()))
    return address


def mended(page: Page) -> None:
    page.goto(EDITOR)
    page.select_option("#id_language", "yaml")
    page.fill("#policy-source", TEXT.replace("sharpe_mim", "sharpe_min"))
    expect(page.locator("#policy-checked")).to_contain_text("It validates: checksum")


def test_a_fault_is_told_at_its_line_while_one_types(page: Page) -> None:
    page.goto(EDITOR)
    page.select_option("#id_language", "yaml")
    page.fill("#policy-source", "")
    page.locator("#policy-source").press_sequentially("version: 1\nselecton: {}\n")
    note = page.locator("#policy-notes .q-note-of-line")
    expect(note).to_have_text("2 unknown key. Did you mean selection?")
    numbers, told = page.locator("#policy-gutter div").nth(1).bounding_box(), note.bounding_box()
    assert numbers is not None
    assert told is not None
    assert abs(numbers["y"] - told["y"]) <= 2
    expect(page.locator("#policy-checked")).to_have_text("1 to mend")
    assert PolicyVersion.objects.count() == 1
    page.fill("#policy-source", "version: 1\nselection: {}\n")
    expect(page.locator("#policy-checked")).to_contain_text("It validates: checksum")
    expect(note).to_have_count(0)
    expect(page.locator("#policy-faults-card")).to_be_hidden()


def test_a_text_does_not_jump_when_a_fault_comes(page: Page) -> None:
    mended(page)
    before = page.locator("#policy-source").bounding_box()
    page.fill("#policy-source", TEXT)
    expect(page.locator("#policy-faults")).to_contain_text("Did you mean sharpe_min?")
    after = page.locator("#policy-source").bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] == before["y"]


def test_what_a_text_would_change_is_told_before_it_is_kept(page: Page) -> None:
    mended(page)
    page.fill("#impact-days", "30")
    page.click("text=Work it out")
    answer = page.locator("#impact")
    expect(answer.locator("#impact-bindings")).to_contain_text("not promoted any more")
    expect(answer).to_contain_text("Runs judged in the last 30 days.")
    assert PolicyVersion.objects.count() == 1
    page.locator("#policy-source").press_sequentially("# more")
    expect(answer).to_have_class("q-outdated")
    page.click("text=Work it out")
    expect(answer).not_to_have_class("q-outdated")


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


def test_a_check_that_fails_says_so_and_nothing_is_taken_for_valid(page: Page) -> None:
    page.goto(EDITOR)
    page.route("**/check/", lambda route: route.abort())
    page.fill("#policy-source", "version: 1\n")
    said = page.locator("#policy-checked")
    expect(said).to_have_text(
        "It could not be checked: the server does not answer. Saving checks it as well."
    )
    page.unroute("**/check/")
    page.context.clear_cookies(name="sessionid")
    page.fill("#policy-source", "version: 1\n\n")
    expect(said).to_contain_text("It could not be checked")
    expect(said).not_to_contain_text("does not answer")


def test_an_impact_that_cannot_be_worked_out_says_so(page: Page) -> None:
    mended(page)
    page.route("**/impact/", lambda route: route.fulfill(status=502, body="bad gateway"))
    page.click("text=Work it out")
    expect(page.locator("#text-impact")).to_have_text("There is no answer: the server failed or is away.")


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
