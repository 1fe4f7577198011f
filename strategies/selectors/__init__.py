"""Reads of strategies, their bindings, and what they reported."""

from __future__ import annotations

from strategies.selectors.bindings import binding_document, bindings_of, mode_of
from strategies.selectors.performance import performance_page
from strategies.selectors.registry import get_strategy, strategy_document, visible_strategies
from strategies.selectors.windows import PerformanceWindow, performance_windows

__all__ = [
    "PerformanceWindow",
    "binding_document",
    "bindings_of",
    "get_strategy",
    "mode_of",
    "performance_page",
    "performance_windows",
    "strategy_document",
    "visible_strategies",
]
