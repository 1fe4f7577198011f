"""Counting SQL statements as the driver sees them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest


def counted_statements(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Each statement that is executed from now on: those of native cursors are in none of Django's counts."""
    seen: list[Any] = []
    execute = psycopg.Cursor.execute

    def noted(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(query)
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", noted)
    return seen
