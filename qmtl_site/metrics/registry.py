"""The registry. Apps add collectors to it (`collectors.py`); the page shows all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

REGISTRY = CollectorRegistry()

Family = type[GaugeMetricFamily] | type[CounterMetricFamily]
Rows = Callable[[], Iterable[tuple[tuple[str, ...], float]]]


class DatabaseGauge(Collector):
    """A gauge whose samples are one query's rows: (label values, value)."""

    family: Family = GaugeMetricFamily

    def __init__(self, name: str, description: str, labels: tuple[str, ...], rows: Rows) -> None:
        self.name, self.description, self.labels, self.rows = name, description, labels, rows

    def collect(self) -> Iterator[Metric]:
        family = self.family(self.name, self.description, labels=self.labels)
        for labels, value in self.rows():
            family.add_metric(list(labels), value)
        yield family

    def describe(self) -> Iterator[Metric]:
        yield self.family(self.name, self.description, labels=self.labels)


class DatabaseCounter(DatabaseGauge):
    """A counter that is kept in the database, because the process that counts has no page or may die."""

    family = CounterMetricFamily


def register_gauge(name: str, description: str, labels: tuple[str, ...], rows: Rows) -> None:
    REGISTRY.register(DatabaseGauge(name, description, labels, rows))


def register_counter(name: str, description: str, labels: tuple[str, ...], rows: Rows) -> None:
    """`name` without the `_total` that the page adds."""
    REGISTRY.register(DatabaseCounter(name, description, labels, rows))
