"""An approved promotion is settled when its strategy goes live; a decision says how many gates it would re-open."""

from __future__ import annotations

from typing import ClassVar

import django_fsm
from django.db import migrations, models
from django.db.models import Q

from qmtl_site.ledger.guard_lifecycle import GuardLifecycle

KNOWN = ["pending", "approved", "rejected", "lapsed"]
NAME = "a_promotion_is_in_a_known_state"
DROP_GUARD = 'DROP TRIGGER IF EXISTS lifecycle_is_kept ON "evaluation_promotion"'


class Migration(migrations.Migration):
    dependencies: ClassVar = [("evaluation", "0007_ladder")]
    operations: ClassVar = [
        migrations.AddField("decision", "reopened", models.PositiveIntegerField(default=0)),
        migrations.RemoveConstraint("promotion", NAME),
        migrations.AddConstraint(
            "promotion",
            models.CheckConstraint(condition=Q(state__in=[*KNOWN, "applied"]), name=NAME),
        ),
        migrations.AlterField(
            "promotion",
            "state",
            django_fsm.FSMField(
                choices=[(state, state.title()) for state in [*KNOWN, "applied"]],
                default="pending",
                max_length=50,
                protected=True,
            ),
        ),
        migrations.RunSQL(DROP_GUARD, migrations.RunSQL.noop),
        GuardLifecycle(
            "evaluation_promotion",
            "state",
            {"pending": ["approved", "rejected", "lapsed"], "approved": ["lapsed", "applied"]},
        ),
    ]
