from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from knox.models import AuthToken

from qmtl_site.accounts.services import issue_token
from qmtl_site.audit.actor import Actor
from qmtl_site.launcher import credentials

ADMIN, RISK = "admin", "risk"


class Command(BaseCommand):
    """Users of a local installation: `admin` (superuser) and `risk`, with tokens in the credentials file."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--credentials", required=True, type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["credentials"]
        kept = credentials.read(path)
        password = kept.get("QMTL_ADMIN_PASSWORD") or secrets.token_urlsafe(18)
        admin, _ = User.objects.get_or_create(
            username=ADMIN, defaults={"is_superuser": True, "is_staff": True, "email": "admin@localhost"}
        )
        if not admin.check_password(password):
            admin.set_password(password)
            admin.save(update_fields=["password"])
        risk, _ = User.objects.get_or_create(username=RISK, defaults={"is_staff": True})
        credentials.update(
            path,
            QMTL_ADMIN_USER=ADMIN,
            QMTL_ADMIN_PASSWORD=password,
            QMTL_TOKEN=self.token(admin, kept.get("QMTL_TOKEN")),
            QMTL_RISK_TOKEN=self.token(risk, kept.get("QMTL_RISK_TOKEN")),
        )

    def token(self, user: User, kept: str | None) -> str:
        """The kept token while it is valid, else a new one."""
        if kept:
            digest = hashlib.sha512(kept.encode()).hexdigest()
            if AuthToken.objects.filter(digest=digest, user=user, expiry__gt=timezone.now()).exists():
                return kept
        return issue_token(user=user, actor=Actor.service("local"), expires=timedelta(days=365))[1]
