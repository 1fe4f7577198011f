"""The admin shows a turn as the ladder of its world."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("evaluation", "0006_decision_evidence")]
    operations: ClassVar = [
        migrations.AlterModelOptions(
            "evaluationturn",
            {"verbose_name": "ladder of a world", "verbose_name_plural": "ladders of worlds"},
        )
    ]
