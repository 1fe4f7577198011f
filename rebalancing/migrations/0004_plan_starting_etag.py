"""A plan keeps the etags of the allocations that it starts from: an execution must find them."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("rebalancing", "0003_orders_follow_modes")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="planworld",
            name="etag",
            field=models.CharField(
                help_text="Of the allocation that was stored when it was recorded; empty: none was; null: not kept then.",
                max_length=64,
                null=True,
            ),
        )
    ]
