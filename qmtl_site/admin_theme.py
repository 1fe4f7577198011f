"""Look of the admin pages (django-unfold)."""

from __future__ import annotations

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "QMTL WorldService",
    "SITE_HEADER": "QMTL WorldService",
    "SITE_SUBHEADER": "which strategy may trade, with how much, and why",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
}
