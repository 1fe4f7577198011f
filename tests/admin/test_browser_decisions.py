"""The ladder and promotions in a real browser: evaluate now, approve with a reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, expect

from evaluation.models import Decision, Promotion
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role
from qmtl_site.audit.actor import Actor
from tests.admin.conftest import make_decided, make_root, opened_by

pytestmark = pytest.mark.browser

LADDER = "/admin/evaluation/evaluationturn/alpha/change/"


@pytest.fixture
def site(address: str, committed: None) -> str:
    """With a world that has decided, and a risk officer who owns nothing."""
    make_decided(make_root())
    rita = User.objects.create_user("rita", is_staff=True)
    grant_role(user=rita, world_id="alpha", role=Role.RISK, actor=Actor.service("test"))
    return address


@pytest.fixture
def officer(profile: BrowserContext, site: str) -> Iterator[Page]:
    with opened_by(profile, site, "rita") as opened:
        yield opened


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
