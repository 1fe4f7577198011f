"""Admin pages of worlds and policies."""

from __future__ import annotations

from worlds.admin import panels, policy, world

__all__ = ["panels", "policy", "world"]
