"""Figures of this process alone: Prometheus asks each stream process for its own page."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from qmtl_site.stream.tailer import Tailer

REASONS = ("slow", "revoked", "database", "fault")


class OpenStreams(Collector):
    def __init__(self, at: Tailer) -> None:
        self.at = at

    def collect(self) -> Iterator[Metric]:
        streams = GaugeMetricFamily("qmtl_event_streams", "Open connections by kind.", labels=("kind",))
        open_now = self.at.subscribers
        streaming = sum(each.streams for each in open_now)
        streams.add_metric(["stream"], streaming)
        streams.add_metric(["long_poll"], len(open_now) - streaming)
        yield streams
        dropped = CounterMetricFamily(
            "qmtl_event_streams_dropped", "Streams that the service ended, by reason.", labels=("reason",)
        )
        for reason in REASONS:
            dropped.add_metric([reason], self.at.dropped[reason])
        yield dropped


def stream_metrics(at: Tailer) -> tuple[bytes, str]:
    """The page and its content type."""
    registry = CollectorRegistry()
    registry.register(OpenStreams(at))
    return generate_latest(registry), CONTENT_TYPE_LATEST
