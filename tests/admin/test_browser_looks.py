"""Pages in a real browser at which one only looks: the editor while one writes, the chart under the mouse, widths."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from evaluation.models import EvaluationRun
from tests.admin.conftest import looked_at, make_alpha

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shared(address: str) -> Iterator[str]:
    with looked_at(address, make_alpha) as site:
        yield site


@pytest.fixture
def site(unchanged: str) -> str:
    return unchanged


def run_url() -> str:
    return f"/admin/evaluation/evaluationrun/{EvaluationRun.objects.get(strategy='good').pk}/change/"


def box(shown: Locator) -> FloatRect:
    found = shown.bounding_box()
    assert found is not None
    return found


FAULTY = """version: 1
validation_profiles:
  backtest:
    # two faults at once
    sample: {min_effective_years: 1.0}
    performance: {sharpe_mim: 0.5, max_dd_max: -0.4, gain_to_pain_min: null}
"""


@pytest.mark.parametrize("width", [1280, 800, 500])
def test_no_message_covers_the_text_that_is_to_be_mended(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/admin/worlds/policyversion/add/?world=alpha")
    page.select_option("#id_language", "yaml")
    page.fill("#policy-source", FAULTY)
    page.click("text=Save draft")
    expect(page.locator("#policy-faults")).to_contain_text("Did you mean sharpe_min?")
    expect(page.locator("#policy-notes")).to_contain_text("Did you mean sharpe_min?")
    text, notes = box(page.locator("#policy-source")), box(page.locator("#policy-notes"))
    beside = notes["x"] >= text["x"] + text["width"]
    below = notes["y"] >= text["y"] + text["height"]
    assert beside or below
    assert text["width"] >= 400
    assert (
        page.locator(".q-behind")
        .inner_text()
        .split("\n")[5]
        .strip()
        .startswith("performance: {sharpe_mim: 0.5")
    )
    assert notes["x"] + notes["width"] <= width


def test_many_messages_are_all_reached_by_scrolling(page: Page) -> None:
    page.goto("/admin/worlds/policyversion/add/?world=alpha")
    page.select_option("#id_language", "yaml")
    page.fill("#policy-source", "version: 1\n" + "".join(f"unknown_key_{n}: 1\n" for n in range(60)))
    last = page.locator("#policy-notes .q-note-of-line").last
    expect(last).to_contain_text("unknown key")
    page.locator("#policy-editor").scroll_into_view_if_needed()
    page.evaluate("{ const s = document.getElementById('policy-source'); s.scrollTop = s.scrollHeight; }")
    expect(last).to_be_in_viewport()


def test_the_chart_tells_what_the_mouse_points_at(page: Page) -> None:
    page.goto(run_url())
    chart = page.locator(".q-chart svg")
    expect(chart).to_be_visible()
    expect(chart.locator("path.q-benchmark")).to_have_count(1)
    words = chart.locator(".q-strip text").nth(60)
    expect(words).to_be_hidden()
    chart.locator(".q-strip rect").nth(60).hover()
    expect(words).to_be_visible()
    expect(words).to_contain_text("drawdown")


@pytest.mark.parametrize("width", [1280, 900])
@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/worlds/world/alpha/change/", "/admin/evaluation/evaluationrun/"]
)
def test_no_page_is_wider_than_its_window(page: Page, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


@pytest.mark.parametrize("width", [1280, 800])
@pytest.mark.parametrize("path", ["/admin/audit/auditentry/", "/admin/outbox/outboxevent/"])
def test_details_of_what_happened_are_in_sight(page: Page, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path)
    words = box(page.locator("#result_list .field-says").first)
    assert words["x"] + words["width"] <= width
    assert words["width"] >= 180


def test_the_rules_of_the_only_owner_take_the_whole_row(page: Page) -> None:
    page.goto(run_url())
    rules = page.locator(".q-masonry", has_text="Rules of")
    expect(rules.locator("> section")).to_have_count(1)
    assert box(rules.locator("> section"))["width"] == box(rules)["width"]
