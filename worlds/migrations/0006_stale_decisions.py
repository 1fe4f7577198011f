"""When a world's newest decision is too old to be trusted; null, as where there is none, closes gates."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("worlds", "0005_who_opened")]
    operations: ClassVar = [
        migrations.AddField(
            "world",
            "decision_stale_at",
            models.DateTimeField(
                null=True,
                help_text="When its newest decision is too old to be trusted; null: there is none.",
            ),
        )
    ]
