from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from qmtl_site.accounts.services import issue_token
from qmtl_site.audit.actor import Actor
from qmtl_site.environment import duration

LONGEST = timedelta(days=3650)  # as in the API


class Command(BaseCommand):
    """Issue a token for a user and print it: it is not shown again."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True)
        parser.add_argument("--expires", default="90d", help="30s, 5m, 24h, 90d ... (default 90d)")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']!r}")
        expires = expiry(options["expires"])
        _, text = issue_token(user=user, actor=Actor.service("issue_token"), expires=expires)
        self.stdout.write(text)


def expiry(text: str) -> timedelta:
    try:
        expires = duration(text)
    except (ImproperlyConfigured, OverflowError) as error:
        raise CommandError(f"--expires: {error}") from None
    if not timedelta() < expires <= LONGEST:
        raise CommandError(f"--expires: {text} is not more than 0s and at most {LONGEST.days}d")
    return expires
