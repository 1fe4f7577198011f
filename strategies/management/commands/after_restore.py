from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from qmtl_site.audit.actor import Actor
from strategies.services import restore_world, restored_worlds


class Command(BaseCommand):
    """After a backup was restored: in every world no epoch and no lease of before counts, all gates are closed, and
    an evaluation is due. May be run again, and must be when it fails.
    """

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for world_id in restored_worlds():
            try:
                done = restore_world(world_id=world_id, actor=Actor.service("after_restore"))
            except Error as error:
                failed += 1
                self.stderr.write(self.style.ERROR(f"{world_id}: NOT DONE: {str(error).strip()}"))
                continue
            closed = f"closed {', '.join(done.closed)}" if done.closed else "nothing was open"
            self.stdout.write(
                f"{world_id}: incarnation {done.incarnation}, {closed}, {done.revoked} leases revoked"
            )
        if failed:
            raise CommandError(f"{failed} worlds are not done: run it again.")
        self.stdout.write(self.style.SUCCESS("Every gate is closed; evaluations say what opens again."))
