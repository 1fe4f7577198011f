from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from knox.models import AuthToken

from tests.api import ApiClient


def issue(*arguments: str) -> str:
    said = StringIO()
    call_command("issue_token", "--user", "root", *arguments, stdout=said)
    return said.getvalue().strip()


def test_an_issued_token_is_good_for_as_long_as_asked(superuser: User) -> None:
    text = issue("--expires", "2h")
    assert ApiClient(text).get("/worlds").status_code == 200
    left = AuthToken.objects.get().expiry - timezone.now()
    assert timedelta(hours=1.9) < left <= timedelta(hours=2)


@pytest.mark.parametrize("expires", ["xx", "", "90", "-1d", "0s", "0.0d", "1e3d", "3651d", "9" * 30 + "w"])
def test_an_expiry_that_makes_no_sense_is_refused_in_words(superuser: User, expires: str) -> None:
    with pytest.raises(CommandError, match="--expires"):
        issue(f"--expires={expires}")
    assert not AuthToken.objects.exists()


def test_nobody_gets_no_token(db: None) -> None:
    with pytest.raises(CommandError, match="no active user 'root'"):
        issue()
