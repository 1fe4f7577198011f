"""People in front of the admin pages, and a world with judged runs for them to look at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test import Client
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, Page, expect, sync_playwright

from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role
from qmtl_site.audit.actor import Actor
from strategies.models import Binding
from tests.api import ApiClient, results, returns
from tests.decisions.conftest import DECIDES

PASSWORD = "correct horse battery"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip

Staff = Callable[..., Client]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: needs a real browser")


def browse(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


@pytest.fixture
def boss(superuser: User) -> Client:
    """The admin pages as a superuser."""
    return browse(superuser)


@pytest.fixture
def staff(db: None) -> Staff:
    """`staff("ann", world="alpha", roles=["viewer"])`: the admin pages as somebody with roles in a world."""

    def make(name: str, *, world: str = "alpha", roles: tuple[str, ...] | list[str] = ()) -> Client:
        user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
        for role in roles:
            grant_role(user=user, world_id=world, role=Role(role), actor=Actor.service("test"))
        return browse(user)

    return make


@pytest.fixture
def alpha(root: ApiClient) -> str:
    """A world with a policy and two judged runs: one that passes (`good`), one that fails (`bad`)."""
    root.make_world("alpha", benchmark={"values": returns(seed=9), "start": "2020-01-01", "interval": "1d"})
    for name, record in (("good", returns()), ("bad", returns(mean=-0.001))):
        root.make_strategy(name)
        assert root.submit("alpha", name, results(record)).status_code == 202
    root.evaluate("alpha")
    return "alpha"


# --- a real browser ---------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed after each module: while its loop runs, Django refuses the database to other tests in this thread."""
    if not CHROMIUM.exists():
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(f"CI must have a browser at {CHROMIUM}")
        pytest.skip(f"there is no browser at {CHROMIUM} (apt install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def address(committed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the service with a superuser in it; a module's `site` puts a committed world beside him."""
    # Playwright's loop runs in this thread, and Django would refuse the database beside it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    User.objects.create_superuser("root", password=PASSWORD)
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """Logged in as a superuser. Any error of a script fails the test."""
    with logged_in(browser, site, "root") as opened:
        yield opened


@contextmanager
def logged_in(browser: Browser, site: str, name: str) -> Iterator[Page]:
    context = browser.new_context(base_url=site, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto("/admin/login/")
    opened.fill("[name=username]", name)
    opened.fill("[name=password]", PASSWORD)
    opened.click("button[type=submit]")
    expect(opened.locator("text=Newest runs")).to_be_visible()
    yield opened
    context.close()
    assert errors == []


def told(response: Any) -> list[str]:
    """Messages of the page that a redirect leads to."""
    return [str(message) for message in response.context["messages"]]


@pytest.fixture
def decided(root: ApiClient) -> str:
    """A world that has decided twice: `good` waits for its approval, `twin` is a copy of it, `poor` fails."""
    make_decided(root)
    return "alpha"


def make_decided(api: ApiClient) -> None:
    policy = {
        **DECIDES,
        "selection": {**DECIDES["selection"], "correlation": {"max": 0.8, "window": None}},
        "cohort": {"sharpe_median_min": 99, "mode": "shadow"},
    }
    api.make_world(policy=policy, allow_live=True)
    records = {"good": (0.0020, 1), "twin": (0.0019, 1), "other": (0.0015, 2), "poor": (0.0002, 3)}
    for name, (_, seed) in records.items():
        api.make_strategy(name)
        api.submit("alpha", name, results(returns(seed=seed)), run_id="backtest")
    api.make_strategy("waits")
    api.post("/worlds/alpha/strategies/waits/runs", {"run_id": "r1"})
    api.make_strategy("bad")
    api.submit("alpha", "bad", results(returns(mean=-0.001)))
    api.evaluate("alpha")
    for turn in ("p1", "p2"):
        for name, (mean, seed) in records.items():
            record = results(returns(120, mean=mean, seed=seed))
            assert api.submit("alpha", name, record, run_id=turn, stage="paper").status_code == 202
        api.evaluate("alpha")
        assert api.post("/worlds/alpha/evaluate", {}).status_code == 200
        # As if the counters had last moved in an earlier slot of the schedule.
        Binding.objects.update(last_counted_slot="2020-01-01T00:00:00Z")
