"""Make a decision again from its kept inputs, and say whether it is the same."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation.selectors.decisions import get_decision
from evaluation.services import replay_decision
from qmtl_site.http.refusals import NotFound


class Command(BaseCommand):
    help = "Make a decision again from its inputs; exit status 1 where the bytes differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("world")
        parser.add_argument("decision", nargs="?", default="latest", help="its id (default: latest)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            decision = get_decision(options["world"], options["decision"])
        except NotFound as missing:
            raise CommandError(str(missing)) from None
        found = replay_decision(world_id=options["world"], decision_id=decision.decision_id)
        told = f"decision {found['decision_id']} of {options['world']}: "
        if not found["identical"]:
            raise CommandError(f"{told}not identical ({found['reason']}): {found['detail']}")
        self.stdout.write(f"{told}identical, sha256 {found['sha256']}")
