"""Admin pages of strategies and bindings, of gates and who holds them, of applies, edges and waiting commands."""

from __future__ import annotations

from strategies.admin import (
    applies,
    clients,
    commands,
    edges,
    execution,
    gate,
    gates,
    history,
    panels,
    registry,
)

__all__ = [
    "applies",
    "clients",
    "commands",
    "edges",
    "execution",
    "gate",
    "gates",
    "history",
    "panels",
    "registry",
]
