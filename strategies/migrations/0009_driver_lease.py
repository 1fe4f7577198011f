"""The lease of the process that drives applies."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("strategies", "0008_activation_evidence")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="DriverLease",
            fields=[
                ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("holder", models.CharField(max_length=300)),
                ("fence", models.PositiveBigIntegerField()),
                ("until", models.DateTimeField(help_text="By the database's clock.")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("fence__gt", 0)), name="fences_count_from_one")
                ],
            },
        ),
        migrations.RunSQL(
            """
            CREATE FUNCTION fences_only_rise() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'lease %: fences only rise', OLD.name USING ERRCODE = 'restrict_violation';
            END $$;
            CREATE TRIGGER fences_only_rise BEFORE UPDATE ON strategies_driverlease FOR EACH ROW
                WHEN (NEW.fence < OLD.fence) EXECUTE FUNCTION fences_only_rise();
            """,
            "DROP TRIGGER fences_only_rise ON strategies_driverlease; DROP FUNCTION fences_only_rise();",
        ),
    ]
