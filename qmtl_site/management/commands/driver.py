from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from qmtl_site.driver import drive


class Command(BaseCommand):
    """Run the driver: relays events and makes up what the message broker lost. Needs no broker itself."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        drive()
