"""People in front of the admin pages, and a world with judged runs for them to look at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test import Client
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role
from qmtl_site.audit.actor import Actor
from strategies.models import Binding
from tests.api import ApiClient, results, returns
from tests.conftest import client_of, empty_database
from tests.decisions.conftest import DECIDES
from tests.kept import TEST_DATABASE, Keep, work_in
from tests.problem import nothing_written

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


def make_root() -> ApiClient:
    """The API as a new superuser. Nobody types his password."""
    return client_of(User.objects.create_superuser("root"))


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


def told(response: Any) -> list[str]:
    """Messages of the page that a redirect leads to."""
    return [str(message) for message in response.context["messages"]]


# --- worlds that tests begin with ----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def alpha(keep: Keep) -> str:
    """A world with a policy and two judged runs: one that passes (`good`), one that fails (`bad`)."""
    with keep("alpha") as root:
        make_alpha(root)
    return "alpha"


def make_alpha(api: ApiClient) -> None:
    api.make_world("alpha", benchmark={"values": returns(seed=9), "start": "2020-01-01", "interval": "1d"})
    for name, record in (("good", returns()), ("bad", returns(mean=-0.001))):
        api.make_strategy(name)
        assert api.submit("alpha", name, results(record)).status_code == 202
    api.evaluate("alpha")


@pytest.fixture(scope="module")
def decided(keep: Keep) -> str:
    """A world that has decided twice: `good` waits for its approval, `twin` is a copy of it, `poor` fails."""
    with keep("decided") as root:
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


# --- a real browser ---------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def browser(django_db_setup: None, django_db_blocker: Any) -> Iterator[Browser]:
    """Closed after each module: while its loop runs, Django refuses the database to other tests in this thread.

    In its module the database is open to all threads, and what is written is committed. No rows are kept (see
    tests/kept.py): the service's threads stay connected to one database.
    """
    if not CHROMIUM.exists():
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(f"CI must have a browser at {CHROMIUM}")
        pytest.skip(f"there is no browser at {CHROMIUM} (apt install chromium)")
    with (
        pytest.MonkeyPatch.context() as patch,
        django_db_blocker.unblock(),
        sync_playwright() as playwright,
    ):
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(browser: Browser) -> Iterator[str]:
    """The address of the service; a module's `site` puts a committed world into it."""
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()


@contextmanager
def looked_at(address: str, build: Callable[[ApiClient], object]) -> Iterator[str]:
    """The service with a committed world that the tests of a module share: none may change it."""
    work_in(TEST_DATABASE)
    try:
        build(make_root())
        yield address
    finally:
        empty_database()


@pytest.fixture
def unchanged(shared: str) -> Iterator[str]:
    """The address of the service with a world that all tests of a module share, its `shared`: none may change it."""
    with nothing_written():
        yield shared


@pytest.fixture(scope="module")
def profile(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """What the tests of a module share in the browser: styles, scripts and fonts that it has fetched and, by a page
    that stays open, the process that has them at hand. Without, a test's first page takes twice as long."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.new_page().goto("/static/qmtl/icon.svg")
    yield context
    context.close()


@pytest.fixture
def page(profile: BrowserContext, site: str) -> Iterator[Page]:
    """In front of it sits a superuser. Any error of a script fails the test."""
    with opened_by(profile, site, "root") as opened:
        yield opened


@contextmanager
def opened_by(profile: BrowserContext, site: str, name: str) -> Iterator[Page]:
    """An empty page of one who has logged in already; nobody has if the name is empty."""
    opened = profile.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    # Nothing of an earlier test: neither its session nor what its pages have stored.
    kept = {"origin": site, "storageTypes": "all"}
    profile.new_cdp_session(opened).send("Storage.clearDataForOrigin", kept)
    profile.clear_cookies()
    if name:
        session = browse(User.objects.get(username=name)).cookies[settings.SESSION_COOKIE_NAME]
        profile.add_cookies([{"name": session.key, "value": session.value, "url": site}])
    yield opened
    opened.close()
    assert errors == []
