"""When a world was evaluated and when it is due; paused time, which only grows."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import migrations, models
from django.db.models import Q

PAUSED_TIME = """
CREATE FUNCTION paused_time_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'world %: paused time only grows', OLD.id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER paused_time_only_grows BEFORE UPDATE ON worlds_world FOR EACH ROW
    WHEN (NEW.paused_total < OLD.paused_total) EXECUTE FUNCTION paused_time_only_grows();
"""
UNDO_PAUSED_TIME = """
DROP TRIGGER paused_time_only_grows ON worlds_world;
DROP FUNCTION paused_time_only_grows();
"""
# Worlds that had a policy before there was a schedule are evaluated at the next tick.
PUT_ON_SCHEDULE = """
UPDATE worlds_world SET next_evaluation_at = now()
WHERE state IN ('ACTIVE', 'EVALUATION_ONLY')
  AND EXISTS (SELECT FROM worlds_policyversion p WHERE p.world_id = worlds_world.id AND p.state = 'active');
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("worlds", "0003_what_it_is")]
    operations: ClassVar = [
        migrations.AddField("world", "last_evaluation_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "world",
            "last_slot_at",
            models.DateTimeField(
                help_text="Start of the newest slot of the schedule in which an evaluation counted.",
                null=True,
            ),
        ),
        migrations.AddField(
            "world",
            "next_evaluation_at",
            models.DateTimeField(
                help_text="Due from then on; null: paused, retired or without a policy.", null=True
            ),
        ),
        migrations.AddField(
            "world",
            "paused_total",
            models.DurationField(
                default=timedelta, help_text="Of all pauses that are over; paused time counts for no dwell."
            ),
        ),
        migrations.AddIndex(
            "world",
            models.Index(
                fields=["next_evaluation_at", "id"],
                condition=Q(next_evaluation_at__isnull=False),
                name="world_due",
            ),
        ),
        migrations.AddConstraint(
            "world",
            models.CheckConstraint(
                condition=Q(next_evaluation_at=None) | Q(state__in=["ACTIVE", "EVALUATION_ONLY"]),
                name="a_world_that_stands_still_is_not_due",
            ),
        ),
        migrations.RunSQL(sql=PAUSED_TIME, reverse_sql=UNDO_PAUSED_TIME),
        migrations.RunSQL(sql=PUT_ON_SCHEDULE, reverse_sql=migrations.RunSQL.noop),
    ]
