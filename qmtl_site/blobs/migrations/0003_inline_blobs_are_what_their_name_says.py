"""Bytes in the database have their own sha256 and size: a row could be made under a name that is not theirs."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

NAMED = """
ALTER TABLE blobs_blob ADD CONSTRAINT an_inline_blob_has_its_own_name_and_size
    CHECK (data IS NULL OR (encode(sha256(data), 'hex') = sha256 AND octet_length(data) = size));
"""
UNDO_NAMED = "ALTER TABLE blobs_blob DROP CONSTRAINT an_inline_blob_has_its_own_name_and_size;"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("blobs", "0002_evidence")]
    operations: ClassVar = [migrations.RunSQL(sql=NAMED, reverse_sql=UNDO_NAMED)]
