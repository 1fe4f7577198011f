from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from qmtl_site.audit.chain import streams, verify
from qmtl_site.ledger.models import Ledger


class Command(BaseCommand):
    """Verify the audit's hash chains: of one world, or of all. Fails at any changed, removed or inserted entry."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("world", nargs="?", help="World id; default: every stream")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["world"]
        names = [name for name in streams() if wanted in {None, name}]
        if wanted and not names:
            raise CommandError(f"There is no audit of {wanted!r}")
        breaks = [found for name in names for found in verify(name)]
        for found in breaks:
            self.stdout.write(self.style.ERROR(f"{found.stream}#{found.sequence}: {found.reason}"))
        if breaks:
            raise CommandError(f"{len(breaks)} breaks: the audit was tampered with")
        for head in Ledger.objects.filter(stream__in=names).order_by("stream"):
            self.stdout.write(
                f"{head.stream}: {head.audit_sequence} entries, head {head.audit_head[:16] or '-'}"
            )
        self.stdout.write(self.style.SUCCESS("The audit is intact."))
