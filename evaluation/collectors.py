"""Gauges of runs and bindings."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count

from evaluation.models import EvaluationRun
from qmtl_site.metrics.registry import register_gauge
from strategies.models import Binding

Rows = Iterator[tuple[tuple[str, ...], float]]


def bindings() -> Rows:
    for world, state, count in (
        Binding.objects.values_list("world_id", "state").annotate(n=Count("id")).order_by()
    ):
        yield (world, state), count


def open_runs() -> Rows:
    rows = EvaluationRun.objects.filter(status__in=EvaluationRun.OPEN).values_list("world_id", "status")
    for world, status, count in rows.annotate(n=Count("id")).order_by():
        yield (world, status), count


register_gauge("qmtl_bindings", "Strategies by world and state.", ("world_id", "state"), bindings)
register_gauge(
    "qmtl_open_runs", "Runs without a verdict by world and status.", ("world_id", "status"), open_runs
)
