"""How each strategy of a plan may trade now: on paper or for real, and whether it may open anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models.functions import Now

from rebalancing.domain.book import Strategy
from rebalancing.domain.orders import Standing
from rebalancing.models import Order
from rebalancing.models.execution import OPEN
from strategies.domain.modes import HALTED_WORLDS, is_open
from strategies.models import Binding, Fill, GateClient
from strategies.selectors import gate_documents
from worlds.models import World

ENDED = (Binding.State.REJECTED, Binding.State.INACTIVE, Binding.State.ARCHIVED)


def standings_of(strategies: Iterable[Strategy]) -> dict[Strategy, Standing]:
    """A live strategy trades for real, where its world allows it or it has done so before, or an order of its is with a
    runner: then it holds what only a real order reduces. It opens only through an open gate. All others trade on paper,
    and ask no gate; in a world that is halted nobody opens anything, nor does a strategy that was rejected or stopped.
    """
    wanted = set(strategies)
    real = real_strategies({world for world, _ in wanted})
    gates = open_gates({world for world, strategy in wanted & real})
    trading, ended = trading_worlds({world for world, _ in wanted}), ended_strategies(wanted)
    return {
        each: Standing("live", each in gates)
        if each in real
        else Standing("paper", each[0] in trading and each not in ended)
        for each in wanted
    }


def ended_strategies(strategies: Iterable[Strategy]) -> set[Strategy]:
    """Those of their worlds that were rejected, deactivated or archived: they only reduce what they hold."""
    rows = Binding.objects.filter(world__in={world for world, _ in strategies}, state__in=ENDED)
    return set(rows.values_list("world_id", "strategy_id"))


def trading_worlds(worlds: Iterable[str]) -> set[str]:
    """Those that are not halted: neither paused nor retired, their breaker not engaged."""
    rows = World.objects.filter(pk__in=list(worlds), circuit_breaker=False).exclude(state__in=HALTED_WORLDS)
    return set(rows.values_list("pk", flat=True))


def real_strategies(worlds: Iterable[str]) -> set[Strategy]:
    live = Binding.objects.filter(world__in=list(worlds), state=Binding.State.LIVE)
    rows = list(live.values_list("pk", "world_id", "strategy_id", "world__allow_live"))
    doubtful = {key: (world, strategy) for key, world, strategy, allowed in rows if not allowed}
    real = {(world, strategy) for _, world, strategy, allowed in rows if allowed}
    if doubtful:
        fills = Fill.objects.filter(binding__in=list(doubtful), mode="live")
        real |= {doubtful[key] for key in fills.values_list("binding_id", flat=True).distinct()}
        real |= handed_strategies() & set(doubtful.values())
    return real


def handed_strategies() -> set[Strategy]:
    """Those with a part in an order that is with a runner: it may be filled at any moment."""
    handed = Order.objects.filter(
        status__in=[Order.Status.HANDED, Order.Status.CANCELLING], execution__state__in=OPEN, mode="live"
    )
    return {
        (part["world_id"], part["strategy_id"])
        for parts in handed.values_list("parts", flat=True)
        for part in parts
    }


def open_gates(worlds: Iterable[str]) -> set[Strategy]:
    """By the one reading of gates that there is, with every mask."""
    return {
        (world, gate["strategy_id"])
        for world in sorted(worlds)
        for gate in gate_documents(world)
        if is_open(
            mode=gate["effective_mode"], active=gate["active"], freeze=gate["freeze"], drain=gate["drain"]
        )
    }


def executors_of(worlds: Iterable[str]) -> dict[str, list[str]]:
    """Who executes in each world: gate clients with a valid lease that registered as such, the newest first."""
    rows = GateClient.objects.filter(world__in=list(worlds), revoked_at=None, lease_until__gt=Now()).exclude(
        executor=""
    )
    found: dict[str, list[str]] = {}
    for world, name in rows.order_by("-registered_at", "-id").values_list("world_id", "executor"):
        found.setdefault(world, []).append(name)
    return found


def common_executor(worlds: Iterable[str], executors: Mapping[str, list[str]]) -> str | None:
    """One account has one writer: the executor of all of these worlds, or None."""
    names = [executors.get(world, []) for world in worlds]
    return (
        next((name for name in names[0] if all(name in others for others in names)), None) if names else None
    )
