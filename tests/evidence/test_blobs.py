"""A blob is its bytes, under their sha256."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as small
from hypothesis import strategies as st

from qmtl_site.blobs import store
from qmtl_site.blobs.models import Blob
from tests.evidence.test_append_only_tables import refusal

LARGE = bytes(store.INLINE_BYTES + 1)


def file_of(name: str) -> Path:
    return Path(settings.BLOB_URL.removeprefix("file://")) / store.path_of(name)


@given(blobs=st.lists(st.binary(max_size=64), max_size=4))
@small(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_comes_back_under_the_hash_of_its_bytes(db: None, blobs: list[bytes]) -> None:
    names = store.put_many(blobs)
    assert names == [hashlib.sha256(data).hexdigest() for data in blobs]
    assert store.get_many(names) == dict(zip(names, blobs, strict=True))


def test_the_same_bytes_are_one_row(db: None) -> None:
    assert store.put(b"once") == store.put(b"once")
    assert Blob.objects.count() == 1


def test_small_ones_live_in_the_database_and_large_ones_outside(db: None) -> None:
    small_name, large_name = store.put_many([b"small", LARGE])
    assert (bytes(Blob.objects.get(pk=small_name).data), Blob.objects.get(pk=large_name).data) == (
        b"small",
        None,
    )
    assert file_of(large_name).read_bytes() == LARGE
    assert store.get(large_name) == LARGE


def test_an_altered_file_is_found_when_it_is_read(db: None) -> None:
    name = store.put(LARGE)
    file_of(name).write_bytes(b"other")
    with pytest.raises(store.BlobCorrupt, match="does not match its hash"):
        store.get(name)


def test_a_lost_file_is_found_when_it_is_read(db: None) -> None:
    name = store.put(LARGE)
    file_of(name).unlink()
    with pytest.raises(store.BlobCorrupt, match="is not in the blob store"):
        store.get(name)


def test_an_unknown_blob_is_refused(db: None) -> None:
    with pytest.raises(store.BlobCorrupt, match="is unknown"):
        store.get(hashlib.sha256(b"never put").hexdigest())


@pytest.mark.parametrize(
    ("named_after", "size"), [(b"other", 5), (b"bytes", 4)], ids=["another's name", "another's size"]
)
def test_the_database_refuses_bytes_under(db: None, named_after: bytes, size: int) -> None:
    with refusal("default") as caught:
        Blob(sha256=hashlib.sha256(named_after).hexdigest(), size=size, data=b"bytes").save()
    assert caught.value.__cause__.diag.constraint_name == "an_inline_blob_has_its_own_name_and_size"
