from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from qmtl_site.demo.loading import WORLD_ID, author, load_demo
from worlds.models import World


class Command(BaseCommand):
    """Load the demo world, once."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        if World.objects.filter(pk=WORLD_ID, runs__status__in=["evaluated", "rejected"]).exists():
            self.stdout.write("The demo world is loaded.")
            return
        loaded = load_demo(author())
        self.stdout.write(f"Loaded the world {loaded.world_id!r} with {len(loaded.runs)} judged runs.")
