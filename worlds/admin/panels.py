"""The world's own panels on its page; upper apps add theirs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from qmtl_site.accounts.models import WorldRole
from qmtl_site.audit.models import AuditEntry
from qmtl_site.pages.panel import Panel, panel_on
from qmtl_site.pages.scope import list_url
from worlds.models import World
from worlds.selectors import policies_of

ROWS = 8


@panel_on("worlds.world", place=40)
def policies(request: HttpRequest, world: World) -> Panel:
    rows = policies_of(world.pk).order_by("-version")[:ROWS]
    link = list_url("worlds.policyversion", world=world.pk)
    return Panel("Policies", "pages/panels/policies.html", {"policies": rows}, link=link, wide=False)


@panel_on("worlds.world", place=50)
def people(request: HttpRequest, world: World) -> Panel:
    held: dict[str, list[str]] = {}
    rows = WorldRole.objects.filter(world=world).order_by("user__username", "role")
    for username, role in rows.values_list("user__username", "role")[:200]:
        held.setdefault(username, []).append(role)
    link = list_url("accounts.worldrole", world=world.pk)
    return Panel("People", "pages/panels/people.html", {"people": held.items()}, link=link, wide=False)


@panel_on("worlds.world", place=90)
def audit(request: HttpRequest, world: World) -> Panel:
    rows: Any = AuditEntry.objects.filter(stream=world.pk).order_by("-sequence")[:ROWS]
    link = list_url("audit.auditentry", stream=world.pk)
    return Panel("Audit", "pages/panels/audit.html", {"entries": rows}, link=link)
