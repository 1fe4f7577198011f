"""Admin pages of runs and of the evidence behind them."""

from __future__ import annotations

from evaluation.admin import evidence, panels, runs

__all__ = ["evidence", "panels", "runs"]
