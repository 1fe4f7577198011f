"""Worlds, drivers and faults of their own: what is tested here really commits, and processes really die."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tests.conftest import empty_database
from tests.faults.drivers import Drivers, environment


@pytest.fixture(scope="module")
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The database's address, for one file of tests; each uses worlds of its own. Emptied at the end."""
    with django_db_blocker.unblock():
        yield environment()["DATABASE_URL"]
        empty_database()
        connections["default"].close()


@pytest.fixture
def drivers(django_db_setup: None) -> Iterator[Drivers]:
    drivers = Drivers()
    yield drivers
    drivers.kill_all()
