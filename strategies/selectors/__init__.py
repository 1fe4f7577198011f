"""Reads of strategies, their bindings, and what they reported."""

from __future__ import annotations

from strategies.selectors.activation import admitted_documents, gate_documents, gates_at, gates_hash
from strategies.selectors.applies import (
    applies_of,
    apply_document,
    apply_summary,
    client_document,
    edge_document,
    edges_of,
    gate_clients_of,
    get_apply,
    get_client,
    holding,
    leased,
)
from strategies.selectors.asked import Holder, due_applies, silent_holders
from strategies.selectors.bindings import binding_document, bindings_of, mode_of, with_node_errors
from strategies.selectors.fills import fill_document, fills_of, fills_page
from strategies.selectors.nodes import node_document, nodes_document, nodes_in_error, nodes_of
from strategies.selectors.performance import performance_page
from strategies.selectors.registry import get_strategy, strategy_document, visible_strategies
from strategies.selectors.windows import PerformanceWindow, performance_windows

__all__ = [
    "Holder",
    "PerformanceWindow",
    "admitted_documents",
    "applies_of",
    "apply_document",
    "apply_summary",
    "binding_document",
    "bindings_of",
    "client_document",
    "due_applies",
    "edge_document",
    "edges_of",
    "fill_document",
    "fills_of",
    "fills_page",
    "gate_clients_of",
    "gate_documents",
    "gates_at",
    "gates_hash",
    "get_apply",
    "get_client",
    "get_strategy",
    "holding",
    "leased",
    "mode_of",
    "node_document",
    "nodes_document",
    "nodes_in_error",
    "nodes_of",
    "performance_page",
    "performance_windows",
    "silent_holders",
    "strategy_document",
    "visible_strategies",
    "with_node_errors",
]
