"""Admin pages of runs, of decisions, promotions and commands, of what a policy would change, and of evidence."""

from __future__ import annotations

from evaluation.admin import commands, decisions, evidence, impact, ladder, panels, promotions, runs

__all__ = ["commands", "decisions", "evidence", "impact", "ladder", "panels", "promotions", "runs"]
