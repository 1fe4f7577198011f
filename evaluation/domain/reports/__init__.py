"""Reports: what is stored or measured as one document to hand on, and as a page of it in Markdown or HTML."""

from __future__ import annotations

from evaluation.domain.reports.html import SECURITY, to_html
from evaluation.domain.reports.live import live_report
from evaluation.domain.reports.live_page import live_page
from evaluation.domain.reports.markdown import to_markdown
from evaluation.domain.reports.standing import LiveBinding, LiveWorld
from evaluation.domain.reports.validation import StoredRun, validation_report
from evaluation.domain.reports.validation_page import validation_page

__all__ = [
    "SECURITY",
    "LiveBinding",
    "LiveWorld",
    "StoredRun",
    "live_page",
    "live_report",
    "to_html",
    "to_markdown",
    "validation_page",
    "validation_report",
]
