"""Where data and binaries of the embedded servers live."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from qmtl_site.launcher.account import Account
from qmtl_site.launcher.errors import LaunchError

# Survives a restart of the machine, which /tmp often does not; outside_place() checks whose folder it is.
LASTING = Path("/var/tmp")  # noqa: S108
PROJECT = Path(__file__).resolve().parents[2]


def local_folder(project: Path = PROJECT) -> Path:
    """`.local`: everybody may pass through (the servers' account must), nobody else may list it."""
    folder = project / ".local"
    folder.mkdir(mode=0o711, exist_ok=True)
    return folder


def durable_place(local: Path, account: Account) -> Path:
    """The folder for the servers' data: `.local`, or one outside when their account cannot get there."""
    return local if account.can_reach(local) else outside_place(local)


def outside_place(local: Path) -> Path:
    """A folder under /var/tmp that belongs to this project path, for a project below a closed home."""
    folder = _outside_path(local)
    folder.mkdir(mode=0o711, exist_ok=True)
    found = folder.lstat()
    # Anybody may write to /var/tmp: a folder or link that another user put there is not ours.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise LaunchError(f"{folder} was made by somebody else. Remove it.")
    return folder


def existing_outside_place(local: Path) -> Path | None:
    folder = _outside_path(local)
    return folder if folder.is_dir() and not folder.is_symlink() else None


def _outside_path(local: Path) -> Path:
    root = LASTING if os.access(LASTING, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    return root / f"qmtl-{hashlib.sha256(str(local.resolve()).encode()).hexdigest()[:16]}"


def throwaway_place(account: Account) -> Path:
    """A new folder that the account can reach, for servers that end with their launcher."""
    for parent in (Path(tempfile.gettempdir()), LASTING):
        if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK) and account.can_reach(parent):
            folder = Path(tempfile.mkdtemp(prefix="qmtl-", dir=parent))
            folder.chmod(0o711)
            return folder
    raise LaunchError(f"No temporary folder that account {account.name} can reach: set TMPDIR.")


def reachable_copy(source: Path, siblings: list[Path], name: str, local: Path) -> Path:
    """A copy of `source` (and what it needs beside it) where every account can run it; made once per name."""
    target = outside_place(local) / name
    if not target.exists():
        draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
        try:
            for part in (source, *siblings):
                copy_tree(part, draft / part.name)
            draft.chmod(0o755)
            # Two launchers may copy at the same time; the second throws its own away.
            draft.rename(target)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            if not target.exists():
                raise
    return target / source.name


def copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include", "__pycache__"))
    for folder, _, files in os.walk(target):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder, file)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
