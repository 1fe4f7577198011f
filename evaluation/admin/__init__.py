"""Admin pages of runs, of decisions and promotions, and of the evidence behind them."""

from __future__ import annotations

from evaluation.admin import decisions, evidence, ladder, panels, promotions, runs

__all__ = ["decisions", "evidence", "ladder", "panels", "promotions", "runs"]
