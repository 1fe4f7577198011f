from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from qmtl_site.http.refusals import catalogue


class Command(BaseCommand):
    """Print docs/errors.md: every code that the API may answer, from the classes that raise them."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        rows = {(kind.status, kind.code): kind.title for kind in catalogue()}
        lines = [
            "# Errors",
            "",
            "Every refusal is a problem document (RFC 9457, `application/problem+json`) with `code`, and `errors[]`",
            "with a JSON pointer per bad field. Made by `manage.py document_errors`; do not edit.",
            "",
            "| status | code | meaning |",
            "| --- | --- | --- |",
            *(f"| {status} | `{code}` | {title} |" for (status, code), title in sorted(rows.items())),
        ]
        self.stdout.write("\n".join(lines))
