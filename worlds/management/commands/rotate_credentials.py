"""Seal all brokers' credentials with the first key of QMTL_CREDENTIALS_KEY; then the former keys can go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from qmtl_site.audit.actor import Actor
from qmtl_site.http.refusals import Unavailable
from worlds.services import rotate_credentials


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            worlds = rotate_credentials(actor=Actor.service("rotate_credentials"))
        except Unavailable as error:
            raise CommandError(f"{error.detail}; nothing was changed") from None
        self.stdout.write(
            f"{len(worlds)} worlds: {', '.join(worlds)}" if worlds else "No world keeps credentials."
        )
