"""Files that are read and written: whole or not at all, and told what is wrong with them."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from qmtl.cli.failures import CommandError, UsageError


def write_file(name: str | Path, text: str, *, called: str = "answer.json") -> Path:
    """Write it, and only then put it in its place; a folder gets a file `called` so.

    A symbolic link stays one: what it leads to is written. What is no regular file (a device, a pipe) is written to.
    """
    path = Path(name)
    if path.is_dir() or str(name).endswith(os.sep):
        path = path / called.replace("/", "_")
    draft = None
    try:
        path = path.resolve() if path.is_symlink() else path
        if path.exists() and not path.is_file():
            write_through(path, text)
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
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
