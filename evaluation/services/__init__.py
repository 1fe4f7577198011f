"""Use cases of evaluation: create runs, take results, judge, expire."""

from __future__ import annotations

from evaluation.services.evaluate import evaluate_waiting, worlds_waiting
from evaluation.services.expiry import expire_open_runs, expire_stale_runs, expire_superseded
from evaluation.services.runs import create_run, post_results, report_progress

__all__ = [
    "create_run",
    "evaluate_waiting",
    "expire_open_runs",
    "expire_stale_runs",
    "expire_superseded",
    "post_results",
    "report_progress",
    "worlds_waiting",
]
