from __future__ import annotations

from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from qmtl_site.audit.actor import Actor
from qmtl_site.http.refusals import NotFound
from strategies.services import Halted, halt_world
from worlds.services import insist


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
            halt = partial(
                halt_world, world_id=options["world"], reason=options["reason"], actor=Actor.service("halt")
            )
            halted = insist(halt, patience=options["patience"])
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
