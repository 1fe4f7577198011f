"""The newest figures name the series that they were measured from: rebalancing reads it there."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("blobs", "0003_inline_blobs_are_what_their_name_says"),
        ("strategies", "0010_nodes_and_fills"),
    ]
    operations: ClassVar = [
        migrations.AddField(
            "latestfigures",
            "times",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="blobs.blob"
            ),
        ),
        migrations.AddField(
            "latestfigures",
            "returns",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="blobs.blob"
            ),
        ),
    ]
