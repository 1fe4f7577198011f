"""What follows for strategies from events of their worlds."""

from __future__ import annotations

from qmtl_site.audit.actor import Actor
from qmtl_site.outbox.events import inside
from strategies import selectors, services
from worlds.errors import WorldHasLive
from worlds.events import WorldStateChanged


@inside(WorldStateChanged)
def archive_bindings_of_a_retired_world(event: WorldStateChanged) -> None:
    if event.after != "RETIRED" or event.before == "RETIRED":
        return
    live = selectors.bindings_of(event.world_id).filter(state="live").count()
    if live and not event.forced:
        raise WorldHasLive(f"{live} strategies are live in {event.world_id}")
    services.archive_bindings(world_id=event.world_id, reason=event.reason, actor=Actor.service("worlds"))
