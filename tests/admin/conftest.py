"""People in front of the admin pages, and a world with judged runs for them to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role
from qmtl_site.audit.actor import Actor
from tests.api import ApiClient, results, returns

PASSWORD = "correct horse battery"

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


def told(response: Any) -> list[str]:
    """Messages of the page that a redirect leads to."""
    return [str(message) for message in response.context["messages"]]
