"""Reads of runs, metrics and snapshots."""

from __future__ import annotations

from evaluation.selectors.describe import describe
from evaluation.selectors.reports import stored_for_report
from evaluation.selectors.runs import (
    get_run,
    history_document,
    run_document,
    runs_of,
    snapshot_summary,
    snapshots_of,
)
from evaluation.selectors.stored import Stored, stored_blob, stored_metrics, stored_run, stored_snapshot

__all__ = [
    "Stored",
    "describe",
    "get_run",
    "history_document",
    "run_document",
    "runs_of",
    "snapshot_summary",
    "snapshots_of",
    "stored_blob",
    "stored_for_report",
    "stored_metrics",
    "stored_run",
    "stored_snapshot",
]
