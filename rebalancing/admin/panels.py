"""What rebalancing adds to the page of a world."""

from __future__ import annotations

from django.http import HttpRequest

from qmtl_site.pages.panel import Panel, panel_on
from qmtl_site.pages.scope import list_url, url_of
from rebalancing.admin.allocations import newest_planned, overview_row
from rebalancing.models import Allocation
from rebalancing.selectors.allocations import with_staleness
from worlds.models import World


@panel_on("worlds.world", place=30)
def allocation_of_a_world(request: HttpRequest, world: World) -> Panel | None:
    row = with_staleness(Allocation.objects.filter(world=world)).first()
    if row is None:
        return None
    shown = overview_row(row, newest_planned([world.pk]).get(world.pk), 1.0)
    context = {"shown": shown, "plans_url": list_url("rebalancing.planrecord", world=world.pk)}
    return Panel(
        "Allocation", "pages/panels/allocation.html", context, link=url_of(row), link_text="More", wide=False
    )
