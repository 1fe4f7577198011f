"""Who may move capital, between worlds and strategies that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from qmtl_site.accounts.access import Access, roles
from qmtl_site.accounts.models import Role, WorldRole
from qmtl_site.audit.actor import Actor
from qmtl_site.http.refusals import Fault, Forbidden, Invalid, NotFound
from rebalancing.domain.book import Positions
from rebalancing.domain.decimals import as_decimal
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


def lock_all(worlds: Iterable[str]) -> list[World]:
    """In the order of their names, so that two acts over the same worlds wait for each other in one direction."""
    return [lock_world(world) for world in sorted(worlds)]


def refuse_unknown(
    worlds: Iterable[str], positions: Positions, named: Mapping[str, Iterable[str]], *, at: str
) -> None:
    """Invalid where a strategy is not bound in its world; `named` stand in the map at `at`."""
    bound = set(
        Binding.objects.filter(world__in=list(worlds))
        .exclude(state=Binding.State.ARCHIVED)
        .values_list("world_id", "strategy_id")
    )
    faults = [
        Fault(pointer(at, world, strategy), f"{strategy!r} is not bound in {world}")
        for world, strategies in named.items()
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


def refuse_too_fine(positions: Positions) -> None:
    """Invalid for what no account could hold, and no order close."""
    faults = [
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
