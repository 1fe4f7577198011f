"""A promotion keeps the run that it rests on: a rejection holds until another run comes."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("evaluation", "0008_applied_promotions")]
    operations: ClassVar = [
        migrations.AddField(
            "promotion",
            "run_id",
            models.CharField(
                blank=True,
                default="",
                help_text="Run that it rests on: a rejection holds until another one comes.",
                max_length=128,
            ),
            preserve_default=False,
        ),
        migrations.AddIndex(
            "promotion",
            models.Index(fields=["world", "strategy", "-id"], name="promotion_strategy_newest"),
        ),
    ]
