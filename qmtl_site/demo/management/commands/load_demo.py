from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from qmtl_site.demo.loading import author, is_loaded, load_demo


class Command(BaseCommand):
    """Load the demo world, once."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        if is_loaded():
            self.stdout.write("The demo world is loaded.")
            return
        loaded = load_demo(author())
        self.stdout.write(f"Loaded the world {loaded.world_id!r} with {len(loaded.runs)} judged backtests.")
