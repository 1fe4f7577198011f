"""Pages of rebalancing: what each world has, plans and their history, proposals."""

from __future__ import annotations

from rebalancing.admin import allocations, panels, plans, proposals

__all__ = ["allocations", "panels", "plans", "proposals"]
