"""Use cases of strategies: register, bind, move along the lifecycle, report performance, move gates."""

from __future__ import annotations

from strategies.services.acks import Receipt, acknowledge
from strategies.services.apply import Asked, request_apply
from strategies.services.apply_steps import abandon_openings, drive_apply
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
from strategies.services.credentials import hand_out_credentials
from strategies.services.driver_lease import LeaseLost, hold_lease, release_lease
from strategies.services.edges import override_edge
from strategies.services.fills import Kept, keep_fills, report_fills
from strategies.services.gates import (
    Claim,
    Held,
    clear_hits,
    leased,
    register_client,
    renew_lease,
    revoke_lease,
)
from strategies.services.gating import close_gates, give_authority
from strategies.services.halting import Halted, Restored, halt_world, restore_world, restored_worlds
from strategies.services.nodes import report_nodes, reset_node
from strategies.services.overrides import queue_command, set_gate
from strategies.services.performance import Reported, report_performance
from strategies.services.registry import register_strategy, require_owner, update_strategy
from strategies.services.standings import Standing, record_measured, record_standings

__all__ = [
    "Asked",
    "Claim",
    "Halted",
    "Held",
    "Kept",
    "LeaseLost",
    "Move",
    "Receipt",
    "Reported",
    "Restored",
    "Standing",
    "abandon_openings",
    "acknowledge",
    "archive_bindings",
    "bind_for_run",
    "bind_strategies",
    "clear_hits",
    "close_gates",
    "drive_apply",
    "give_authority",
    "halt_world",
    "hand_out_credentials",
    "hold_lease",
    "keep_fills",
    "leased",
    "locked_bindings",
    "move_binding",
    "move_bindings",
    "override_edge",
    "queue_command",
    "record_latest_figures",
    "record_measured",
    "record_standings",
    "register_client",
    "register_strategy",
    "release_lease",
    "renew_lease",
    "report_fills",
    "report_nodes",
    "report_performance",
    "request_apply",
    "require_owner",
    "reset_node",
    "restore_world",
    "restored_worlds",
    "revoke_lease",
    "set_gate",
    "update_strategy",
]
