"""The ladder, decisions and promotions in a real browser: evaluate now, approve, open an explanation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from evaluation.models import Decision, Promotion
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role
from qmtl_site.audit.actor import Actor
from tests.admin.conftest import PASSWORD, logged_in, make_decided
from tests.conftest import client_of

pytestmark = pytest.mark.browser

LADDER = "/admin/evaluation/evaluationturn/alpha/change/"


@pytest.fixture
def site(address: str) -> str:
    """With a world that has decided, and a risk officer who owns nothing."""
    make_decided(client_of(User.objects.get()))
    rita = User.objects.create_user("rita", password=PASSWORD, is_staff=True)
    grant_role(user=rita, world_id="alpha", role=Role.RISK, actor=Actor.service("test"))
    return address


@pytest.fixture
def officer(browser: Browser, site: str) -> Iterator[Page]:
    with logged_in(browser, site, "rita") as opened:
        yield opened


def newest() -> int:
    return Decision.objects.order_by("-number")[0].pk


@pytest.mark.parametrize("width", [1280, 800])
def test_a_world_is_evaluated_now_by_a_dialog(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(LADDER)
    page.locator("text=Evaluate now >> visible=true").click()
    expect(page.locator("#dialog")).to_contain_text("asking again promotes nobody")
    page.click("#dialog button[type=submit]")
    expect(page.locator("text=Evaluated: 2 to promote (good, other)")).to_be_visible()
    assert Decision.objects.count() == 3


def test_a_promotion_is_approved_with_a_reason(officer: Page) -> None:
    officer.goto(LADDER)
    officer.locator("#s-good").get_by_text("The promotion").click()
    officer.click("text=Approve")
    officer.click("#dialog button[type=submit]")
    expect(officer.locator("#dialog .errors")).to_be_visible()
    officer.fill("#dialog [name=reason]", "looked at its record")
    officer.click("#dialog button[type=submit]")
    expect(officer.locator("text=The promotion of good in alpha is approved.")).to_be_visible()
    assert Promotion.objects.get(strategy_id="good").state == "approved"


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
