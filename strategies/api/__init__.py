"""HTTP of strategies, their bindings, and the gates that let them trade."""

from __future__ import annotations

from strategies.api.activation import Activation, ActivationHash, EdgeOverrides
from strategies.api.applies import Acks, Applies, ApplyItem
from strategies.api.broker import Broker, BrokerCredentials
from strategies.api.execution import Fills, Nodes
from strategies.api.gates import CrossContext, GateItem, Gates, Heartbeat
from strategies.api.registry import Bindings, Performance, Strategies, StrategyItem

__all__ = [
    "Acks",
    "Activation",
    "ActivationHash",
    "Applies",
    "ApplyItem",
    "Bindings",
    "Broker",
    "BrokerCredentials",
    "CrossContext",
    "EdgeOverrides",
    "Fills",
    "GateItem",
    "Gates",
    "Heartbeat",
    "Nodes",
    "Performance",
    "Strategies",
    "StrategyItem",
]
