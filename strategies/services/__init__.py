"""Use cases of strategies: register, bind, move along the lifecycle, report performance."""

from __future__ import annotations

from strategies.services.bindings import (
    Move,
    archive_bindings,
    bind_for_run,
    bind_strategies,
    locked_bindings,
    move_binding,
    move_bindings,
    record_latest_figures,
)
from strategies.services.performance import Reported, report_performance
from strategies.services.registry import register_strategy, require_owner, update_strategy
from strategies.services.standings import Standing, record_measured, record_standings

__all__ = [
    "Move",
    "Reported",
    "Standing",
    "archive_bindings",
    "bind_for_run",
    "bind_strategies",
    "locked_bindings",
    "move_binding",
    "move_bindings",
    "record_latest_figures",
    "record_measured",
    "record_standings",
    "register_strategy",
    "report_performance",
    "require_owner",
    "update_strategy",
]
