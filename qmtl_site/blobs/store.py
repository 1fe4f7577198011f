"""Putting and getting blobs, many at a time, verified when they come from outside the database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from obstore.store import LocalStore, ObjectStore, from_url

from qmtl_site.database import native_cursor
from qmtl_site.http.refusals import Unavailable

INLINE_BYTES = 256 * 1024


PUT = """
INSERT INTO blobs_blob (sha256, size, data, created_at)
SELECT sha256, size, data, now() FROM unnest(%s::text[], %s::int[], %s::bytea[]) AS given (sha256, size, data)
ON CONFLICT DO NOTHING
"""


class BlobCorrupt(Unavailable):
    """A blob is absent from its store or does not match its hash."""


@cache
def outside() -> ObjectStore:
    url = urlsplit(settings.BLOB_URL)
    if url.scheme == "file":
        Path(unquote(url.path)).mkdir(parents=True, exist_ok=True)
        return LocalStore(unquote(url.path))
    return from_url(settings.BLOB_URL)


def name_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def path_of(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def put_many(blobs: Iterable[bytes]) -> list[str]:
    """Store each; the sha256 of each, in order. What is already there is not written again."""
    named = [(name_of(data), data) for data in blobs]
    # In order of their names, so that two transactions with the same blobs wait for each other in one direction.
    rows = sorted(dict(named).items())
    for sha256, data in rows:
        if len(data) > INLINE_BYTES:
            outside().put(path_of(sha256), data)
    inline = [data if len(data) <= INLINE_BYTES else None for _, data in rows]
    if rows:
        with native_cursor() as cursor:
            cursor.execute(PUT, [[name for name, _ in rows], [len(data) for _, data in rows], inline])
    return [sha256 for sha256, _ in named]


def put(data: bytes) -> str:
    return put_many([data])[0]


def get_many(names: Iterable[str]) -> Mapping[str, bytes]:
    """Bytes by sha256, one query for all that live in the database; BlobCorrupt for what is lost or altered."""
    wanted = sorted(set(names))
    if not wanted:
        return {}
    with native_cursor() as cursor:
        cursor.execute("SELECT sha256, data FROM blobs_blob WHERE sha256 = ANY(%s)", [wanted], binary=True)
        found: dict[str, bytes] = {}
        for name, data in cursor:
            sha256 = name if isinstance(name, str) else name.decode()
            found[sha256] = fetch(sha256) if data is None else bytes(data)
    if missing := set(wanted) - set(found):
        raise BlobCorrupt(f"blob {sorted(missing)[0]} is unknown")
    return found


def get(sha256: str) -> bytes:
    return get_many([sha256])[sha256]


def fetch(sha256: str) -> bytes:
    try:
        data = bytes(outside().get(path_of(sha256)).bytes())
    except FileNotFoundError:
        raise BlobCorrupt(f"blob {sha256} is not in the blob store") from None
    if name_of(data) != sha256:
        raise BlobCorrupt(f"blob {sha256} does not match its hash")
    return data


def float_bytes(values: NDArray[np.float64]) -> bytes:
    """float64, little endian."""
    return np.ascontiguousarray(values, dtype="<f8").tobytes()


def floats(data: bytes) -> NDArray[np.float64]:
    return np.frombuffer(data, dtype="<f8").astype(np.float64, copy=False)


def integer_bytes(values: NDArray[np.int64]) -> bytes:
    """int64, little endian (times: UTC milliseconds)."""
    return np.ascontiguousarray(values, dtype="<i8").tobytes()


def integers(data: bytes) -> NDArray[np.int64]:
    return np.frombuffer(data, dtype="<i8").astype(np.int64, copy=False)
