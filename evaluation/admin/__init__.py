"""Admin pages of runs, of decisions and promotions, of what a policy would change, and of evidence."""

from __future__ import annotations

from evaluation.admin import decisions, evidence, impact, ladder, panels, promotions, runs

__all__ = ["decisions", "evidence", "impact", "ladder", "panels", "promotions", "runs"]
