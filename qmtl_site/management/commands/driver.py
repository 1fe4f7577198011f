from __future__ import annotations

import gc
from typing import Any

from django.core.management.base import BaseCommand

from qmtl_site.driver import drive


class Command(BaseCommand):
    """Run the driver: relays events and makes up what the message broker lost. Needs no broker itself."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        gc.collect()
        gc.freeze()  # what was imported is no garbage: each look through all of it would hold up an apply
        drive()
