from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from qmtl_site.audit.actor import Actor
from qmtl_site.delivery.services import replay_dead_letters
from qmtl_site.http.refusals import Refusal
from qmtl_site.outbox.models import DeadLetter


class Command(BaseCommand):
    """List the events that could not be delivered, newest first; with --replay have them tried again."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--subscription", type=int, help="its number; needed to replay")
        parser.add_argument("--world", help="only of this world")
        parser.add_argument("--limit", type=int, default=50)
        parser.add_argument("--replay", action="store_true", help="all dead letters of the subscription")
        parser.add_argument("--reason", default="", help="why; kept in the audit")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["replay"]:
            self.replay(options["subscription"], options["reason"])
            return
        letters = DeadLetter.objects.filter(state=DeadLetter.State.DEAD).order_by("-died_at", "-id")
        for field, name in (("subscription_id", "subscription"), ("stream", "world")):
            if options[name] is not None:
                letters = letters.filter(**{field: options[name]})
        for letter in letters[: options["limit"]]:
            self.stdout.write(
                f"{letter.died_at:%Y-%m-%d %H:%M:%S}Z  subscription {letter.subscription_id}  {letter}  "
                f"{letter.attempts} tries: {letter.error}"
            )

    def replay(self, subscription: int | None, reason: str) -> None:
        if subscription is None or len(reason) < 3:
            raise CommandError("--replay needs --subscription NUMBER and --reason TEXT")
        try:
            number = replay_dead_letters(
                subscription_id=subscription, actor=Actor.service("dead_letters"), reason=reason
            )
        except Refusal as refused:
            raise CommandError(refused.detail) from None
        self.stdout.write(f"{number} dead letters are tried again.")
