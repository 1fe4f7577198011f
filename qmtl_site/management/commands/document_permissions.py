from __future__ import annotations

import re
from typing import Any

from django.core.management.base import BaseCommand

from qmtl_site.permissions import COLUMNS, Endpoint, endpoints


def row(endpoint: Endpoint) -> str:
    path = re.sub(r"<\w+:(\w+)>", r"{\1}", endpoint.path)
    marks = ("yes" if endpoint.admits(column) else "" for column in COLUMNS)
    return f"| {endpoint.method} `{path}` | {endpoint.needs} | " + " | ".join(marks) + " |"


class Command(BaseCommand):
    """Print docs/permissions.md: who passes the door of which endpoint, from the views' declarations."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        lines = [
            "# Who may do what",
            "",
            "Roles are held per world; without any role in a world it answers 404, with the wrong one 403. A use case",
            "may refuse more (a strategy of somebody else, a backtest without the role submitter) and says why.",
            "Made by `manage.py document_permissions`; a test walks all of it.",
            "",
            "| endpoint | needs | " + " | ".join(COLUMNS) + " |",
            "| --- | --- |" + " --- |" * len(COLUMNS),
            *(row(endpoint) for endpoint in endpoints()),
        ]
        self.stdout.write("\n".join(lines))
