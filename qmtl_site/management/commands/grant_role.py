from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role
from qmtl_site.audit.actor import Actor
from worlds.models import World


class Command(BaseCommand):
    """Give a user a role in a world."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True)
        parser.add_argument("--world", required=True)
        parser.add_argument("--role", required=True, choices=Role.values)

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']!r}")
        if not World.objects.filter(pk=options["world"]).exists():
            raise CommandError(f"There is no world {options['world']!r}")
        grant_role(
            user=user,
            world_id=options["world"],
            role=Role(options["role"]),
            actor=Actor.service("grant_role"),
        )
        self.stdout.write(f"{user.username} is {options['role']} of {options['world']}.")
