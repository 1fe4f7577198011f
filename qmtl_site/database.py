"""Two roles on one database: the owner changes the schema, the application only works with rows."""

from __future__ import annotations

from typing import Any


class OwnerMigrates:
    """Migrations run through the `owner` connection; everything else through `default`."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"
