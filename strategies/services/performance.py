"""The use case of a runner that reports how a strategy did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max
from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.refusals import Fault, Invalid, NotFound
from qmtl_site.ledger.transactions import use_case
from strategies.domain.modes import MODE_OF_STATE
from strategies.domain.reports import PerformanceRecord, RecordRefused, Report, read_report
from strategies.errors import PerformanceConflict, TakesNoPerformance
from strategies.models import Activation, Binding, PerformanceSeries
from strategies.models.performance import moment
from strategies.services.bindings import locked_bindings
from strategies.services.chunks import Change, changes_of, update_guarded, write
from worlds.domain.series import MAX_POINTS
from worlds.errors import WorldRetired
from worlds.models import World

FAULTS_TOLD = 20


@dataclass(frozen=True)
class Reported:
    accepted: int
    duplicates: int
    mode: str


@use_case
def report_performance(
    *,
    world_id: str,
    strategy_id: str,
    posted: Sequence[PerformanceRecord],
    actor: Actor,
    mode: str | None = None,
    at: str = "",
) -> Reported:
    """Keep the new records of a batch; what is known already changes nothing.

    `mode` is that of the account which earned them; None: the binding's own. Of the present mode they belong to the
    present stay. Of the other one they belong to the newest stay in it: the last period on paper is known only after
    a promotion, and a strategy that was sent back earns on what it still holds for real.

    `at` is where the records stand in the body. The world is not locked: many runners report at once, and a world
    that retires archives its bindings, each under the lock that is taken here.
    """
    report = checked(posted, at)
    binding = reporting_binding(world_id, strategy_id)
    series = series_for(binding, mode)
    changes = changes_of(report, series)
    refuse_conflicts(changes, posted, at)
    refuse_overlong(changes, at)
    news = [change for change in changes if len(change.fresh)]
    accepted = sum(len(change.fresh) for change in news)
    reported = Reported(accepted, len(posted) - accepted, series.mode)
    if news:
        advance(series, news)
        write(series, news)
        told(binding, reported, news, actor)
    return reported


# --- parts of the use case above --------------------------------------------------------------------------
def checked(posted: Sequence[PerformanceRecord], at: str) -> Report:
    try:
        return read_report(posted, now=timezone.now())
    except RecordRefused as refused:
        raise Invalid.at(f"{at}/{refused.place}/{refused.field}", refused.reason) from None


def reporting_binding(world_id: str, strategy_id: str) -> Binding:
    """The locked binding. Its world is read after it was locked, so that a retirement meanwhile is seen."""
    binding = locked_bindings(world_id, [strategy_id]).get(strategy_id)
    if World.objects.get(pk=world_id).is_retired:
        raise WorldRetired()
    if binding is None:
        raise NotFound(f"Strategy {strategy_id!r} is not bound to {world_id}")
    return binding


def series_for(binding: Binding, mode: str | None) -> PerformanceSeries:
    present = MODE_OF_STATE[binding.state]
    if mode is None or mode == present:
        if present in PerformanceSeries.Mode.values:
            return series_of_stay(binding, present)
    elif earlier := PerformanceSeries.objects.filter(binding=binding, mode=mode).order_by("stay").last():
        return earlier
    elif was_in(mode, binding):  # and had nothing to tell of it before it left
        return series_of_stay(binding, mode)
    raise TakesNoPerformance(
        f"The strategy is {binding.state}; performance is taken in dry_run and live, "
        "and of the account of an earlier stay",
        current=binding.state,
    )


def was_in(mode: str, binding: Binding) -> bool:
    """Whoever is live was on paper before; a gate has whoever was live."""
    if mode == PerformanceSeries.Mode.PAPER:
        return bool(binding.state == Binding.State.LIVE)
    return Activation.objects.filter(binding=binding).exists()


def series_of_stay(binding: Binding, mode: str) -> PerformanceSeries:
    """Of the binding's present stay; one that is not saved yet before its first record.

    Its revision goes on from those of earlier stays: who compares revisions of a binding sees every news.
    """
    known = PerformanceSeries.objects.filter(binding=binding)
    found = known.filter(stay=binding.state_since, mode=mode).first()
    if found is not None:
        return found
    revision = known.aggregate(highest=Max("revision"))["highest"] or 0
    return PerformanceSeries(binding=binding, stay=binding.state_since, mode=mode, count=0, revision=revision)


def refuse_conflicts(changes: Sequence[Change], posted: Sequence[PerformanceRecord], at: str) -> None:
    places = sorted(int(place) for change in changes for place in change.conflicts)
    if not places:
        return
    faults = [
        Fault(f"{at}/{place}/ts", f"{posted[place].ts} was reported before with another value")
        for place in places[:FAULTS_TOLD]
    ]
    raise PerformanceConflict(f"{faults[0].detail}; nothing of the batch was taken", faults=faults)


def refuse_overlong(changes: Sequence[Change], at: str) -> None:
    for change in changes:
        if change.count > MAX_POINTS:
            raise Invalid.at(
                at, f"{change.year} would have {change.count} records; at most {MAX_POINTS} are kept"
            )


def span(changes: Sequence[Change]) -> tuple[datetime, datetime]:
    """From the first to the last new record (years come in order)."""
    return moment(changes[0].fresh.times[0]), moment(changes[-1].fresh.times[-1])


def advance(series: PerformanceSeries, news: Sequence[Change]) -> None:
    """The row that says what there is; written first, for the chunks refer to it."""
    before = series.revision
    first, last = span(news)
    series.count += sum(len(change.fresh) for change in news)
    series.revision += 1
    series.first_at = min(first, series.first_at) if series.pk else first
    series.last_at = max(last, series.last_at) if series.pk else last
    series.updated_at = timezone.now()
    if series.pk is None:
        series.save(force_insert=True)
        return
    changed = ("count", "revision", "first_at", "last_at", "updated_at")
    update_guarded(
        PerformanceSeries.objects.filter(pk=series.pk, revision=before),
        **{name: getattr(series, name) for name in changed},
    )


def told(binding: Binding, reported: Reported, news: Sequence[Change], actor: Actor) -> None:
    """One act a batch, whatever its size, and no event: records are data. Its object is not the binding: among
    thousands of reports nobody would find the binding's own moves."""
    first, last = span(news)
    record(
        actor,
        "performance.report",
        object_type="performance",
        object_id=f"{binding.world_id}/{binding.strategy_id}",
        world_id=binding.world_id,
        mode=reported.mode,
        accepted=reported.accepted,
        duplicates=reported.duplicates,
        first=first,
        last=last,
    )
