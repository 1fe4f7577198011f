"""A world that has decided, in a real browser: explanations, and a policy that is written and not kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from evaluation.models import Decision, Promotion
from tests.admin.conftest import looked_at, make_decided
from tests.admin.editor import EDITOR, TEXT, mended
from worlds.models import PolicyVersion

pytestmark = pytest.mark.browser

LADDER = "/admin/evaluation/evaluationturn/alpha/change/"


@pytest.fixture(scope="module")
def shared(address: str) -> Iterator[str]:
    with looked_at(address, make_decided) as site:
        yield site


@pytest.fixture
def site(unchanged: str) -> str:
    return unchanged


def newest() -> int:
    return Decision.objects.order_by("-number")[0].pk


# --- decisions --------------------------------------------------------------------------------------------
def test_an_explanation_is_one_click_away(page: Page) -> None:
    page.goto(f"/admin/evaluation/decision/{newest()}/change/")
    twin = page.locator("#c-twin")
    expect(twin.locator(".q-trace")).to_be_hidden()
    twin.locator("summary").click()
    expect(twin.locator(".q-trace")).to_be_visible()
    expect(twin.locator(".q-trace")).to_contain_text("correlation 1.00 with good")


def test_the_ladder_leads_to_the_explanation_of_a_strategy(page: Page) -> None:
    page.goto(LADDER)
    page.locator("#s-poor").get_by_text("Why").click()
    expect(page.locator("#c-poor .q-trace")).to_be_visible()
    expect(page.locator("#c-twin")).to_have_count(0)


def test_the_correlations_come_when_one_scrolls_to_them(page: Page) -> None:
    page.goto(f"/admin/evaluation/decision/{newest()}/change/")
    page.locator("text=Correlations of the candidates").scroll_into_view_if_needed()
    page.mouse.wheel(0, 5000)
    heat = page.locator("svg.q-heat[role=img]")
    expect(heat).to_be_visible()
    expect(heat.locator("rect.q-above")).to_have_count(2)


def test_a_replay_says_identical(page: Page) -> None:
    page.goto(f"/admin/evaluation/decision/{newest()}/change/")
    page.click("text=Replay")
    expect(page.locator("text=Replayed: identical")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 800])
def test_no_page_is_wider_than_its_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    promotion = Promotion.objects.first()
    assert promotion is not None
    for path in (
        LADDER,
        f"/admin/evaluation/decision/{newest()}/change/",
        f"/admin/evaluation/decision/{newest()}/correlations/",
        f"/admin/evaluation/promotion/{promotion.pk}/change/",
        "/admin/worlds/world/alpha/change/",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path


# --- the policy's editor ----------------------------------------------------------------------------------
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
