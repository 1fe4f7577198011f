"""Reads of figures, plans, allocations and executions."""
