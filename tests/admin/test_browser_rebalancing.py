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
from tests.admin.conftest import make_root
from tests.api import ApiClient, results, returns
from tests.conftest import client_of
from tests.decisions.conftest import DECIDES
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
def site(address: str, committed: None) -> str:
    allocate(make_root())
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


def test_a_plan_that_nobody_wants_is_withdrawn(page: Page) -> None:
    api = client_of(User.objects.get())
    api.post("/rebalancing/apply", asked(run_id="r1", shared_account=True))
    page.goto(f"/admin/rebalancing/planrecord/{PlanRecord.objects.get().pk}/change/")
    page.locator("text=Withdraw >> visible=true").first.click()
    expect(page.locator("#dialog")).to_contain_text("can never be executed")
    shot(page, "withdraw_dialog")
    page.fill("#dialog [name=reason]", "the mandate has changed")
    page.click("#dialog button[type=submit]")
    expect(page.get_by_text("It was withdrawn")).to_be_visible()
    expect(page.get_by_text("the mandate has changed")).to_be_visible()
    expect(page.locator("text=Execute >> visible=true")).to_have_count(0)
    for width in (1400, 390):
        page.set_viewport_size({"width": width, "height": 900})
        shot(page, f"withdrawn_{width}")


def test_the_form_says_that_too_much_is_stored_and_takes_the_way_out(page: Page) -> None:
    Allocation.objects.filter(world="alpha").update(allocation="0.9")
    client_of(User.objects.get()).make_world("gamma", policy=None)
    page.goto(f"{OVERVIEW}plan/")
    expect(page.get_by_text("The worlds have 110.00 % of the equity together")).to_be_visible()
    for width in (1400, 390):
        page.set_viewport_size({"width": width, "height": 900})
        shot(page, f"overfull_{width}")
    page.fill("[name=after_0]", "50")
    page.fill("[name=reason]", "too much was given")
    page.click("[name=record]")
    expect(page.locator("text=The plan is recorded.")).to_be_visible()


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


@pytest.mark.parametrize("width", [1400, 1280, 800, 390])
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


@pytest.mark.parametrize("width", [1400, 1280, 390])
def test_no_allocator_is_cut_off(page: Page, width: int) -> None:
    """As of a world with a policy, scores and series: each cell has its risk below it, a method its badge."""
    api = client_of(User.objects.get())
    policy = {**DECIDES, "selection": {**DECIDES["selection"], "weights": {"method": "hrp"}}}
    api.make_world("full", policy=policy, allow_live=True)
    names = [f"volatility-target-of-sector-{number}" for number in range(6)]
    for seed, name in enumerate(names, start=1):
        api.make_strategy(name)
        api.submit("full", name, results(returns(mean=0.002, deviation=0.005 * seed, seed=seed)))
    api.evaluate("full")
    said = {"run_id": "f1", "total_equity": 12_500_000, "world_allocations": {"full": 0.4}, "positions": []}
    assert api.post("/allocations", said).status_code == 201
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{OVERVIEW}full/change/")
    page.goto(str(page.locator("a", has_text="Compare allocators").first.get_attribute("href")))
    expect(page.get_by_text("risk").first).to_be_visible()
    shot(page, f"allocators_{width}")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    hidden = page.evaluate("(t => t.scrollWidth - t.clientWidth)(document.querySelector('.q-scroll'))")
    assert hidden <= 0 or width < 640
    page.get_by_text("Hierarchical risk parity").first.scroll_into_view_if_needed()
    expect(page.get_by_text("Hierarchical risk parity").first).to_be_in_viewport()
    shot(page, f"allocators_{width}_scrolled")


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
