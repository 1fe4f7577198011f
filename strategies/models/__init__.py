"""Strategies, their bindings to worlds, and what they reported there."""

from __future__ import annotations

from strategies.models.binding import Binding, LatestFigures
from strategies.models.performance import PerformanceChunk, PerformanceSeries
from strategies.models.strategy import Strategy

__all__ = ["Binding", "LatestFigures", "PerformanceChunk", "PerformanceSeries", "Strategy"]
