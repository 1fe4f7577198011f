"""Fills are evidence: reported in batches, kept once, contradicted never."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.database import native_cursor
from qmtl_site.http.refusals import Fault, Invalid, NotFound
from qmtl_site.ledger.transactions import use_case
from strategies.domain.fills import Execution, FillRecord, FillRefused, contradicted, read_fills
from strategies.errors import FillConflict
from strategies.models import Binding, Fill
from worlds.errors import WorldRetired
from worlds.models import World

FAULTS_TOLD = 20
# In one order, so that two batches that share fills wait for each other in one direction.
KEEP = """
INSERT INTO strategies_fill (binding_id, fill_id, order_id, ts, symbol, venue, side, qty, price, fee, mode,
                             reported_by, reported_at)
SELECT *, %(by)s, %(now)s
FROM unnest(%(binding)s::bigint[], %(fill_id)s::text[], %(order_id)s::text[], %(ts)s::timestamptz[], %(symbol)s::text[],
            %(venue)s::text[], %(side)s::text[], %(qty)s::numeric[], %(price)s::numeric[], %(fee)s::numeric[],
            %(mode)s::text[])
ON CONFLICT (binding_id, fill_id) DO NOTHING
RETURNING binding_id, fill_id
"""


@dataclass(frozen=True)
class Kept:
    accepted: int
    duplicates: int


@use_case
def report_fills(
    *, world_id: str, strategy_id: str, posted: Sequence[FillRecord], actor: Actor, at: str = ""
) -> Kept:
    """Keep the new fills of a batch; what is known already changes nothing. `at`: where they stand in the body.

    FillConflict where one says something else than before: nothing of the batch is taken then. A fill is taken in
    whatever state the strategy is by now: it has happened.
    """
    kept = keep_fills(world_id=world_id, fills={strategy_id: posted}, actor=actor, at=at)
    return kept[strategy_id]


@use_case
def keep_fills(
    *, world_id: str, fills: Mapping[str, Sequence[FillRecord]], actor: Actor, at: str = ""
) -> dict[str, Kept]:
    """The same for several strategies of a world at once, in as many statements as for one."""
    bindings = bindings_to_report(world_id, list(fills))
    read = {name: checked(posted, at) for name, posted in fills.items()}
    rows = sorted((bindings[name].pk, fill) for name, batch in read.items() for fill in batch.values())
    new = insert(rows, actor)
    refuse_contradictions(bindings, read, fills, new, at)
    kept = {}
    for name, batch in read.items():
        accepted = sum((bindings[name].pk, fill_id) in new for fill_id in batch)
        kept[name] = Kept(accepted, len(fills[name]) - accepted)
        if accepted:
            told(world_id, name, kept[name], batch, actor)
    return kept


# --- parts of the use cases above -------------------------------------------------------------------------
def bindings_to_report(world_id: str, names: Sequence[str]) -> dict[str, Binding]:
    if World.objects.get(pk=world_id).is_retired:
        raise WorldRetired()
    rows = Binding.objects.filter(world=world_id, strategy__in=names)
    bindings = {binding.strategy_id: binding for binding in rows}
    for name in names:
        if name not in bindings:
            raise NotFound(f"Strategy {name!r} is not bound to {world_id}")
    return bindings


def checked(posted: Sequence[FillRecord], at: str) -> dict[str, Execution]:
    try:
        return read_fills(posted, now=timezone.now())
    except FillRefused as refused:
        raise Invalid.at(f"{at}/{refused.place}/{refused.field}", refused.reason) from None


def insert(rows: Sequence[tuple[int, Execution]], actor: Actor) -> set[tuple[int, str]]:
    """Those that are new, by binding and id."""
    columns: dict[str, list[object]] = {"binding": [key for key, _ in rows]}
    for name in Execution._fields:
        columns[name] = [getattr(fill, name) for _, fill in rows]
    with native_cursor() as cursor:
        kept = cursor.execute(KEEP, {**columns, "by": actor.name[:150], "now": timezone.now()})
        return set(kept.fetchall())


def refuse_contradictions(
    bindings: Mapping[str, Binding],
    read: Mapping[str, dict[str, Execution]],
    posted: Mapping[str, Sequence[FillRecord]],
    new: set[tuple[int, str]],
    at: str,
) -> None:
    old = {
        name: [fill_id for fill_id in batch if (bindings[name].pk, fill_id) not in new]
        for name, batch in read.items()
    }
    wanted = Q()
    for name, ids in old.items():
        if ids:
            wanted |= Q(binding=bindings[name], fill_id__in=ids)
    if not wanted:
        return
    known: dict[int, list[Execution]] = {}
    for key, *values in Fill.objects.filter(wanted).values_list("binding_id", *Execution._fields):
        known.setdefault(key, []).append(Execution(*values))
    for name, batch in read.items():
        bad = set(contradicted(known.get(bindings[name].pk, []), batch))
        places = [place for place, each in enumerate(posted[name]) if each.fill_id in bad]
        if places:
            faults = [
                Fault(
                    f"{at}/{place}/fill_id",
                    f"{posted[name][place].fill_id!r} was reported before with other values",
                )
                for place in places[:FAULTS_TOLD]
            ]
            raise FillConflict(f"{faults[0].detail}; nothing of the batch was taken", faults=faults)


def told(world_id: str, strategy_id: str, kept: Kept, batch: Mapping[str, Execution], actor: Actor) -> None:
    """One act a batch and no event: fills are data."""
    times = [fill.ts for fill in batch.values()]
    record(
        actor,
        "fills.report",
        object_type="fills",
        object_id=f"{world_id}/{strategy_id}",
        world_id=world_id,
        accepted=kept.accepted,
        duplicates=kept.duplicates,
        modes=sorted({fill.mode for fill in batch.values()}),
        first=min(times),
        last=max(times),
    )
