"""`.local/credentials.env`: addresses, tokens and passwords of this machine, for a shell to source.

Used by the launcher and by `manage.py ensure_local_users`.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from qmtl_site.launcher.private_files import write_private

HEADING = """\
# Made by `make run` for this machine only. Keep it secret; `make reset` removes it.
# To use it in a shell:  set -a; . .local/credentials.env; set +a
"""
NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def read(path: str | Path) -> dict[str, str]:
    """The file's values by name; nothing if there is no file."""
    file = Path(path)
    if not file.exists():
        return {}
    values: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        name, equals, quoted = line.strip().removeprefix("export ").partition("=")
        if equals and NAME.fullmatch(name):
            values[name] = "".join(shlex.split(quoted))
    return values


def update(path: str | Path, **values: str) -> dict[str, str]:
    """Set these values, keep the others, and return them all."""
    for name, value in values.items():
        if not NAME.fullmatch(name) or "\n" in value or "\0" in value:
            raise ValueError(f"{name} cannot be a line of a credentials file")
    merged = read(path) | values
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in merged.items()]
    write_private(Path(path), HEADING + "".join(lines))
    return merged
