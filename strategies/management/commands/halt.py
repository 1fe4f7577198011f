from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, OperationalError, connection, transaction

from qmtl_site.audit.actor import Actor
from qmtl_site.http.refusals import NotFound
from strategies.services import Halted, halt_world

# Sessions of our own role that hold locks and stand still: a stopped process, a lost machine.
END_STANDING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
  AND state LIKE 'idle in transaction%%' AND state_change < clock_timestamp() - %s::interval
"""
TRIES = 3
LOCK_NOT_AVAILABLE = "55P03"


class Command(BaseCommand):
    """Halt a world: engage its circuit breaker and close every gate. Needs the database, nothing else.

    Exit codes: 0 halted (or it was halted already), 1 not halted, 2 there is no such world.
    """

    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("world", help="World id")
        parser.add_argument("--reason", default="manage.py halt", help="Kept in the audit")
        parser.add_argument(
            "--patience",
            type=float,
            default=5.0,
            help="Seconds to wait for somebody's lock; then transactions that have stood still so long are ended",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            halted = insist(options["world"], options["reason"], options["patience"])
        except NotFound:
            raise CommandError(f"There is no world {options['world']!r}.", returncode=2) from None
        except Error as error:
            raise CommandError(f"NOT HALTED: {str(error).strip()}") from None
        self.tell(halted)

    def tell(self, halted: Halted) -> None:
        before = "was engaged already" if halted.engaged_before else "is engaged"
        self.stdout.write(self.style.SUCCESS(f"{halted.world_id} is halted: the circuit breaker {before}."))
        for name in halted.closed:
            self.stdout.write(f"  closed: {name}")
        self.stdout.write(f"{len(halted.closed)} gates were closed; positions may still be reduced.")
        self.stdout.write(
            "To go on, somebody with the role risk, who did not halt it, resets the breaker "
            f"(POST /worlds/{halted.world_id}/circuit-breaker); an evaluation then says what opens again."
        )


def insist(world_id: str, reason: str, patience: float) -> Halted:
    """Nobody who stands still with a lock keeps the switch from falling."""
    actor = Actor.service("halt")
    for _ in range(TRIES - 1):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{patience:g}s"])
                return halt_world(world_id=world_id, reason=reason, actor=actor)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            with connection.cursor() as cursor:
                cursor.execute(END_STANDING, [f"{patience:g} seconds"])
    return halt_world(world_id=world_id, reason=reason, actor=actor)
