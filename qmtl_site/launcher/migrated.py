"""A mark that says: the database was migrated by this very code. Asking Django for it takes seconds at each start.

It holds only while the code, the installed packages and the database itself (its migrations, tables and
grants) are what they were right after the migration. A database of somebody else gets no mark.
"""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import psycopg

from qmtl_site.launcher.places import PROJECT
from qmtl_site.launcher.private_files import write_private
from qmtl_site.launcher.servers import Servers

FILE = "migrated"  # in `.local`, which `make reset` removes
NOT_SERVED = {"benchmarks", "docs", "static", "tests"}

STATE = """
SELECT
  (SELECT system_identifier FROM pg_control_system())::text,
  (SELECT string_agg(concat_ws(' ', oid, relname, relacl), E'\\n' ORDER BY oid)
     FROM pg_class WHERE relnamespace = 'public'::regnamespace),
  (SELECT string_agg(concat_ws(' ', id, app, name), E'\\n' ORDER BY id) FROM django_migrations)
"""


class Mark:
    """Made before the migration, so that code which changes meanwhile counts as changed."""

    def __init__(self, local: Path, servers: Servers) -> None:
        self._file = local / FILE
        self._owner_url = servers.database_owner_url if "postgres" in servers.started else None
        self._code = code()

    def holds(self) -> bool:
        now = self._state()
        return now is not None and self._file.exists() and self._file.read_text(encoding="utf-8") == now

    def set(self) -> None:
        now = self._state()
        if now is not None:
            write_private(self._file, now)

    def _state(self) -> str | None:
        if self._owner_url is None:
            return None
        with psycopg.connect(self._owner_url) as connection:
            try:
                found = connection.execute(STATE).fetchone()
            except psycopg.errors.UndefinedTable:
                return None
        return digest([self._code, *map(str, found or ())])


def code(project: Path = PROJECT) -> str:
    """What migrations, models, permissions and grants come from."""
    files = sorted([*served(project), *project.glob("*.py"), project / "requirements.txt"])
    texts = (f"{file.relative_to(project)}\0{content(file)}" for file in files if file.is_file())
    return digest([*installed(), *texts])


def served(project: Path) -> Iterator[Path]:
    for folder in project.iterdir():
        if folder.is_dir() and folder.name not in NOT_SERVED and not folder.name.startswith("."):
            yield from folder.rglob("*.py")


def content(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def installed() -> list[str]:
    """Names and versions of the packages: some bring migrations of their own."""
    return sorted(name for name in os.listdir(sysconfig.get_path("purelib")) if name.endswith(".dist-info"))


def digest(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
