"""Use cases of bindings: bound, moved along their lifecycle, given their latest figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.database import update_rows
from qmtl_site.http.refusals import Invalid
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from strategies.events import BindingStateChanged
from strategies.models import Binding, LatestFigures, Strategy
from strategies.services.registry import require_owner
from worlds.models import World
from worlds.selectors import paused_total
from worlds.services import lock_world


@use_case
def bind_strategies(*, world_id: str, strategy_ids: Sequence[str], actor: Actor) -> list[Binding]:
    """Bind one's own strategies to a world; what is bound already stays as it is."""
    lock_world(world_id)
    wanted = list(dict.fromkeys(strategy_ids))
    known = {strategy.id: strategy for strategy in Strategy.objects.filter(pk__in=wanted)}
    for index, strategy_id in enumerate(strategy_ids):
        if strategy_id not in known:
            raise Invalid.at(f"/strategies/{index}", f"there is no strategy {strategy_id!r}")
        require_owner(known[strategy_id], actor)
    held = {b.strategy_id for b in Binding.objects.filter(world_id=world_id, strategy_id__in=wanted)}
    create_bindings(world_id, [s for s in wanted if s not in held], actor=actor)
    return list(Binding.objects.filter(world_id=world_id, strategy_id__in=wanted))


def create_bindings(world_id: str, strategy_ids: Sequence[str], *, actor: Actor) -> None:
    now = timezone.now()
    rows = [Binding(world_id=world_id, strategy_id=s, state_since=now, created_at=now) for s in strategy_ids]
    Binding.objects.bulk_create(rows)
    for row in rows:
        told_of_binding(row, before=None, reason="bound", actor=actor)


@use_case
def bind_for_run(*, world_id: str, strategy: Strategy, actor: Actor) -> Binding:
    """The locked binding of a strategy that submits a run; the first run binds it."""
    require_owner(strategy, actor)
    binding = locked_bindings(world_id, [strategy.id]).get(strategy.id)
    if binding is None:
        bind_strategies(world_id=world_id, strategy_ids=[strategy.id], actor=actor)
        binding = locked_bindings(world_id, [strategy.id])[strategy.id]
    return binding


def locked_bindings(world_id: str, strategy_ids: Sequence[str]) -> dict[str, Binding]:
    """Bindings locked in id order."""
    rows = Binding.objects.select_for_update(no_key=True)
    wanted = rows.filter(world_id=world_id, strategy_id__in=strategy_ids)
    return {row.strategy_id: row for row in wanted.order_by("id")}


MOVED = (
    "state",
    "state_since",
    "consecutive_passes",
    "consecutive_failures",
    "passing_since",
    "failing_since",
    "paused_before",
    "judged_code_hash",
)


@dataclass(frozen=True)
class Move:
    """A transition of a locked binding, by name, and why. `judged_code_hash`: the code that it is from now on."""

    binding: Binding
    by: str
    reason: str
    judged_code_hash: str | None = None


@use_case
def move_binding(*, binding: Binding, by: str, reason: str, actor: Actor) -> None:
    move_bindings(moves=[Move(binding, by, reason)], actor=actor)


@use_case
def move_bindings(*, moves: Sequence[Move], actor: Actor) -> None:
    """Fire one transition of each locked binding's lifecycle; both counters start anew."""
    now = timezone.now()
    worlds = World.objects.filter(pk__in={move.binding.world_id for move in moves})
    paused = {world.pk: paused_total(world, now) for world in worlds}
    for move in moves:
        binding, before = move.binding, move.binding.state
        getattr(binding, move.by)()
        binding.state_since = now
        binding.consecutive_passes = binding.consecutive_failures = 0
        binding.passing_since = binding.failing_since = None
        binding.paused_before = paused[binding.world_id]
        if move.judged_code_hash is not None:
            binding.judged_code_hash = move.judged_code_hash
        told_of_binding(binding, before=before, reason=move.reason, actor=actor)
    update_rows([move.binding for move in moves], MOVED)


@use_case
def archive_bindings(*, world_id: str, reason: str, actor: Actor) -> None:
    """The end of all bindings of a world that retires."""
    bindings = (
        Binding.objects.select_for_update(no_key=True).filter(world_id=world_id).exclude(state="archived")
    )
    move_bindings(moves=[Move(row, "archive", reason) for row in bindings.order_by("id")], actor=actor)


@use_case
def record_latest_figures(*, rows: Sequence[LatestFigures]) -> None:
    """Keep the newest figures of each binding; an older evaluation does not overwrite a newer one."""
    newest: dict[int, LatestFigures] = {}
    for row in sorted(rows, key=lambda r: r.evaluated_at):
        newest[row.binding_id] = row
    LatestFigures.objects.bulk_create(
        newest.values(),
        update_conflicts=True,
        unique_fields=["binding"],
        update_fields=[
            "run_id",
            "stage",
            "verdict",
            "recommended_stage",
            "figures",
            "times",
            "returns",
            "evaluated_at",
        ],
    )


# --- parts of the use cases above -------------------------------------------------------------------------
def told_of_binding(binding: Binding, *, before: str | None, reason: str, actor: Actor) -> None:
    record(
        actor,
        "binding.create" if before is None else "binding.move",
        object_type="binding",
        object_id=f"{binding.world_id}/{binding.strategy_id}",
        world_id=binding.world_id,
        before=before,
        after=binding.state,
        reason=reason,
    )
    emit(
        BindingStateChanged(
            world_id=binding.world_id,
            strategy_id=binding.strategy_id,
            before=before,
            after=binding.state,
            reason=reason,
        )
    )
