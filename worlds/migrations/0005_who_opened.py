"""Who allowed live trading and who moved the circuit breaker: what takes two people must know the first."""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def person(help_text: str) -> Any:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        help_text=help_text,
    )


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("worlds", "0004_schedule"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.AddField("world", "allow_live_by", person("Who set it last.")),
        migrations.AddField("world", "circuit_breaker_by", person("Who engaged or reset it last.")),
    ]
