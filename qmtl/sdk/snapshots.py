"""Snapshots as files: what the service keeps, as it is, and previews of the same shape."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qmtl.sdk.errors import SnapshotError

FOLDER = Path(".qmtl_snapshots")


def snapshot_path(snapshot: Mapping[str, Any], wanted: str | Path | bool) -> Path:
    """`True`: `.qmtl_snapshots/<id>.json`; a folder: a file in it; otherwise that file."""
    name = f"{snapshot['snapshot_id']}.json".replace("/", "_")
    if isinstance(wanted, bool):
        return FOLDER / name
    try:
        path = Path(wanted)
    except TypeError:
        raise SnapshotError(
            f"a snapshot is written to a path, or to its own place (True), not to {wanted!r}"
        ) from None
    return path if path.suffix == ".json" and not path.is_dir() else path / name


def write_snapshot(snapshot: Mapping[str, Any], wanted: str | Path | bool = True) -> Path:
    """Write it whole or not at all; its folder is made. SnapshotError where that cannot be: disk full, no right."""
    draft = None
    try:
        path = snapshot_path(snapshot, wanted)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(snapshot, file, ensure_ascii=False, indent=1, default=str)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except (OSError, ValueError) as error:
        if draft is not None:
            Path(draft).unlink(missing_ok=True)
        raise SnapshotError(
            f"the snapshot could not be written to {wanted}: {why_not(error)}; "
            "name a .json file, or a folder, that can be written"
        ) from None
    return path


def why_not(error: OSError | ValueError) -> str:
    """In words. What stands where a folder is wanted is a `File exists` to the system."""
    if isinstance(error, FileExistsError | NotADirectoryError) and error.filename:
        return f"{error.filename} is no folder"
    return str(getattr(error, "strerror", None) or error)


def read_snapshot(path: str | Path) -> dict[str, Any]:
    """A snapshot from a file. SnapshotError for a file that is none."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{path} is no readable snapshot: {error}") from None
    if not isinstance(document, dict) or not {"snapshot_id", "metrics"} <= document.keys():
        raise SnapshotError(f"{path} is no snapshot: it has no snapshot_id or no metrics")
    return document
