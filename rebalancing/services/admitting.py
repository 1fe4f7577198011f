"""Who may move capital, between worlds and strategies that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from django.db import connection

from qmtl_site.accounts.access import Access, roles
from qmtl_site.accounts.models import Role, WorldRole
from qmtl_site.audit.actor import Actor
from qmtl_site.http.refusals import Fault, Forbidden, Invalid, NotFound
from rebalancing.domain.book import Positions, Strategy
from rebalancing.domain.decimals import as_decimal, places_of
from rebalancing.domain.limits import TOO_LARGE, too_large, too_large_overlay
from rebalancing.domain.plan import Plan
from rebalancing.domain.terms import pointer
from strategies.models import Binding
from worlds.models import World
from worlds.services import lock_world

OPERATE: Access = roles(Role.OPERATOR)
MOST_PLACES = 18
FAULTS_TOLD = 100


def admit(actor: Actor, worlds: Mapping[str, str]) -> None:
    """`worlds` with the pointer to where each is named. NotFound for one that is not there, or in which the actor has
    no role; Forbidden where he is not its operator.
    """
    known = set(World.objects.filter(pk__in=worlds).values_list("pk", flat=True))
    held: dict[str, set[str]] = {}
    if actor.user_id is not None:
        rows = WorldRole.objects.filter(user_id=actor.user_id, world__in=known)
        for world_id, role in rows.values_list("world_id", "role"):
            held.setdefault(world_id, set()).add(role)
    above = actor.is_superuser or actor.is_service
    absent = [world for world in worlds if world not in known or not (above or held.get(world))]
    if absent:
        faults = [Fault(worlds[world], f"{world!r} is no world in which you have a role") for world in absent]
        raise NotFound(faults[0].detail, faults=faults[:FAULTS_TOLD])
    for world, place in worlds.items():
        if not OPERATE.admits(roles=frozenset(held.get(world, ())), is_superuser=above):
            said = f"This needs one of the roles {', '.join(sorted(OPERATE.roles))} in {world}"
            raise Forbidden(said, faults=[Fault(place, said)])


def lock_all(worlds: Iterable[str], *, writable: bool = True) -> list[World]:
    """In the order of their names, so that two acts over the same worlds wait for each other in one direction."""
    return [lock_world(world, writable=writable) for world in sorted(worlds)]


def lock_run(run_id: str) -> None:
    """Until the end of the transaction: acts with one run id, over whatever worlds, come one after the other. Taken
    before the worlds are locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"rebalancing:{run_id}"])


def bound_in(worlds: Iterable[str]) -> set[Strategy]:
    rows = Binding.objects.filter(world__in=list(worlds)).exclude(state=Binding.State.ARCHIVED)
    return set(rows.values_list("world_id", "strategy_id"))


def refuse_unknown(
    worlds: Iterable[str], positions: Positions, **maps: Mapping[str, Iterable[str]] | None
) -> None:
    """Invalid where a strategy is not bound in its world; `maps`: fields of the request that name strategies."""
    bound = bound_in(worlds)
    faults = [
        Fault(pointer(at, world, strategy), f"{strategy!r} is not bound in {world}")
        for at, named in maps.items()
        for world, strategies in (named or {}).items()
        for strategy in strategies
        if (world, strategy) not in bound
    ]
    owners = zip(positions.worlds, positions.strategies, strict=True)
    faults += [
        Fault(f"/positions/{place}/strategy_id", f"{strategy!r} is not bound in {world}")
        for place, (world, strategy) in enumerate(owners)
        if (world, strategy) not in bound
    ]
    if faults:
        raise Invalid(faults[0].detail, faults=faults[:FAULTS_TOLD])


def refuse_too_fine(total_equity: Fraction, positions: Positions) -> None:
    """Invalid for what no account could hold, and no order close."""
    said = f"has at most {MOST_PLACES} decimals where it is kept"
    faults = [
        *([Fault("/total_equity", said)] if places_of(total_equity) > MOST_PLACES else []),
        *too_fine(positions.quantities, "qty"),
        *too_fine(positions.marks, "mark"),
    ]
    if faults:
        raise Invalid(faults[0].detail, faults=faults[:FAULTS_TOLD])


def too_fine(values: Sequence[object], name: str) -> list[Fault]:
    return [
        Fault(f"/positions/{place}/{name}", f"has at most {MOST_PLACES} decimals where it is kept")
        for place, value in enumerate(values)
        if int(as_decimal(value).as_tuple().exponent) < -MOST_PLACES  # type: ignore[arg-type]
    ]


def refuse_too_large(plan: Plan, positions: Positions) -> None:
    """Invalid for what an execution could not write down; it points to a position in the instrument."""
    if symbol := too_large_overlay(plan):
        raise Invalid.at(pointer("overlay", "price_by_symbol", symbol), f"its order is {TOO_LARGE}")
    instrument = too_large(plan)
    if instrument is None:
        return
    named = zip(positions.venues, positions.symbols, strict=True)
    place = next(place for place, name in enumerate(named) if name == instrument)
    raise Invalid.at(f"/positions/{place}/qty", f"what is held or traded of {instrument[1]!r} is {TOO_LARGE}")
