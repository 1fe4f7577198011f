"""Counters and histograms of what happens in any process, whether it has a page or not and however often it restarts.

A process adds up in memory, which costs a reading request nothing, and brings the sums to the database every other
second, on a thread and a connection of its own. Who is killed loses that much.
"""

from __future__ import annotations

import atexit
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.db import Error, connection
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from qmtl_site.metrics.models import Tally
from qmtl_site.metrics.registry import REGISTRY

log = structlog.get_logger(__name__)

# In the order of their keys: two processes wait for each other in one direction only.
ADD = """
INSERT INTO site_metrics_tally AS t (name, labels, value)
SELECT name, labels::jsonb, value FROM unnest(%s::text[], %s::text[], %s::float8[]) AS n (name, labels, value)
ORDER BY name, labels
ON CONFLICT (name, labels) DO UPDATE SET value = t.value + EXCLUDED.value
"""


@dataclass
class Pending:
    """What this process has counted and not brought to the database yet."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    sums: dict[tuple[str, str], float] = field(default_factory=dict)
    bringing: threading.Thread | None = None

    def add(self, sums: dict[tuple[str, str], float]) -> None:
        with self.lock:
            for key, value in sums.items():
                self.sums[key] = self.sums.get(key, 0.0) + value
            if self.bringing is None and settings.METRICS_FLUSH_SECONDS:
                self.bringing = threading.Thread(target=bring_for_ever, name="tallies", daemon=True)
                self.bringing.start()
                atexit.register(bring_quietly)

    def take(self) -> dict[tuple[str, str], float]:
        with self.lock:
            taken, self.sums = self.sums, {}
        return taken


pending = Pending()


def bring() -> None:
    """Add what was counted here to the database; on failure it is kept for the next time."""
    taken = pending.take()
    if not taken:
        return
    names, labels = zip(*taken, strict=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(ADD, [list(names), list(labels), [float(value) for value in taken.values()]])
    except BaseException:
        pending.add(taken)
        raise


def bring_quietly() -> None:
    try:
        bring()
    except Error as error:
        log.warning("tallies.kept_back", error=str(error)[:200])
    finally:
        with suppress(Error):
            connection.close()


def bring_for_ever() -> None:
    rest = threading.Event()
    while not rest.wait(settings.METRICS_FLUSH_SECONDS):
        bring_quietly()


class TallyCounter(Collector):
    """A counter; `name` without the `_total` that the page adds."""

    def __init__(self, name: str, description: str, labels: Sequence[str]) -> None:
        self.name, self.description, self.labels = name, description, tuple(labels)
        REGISTRY.register(self)

    def count(self, *values: str, by: float = 1.0) -> None:
        """Add to the labels' values, given in their order."""
        pending.add({(self.name, as_key(self.labels, values)): by})

    def describe(self) -> Iterator[Metric]:
        yield CounterMetricFamily(self.name, self.description, labels=self.labels)

    def collect(self) -> Iterator[Metric]:
        bring()
        family = CounterMetricFamily(self.name, self.description, labels=self.labels)
        for labels, value in kept(self.name):
            family.add_metric([labels[name] for name in self.labels], value)
        yield family


class TallyHistogram(Collector):
    """A histogram: how many were at most each bound, and the sum of all."""

    def __init__(self, name: str, description: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self.name, self.description, self.labels = name, description, tuple(labels)
        self.bounds = [*map(floatToGoString, bounds), "+Inf"]
        self.limits = [*bounds, float("inf")]
        REGISTRY.register(self)

    def observe(self, value: float, *values: str) -> None:
        bound = next(text for text, limit in zip(self.bounds, self.limits, strict=True) if value <= limit)
        key = as_key((*self.labels, "le"), (*values, bound))
        pending.add(
            {(f"{self.name}_bucket", key): 1.0, (f"{self.name}_sum", as_key(self.labels, values)): value}
        )

    def describe(self) -> Iterator[Metric]:
        yield HistogramMetricFamily(self.name, self.description, labels=self.labels)

    def collect(self) -> Iterator[Metric]:
        bring()
        found: dict[tuple[str, ...], dict[str, float]] = {}
        for labels, value in kept(f"{self.name}_bucket"):
            own = tuple(labels[name] for name in self.labels)
            found.setdefault(own, {})[labels["le"]] = value
        sums = {
            tuple(labels[name] for name in self.labels): value for labels, value in kept(f"{self.name}_sum")
        }
        family = HistogramMetricFamily(self.name, self.description, labels=self.labels)
        for own, counts in sorted(found.items()):
            family.add_metric(own, self.cumulative(counts), sums.get(own, 0.0))
        yield family

    def cumulative(self, counts: dict[str, float]) -> list[tuple[str, float]]:
        total, buckets = 0.0, []
        for bound in self.bounds:
            total += counts.get(bound, 0.0)
            buckets.append((bound, total))
        return buckets


def as_key(labels: Sequence[str], values: Sequence[str]) -> str:
    return json.dumps(dict(zip(labels, values, strict=True)), sort_keys=True)


def kept(name: str) -> list[tuple[dict[str, str], float]]:
    return list(Tally.objects.filter(name=name).order_by("id").values_list("labels", "value"))
