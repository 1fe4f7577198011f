"""Files that are read and written: whole or not at all, and told what is wrong with them."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from pathlib import Path
from typing import Any

from qmtl.cli.failures import CommandError, UsageError

OWN = Path(".qmtl_snapshots")
"""The one folder that is made where it is written to: the SDK keeps its snapshots there, too."""


def write_file(name: str | Path, text: str, *, called: str = "answer.json") -> Path:
    """Write it, and only then put it in its place; a folder gets a file `called` so.

    A symbolic link stays one: what it leads to is written. What is no regular file (a device, a pipe) is written to.
    UsageError where its folder is not there: a name that was typed wrong makes none.
    """
    path = file_called(name, called)
    require_folder(path)
    draft = None
    try:
        if path.parent == OWN:
            OWN.mkdir(exist_ok=True)
        path = path.resolve() if path.is_symlink() else path
        if path.exists() and not path.is_file():
            write_through(path, text)
            return path
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, 0o666 & ~umask())
        os.replace(draft, path)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
        if draft is not None:
            Path(draft).unlink(missing_ok=True)
        raise CommandError(
            f"{path} cannot be written: {getattr(error, 'strerror', None) or error}",
            next_step="Name another file with --output.",
        ) from None
    return path


def file_called(name: str | Path, called: str) -> Path:
    """What `name` means: a file, or the one `called` so in a folder."""
    is_folder = Path(name).is_dir() or str(name).endswith(os.sep)
    return Path(name) / called.replace("/", "_") if is_folder else Path(name)


def require_folder(path: Path) -> None:
    """UsageError where there is none to write it into."""
    folder = path.parent
    if folder.is_dir() or (folder == OWN and not folder.exists()):
        return
    if folder.exists():
        raise UsageError(
            f"{path} cannot be written: {folder} is no folder", next_step="Name another file with --output."
        )
    raise UsageError(
        f"{path} cannot be written: there is no folder {folder}",
        next_step=f"Make it (mkdir -p {shlex.quote(str(folder))}), or name another file with --output.",
    )


def write_through(path: Path, text: str) -> None:
    """To what is no regular file; it is neither made nor replaced."""
    with path.open("r+b" if path.is_block_device() else "wb", buffering=0) as raw:
        left = memoryview(text.encode())
        while left:
            left = left[raw.write(left) or 0 :]


def umask() -> int:
    """The process's mask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def read_text(name: str | Path) -> str:
    """A file's text, or of `-` the standard input. UsageError where there is none."""
    import sys

    if str(name) == "-":
        return sys.stdin.read()
    try:
        return Path(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"there is no file {name}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def read_object(name: str | Path) -> dict[str, Any]:
    """A JSON object from a file. UsageError for anything else."""
    try:
        document = json.loads(read_text(name))
    except ValueError as error:
        raise UsageError(f"{name} is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{name} must hold a JSON object")
    return document
