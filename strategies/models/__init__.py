"""Strategies, their bindings to worlds, what they reported there, and the gates that let them trade."""

from __future__ import annotations

from strategies.models.activation import Activation, ActivationRecord, GateAuthority
from strategies.models.apply import Apply, ApplyAck
from strategies.models.binding import Binding, LatestFigures
from strategies.models.driver import DriverLease
from strategies.models.edges import EdgeOverride, QueuedCommand
from strategies.models.fills import Fill
from strategies.models.gates import GateClient, GateHold
from strategies.models.nodes import Node
from strategies.models.performance import PerformanceChunk, PerformanceSeries
from strategies.models.strategy import Strategy

__all__ = [
    "Activation",
    "ActivationRecord",
    "Apply",
    "ApplyAck",
    "Binding",
    "DriverLease",
    "EdgeOverride",
    "Fill",
    "GateAuthority",
    "GateClient",
    "GateHold",
    "LatestFigures",
    "Node",
    "PerformanceChunk",
    "PerformanceSeries",
    "QueuedCommand",
    "Strategy",
]
