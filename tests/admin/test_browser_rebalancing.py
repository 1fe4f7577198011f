"""Allocations in a real browser: ten percent move from one world to another, are planned, recorded and executed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from qmtl_site.audit.actor import Actor
from qmtl_site.http.documents import dump
from rebalancing import services
from rebalancing.models import Allocation, PlanRecord, Proposal
from rebalancing.schemas import PlanRequest
from tests.activation.acting import breaker
from tests.api import ApiClient
from tests.conftest import client_of
from tests.rebalancing.conftest import asked, bind

pytestmark = pytest.mark.browser
OVERVIEW = "/admin/rebalancing/allocation/"
SHOTS = os.environ.get("QMTL_TEST_SHOTS")


def allocate(api: ApiClient) -> None:
    for world, names in (("alpha", ["mom", "rev"]), ("beta", ["carry"])):
        api.make_world(world, policy=None)
        bind(api, world, *names)
    said = {
        "run_id": "a1",
        "total_equity": 100_000,
        "world_allocations": {"alpha": 0.3, "beta": 0.2},
        "strategy_alloc_after_total": {"alpha": {"mom": 0.2, "rev": 0.1}},
        "positions": asked()["positions"],
        "reason": "the desk's first word",
    }
    assert api.post("/allocations", said).status_code == 201


@pytest.fixture
def site(address: str) -> str:
    allocate(client_of(User.objects.get()))
    return address


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def test_ten_percent_move_from_one_world_to_another(page: Page) -> None:
    page.goto(OVERVIEW)
    shot(page, "overview")
    page.get_by_text("Plan a rebalancing").click()
    page.fill("[name=after_0]", "20")
    page.fill("[name=after_1]", "30")
    page.locator("[name=shared_account]").check(force=True)
    page.click("[name=show]")
    expect(page.get_by_text("What netting saves")).to_be_visible()
    expect(page.get_by_text("strategies trade with each other")).to_be_visible()
    shot(page, "form")
    page.fill("[name=reason]", "monthly, agreed on Monday")
    page.click("[name=record]")
    expect(page.locator("text=The plan is recorded.")).to_be_visible()
    shot(page, "planned")
    page.locator("text=Execute >> visible=true").first.click()
    expect(page.locator("#dialog")).to_contain_text("Reductions come first")
    page.fill("#dialog [name=reason]", "now")
    page.click("#dialog button[type=submit]")
    expect(page.get_by_text("The positions meet the plan", exact=True)).to_be_visible()
    shot(page, "executed")
    assert [float(row.allocation) for row in Allocation.objects.order_by("world_id")] == [0.2, 0.3]
    page.goto(f"{OVERVIEW}alpha/change/")
    shot(page, "allocation")
    page.goto("/admin/rebalancing/planrecord/")
    shot(page, "history")
    page.goto("/admin/worlds/world/alpha/change/")
    expect(page.get_by_text("Its rebalancings")).to_be_visible()


def test_an_execution_is_cancelled_with_a_reason(page: Page) -> None:
    api = client_of(User.objects.get())
    wanted = {
        "world_alloc_before": {"alpha": 0.2, "beta": 0.3},
        "world_alloc_after": {"alpha": 0.3, "beta": 0.2},
    }
    for run_id in ("r1", "r2"):
        api.post("/rebalancing/apply", asked(run_id=run_id, **wanted))
    breaker(api, engaged=True)
    api.post("/rebalancing/execute", {"run_id": "r1"})
    first, second = (PlanRecord.objects.get(run_id=name).pk for name in ("r1", "r2"))
    page.goto(f"/admin/rebalancing/planrecord/{second}/change/")
    expect(page.get_by_text("r1 is being executed in alpha")).to_be_visible()
    shot(page, "hindered")
    page.goto(f"/admin/rebalancing/planrecord/{first}/change/")
    shot(page, "running")
    page.locator("text=End execution >> visible=true").first.click()
    expect(page.locator("#dialog")).to_contain_text("Nothing more is sent")
    shot(page, "cancel_dialog")
    page.fill("#dialog [name=reason]", "the desk has closed")
    page.click("#dialog button[type=submit]")
    expect(page.get_by_text("It was cancelled")).to_be_visible()
    expect(page.get_by_text("cancelled: the desk has closed").first).to_be_visible()
    shot(page, "cancelled")
    page.goto("/admin/rebalancing/planrecord/")
    shot(page, "history_cancelled")


def test_a_proposal_is_looked_at_and_recorded(page: Page) -> None:
    propose()
    page.goto("/admin/rebalancing/proposal/")
    shot(page, "proposals")
    page.locator("#result_list a, .result-list a, table a").get_by_text("alpha").first.click()
    expect(page.get_by_text("Nobody has approved it")).to_be_visible()
    expect(page.get_by_text("What netting saves")).to_be_visible()
    shot(page, "proposal")
    page.locator("text=Record as a plan >> visible=true").first.click()
    page.fill("#dialog [name=reason]", "as proposed")
    page.click("#dialog button[type=submit]")
    expect(page.locator("text=The plan is recorded.")).to_be_visible()
    assert PlanRecord.objects.get().reason == "as proposed"


def propose() -> None:
    """As an apply would, that leaves `mom` alone with three quarters of what the world has."""
    request = services.request_for("alpha", {"mom": 0.75})
    assert request is not None
    answer = services.plan_answer(asked=PlanRequest.model_validate(request), actor=Actor.service("test"))
    told = {"request": dump(request).decode(), "answer": dump(answer).decode(), "created_at": timezone.now()}
    Proposal(world_id="alpha", origin="promotion", cause="apply-20260101-1", **told).save()


@pytest.mark.parametrize("width", [1280, 800])
def test_no_page_is_wider_than_its_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    client_of(User.objects.get()).post("/rebalancing/apply", asked(run_id="r1"))
    key = PlanRecord.objects.get().pk
    propose()
    proposal = Proposal.objects.get().pk
    page.goto(f"{OVERVIEW}alpha/change/")
    allocators = page.locator("a", has_text="Compare allocators").first.get_attribute("href")
    paths = (OVERVIEW, f"{OVERVIEW}plan/", f"{OVERVIEW}alpha/change/", "/admin/rebalancing/planrecord/",
             f"/admin/rebalancing/planrecord/{key}/change/", "/admin/rebalancing/proposal/",
             f"/admin/rebalancing/proposal/{proposal}/change/", str(allocators))  # fmt: skip
    for path in paths:
        page.goto(path)
        shot(page, f"{width}{path.replace('/', '_')}")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path


def test_a_plan_is_made_from_the_weights_of_an_allocator(page: Page) -> None:
    page.goto(f"{OVERVIEW}alpha/change/")
    page.locator("text=Compare allocators >> visible=true").first.click()
    expect(page.get_by_text("Hierarchical risk parity").first).to_be_visible()
    shot(page, "allocators")
    page.check("[value=equal]")
    page.fill("[name=reason]", "half and half")
    page.get_by_text("Record a plan to the chosen weights").click()
    expect(page.locator("text=The plan is recorded.")).to_be_visible()
    assert PlanRecord.objects.get().reason == "Equal: half and half"
