"""The account that the embedded servers run as.

PostgreSQL refuses to run as root. As root, servers run as `postgres` or `nobody`; otherwise as oneself.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmtl_site.launcher.errors import LaunchError

# Python's PG* and LC_* variables would change what the servers do; they get nothing of ours.
CLEAN_ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    def popen_options(self) -> dict[str, Any]:
        # A working folder that anybody can enter: the launcher's own may be below a closed home.
        options: dict[str, Any] = {"env": CLEAN_ENVIRONMENT, "cwd": "/"}
        if self.uid != os.geteuid():
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def output_of(self, *command: str | Path) -> str | None:
        """Standard output of a short command run as this account; None if it cannot or fails."""
        try:
            done = subprocess.run(
                [str(part) for part in command],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                **self.popen_options(),
            )
        except OSError:
            return None
        return done.stdout if done.returncode == 0 else None

    def can_reach(self, folder: Path) -> bool:
        """Asked of the kernel rather than read off the modes: access lists and mounts count too."""
        return self.output_of("/bin/sh", "-c", 'cd "$1"', "sh", folder) is not None

    def make_folder(self, folder: Path) -> Path:
        """A folder that belongs to this account alone."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.uid != os.geteuid():
            os.chown(folder, self.uid, self.gid)
        return folder


def server_account() -> Account:
    if os.geteuid() != 0:
        return Account(str(os.geteuid()), os.geteuid(), os.getegid())
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise LaunchError(
        "PostgreSQL cannot run as root, and there is no account `postgres` or `nobody`: add one"
    )
