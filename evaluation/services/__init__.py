"""Use cases of evaluation: create runs, take results, judge, expire."""

from __future__ import annotations

from evaluation.services.applying import Wanted, apply_decision, apply_plan, refuse_data
from evaluation.services.commands import WARNING, Command, command_strategy, run_queued
from evaluation.services.comparing import compare_over_runs
from evaluation.services.decisions import evaluate_world
from evaluation.services.evaluate import evaluate_waiting, worlds_waiting
from evaluation.services.expiry import expire_open_runs, expire_stale_runs, expire_superseded
from evaluation.services.following import follow_approvals, follow_decision, note_left, note_live
from evaluation.services.impact import compare_policies, policy_impact, text_impact
from evaluation.services.monitoring import live_monitoring
from evaluation.services.promotions import approve_promotion, reject_promotion
from evaluation.services.replay import replay_decision
from evaluation.services.runs import create_run, post_results, report_progress
from evaluation.services.schedule import (
    due_worlds,
    evaluate_if_due,
    evaluate_on_request,
    request_evaluation,
)
from evaluation.services.turns import give_turn

__all__ = [
    "WARNING",
    "Command",
    "Wanted",
    "apply_decision",
    "apply_plan",
    "approve_promotion",
    "command_strategy",
    "compare_over_runs",
    "compare_policies",
    "create_run",
    "due_worlds",
    "evaluate_if_due",
    "evaluate_on_request",
    "evaluate_waiting",
    "evaluate_world",
    "expire_open_runs",
    "expire_stale_runs",
    "expire_superseded",
    "follow_approvals",
    "follow_decision",
    "give_turn",
    "live_monitoring",
    "note_left",
    "note_live",
    "policy_impact",
    "post_results",
    "refuse_data",
    "reject_promotion",
    "replay_decision",
    "report_progress",
    "request_evaluation",
    "run_queued",
    "text_impact",
    "worlds_waiting",
]
