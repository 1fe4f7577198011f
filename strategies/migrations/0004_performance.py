"""What bindings report of their performance: kept by stay, mode and year, and it only grows."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from qmtl_site.ledger.keep_columns import KeepColumns

# Not KeepColumns: it compares rows as JSON, and a chunk may have megabytes.
CHUNKS = """
CREATE FUNCTION performance_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.series_id <> OLD.series_id OR NEW.year <> OLD.year OR NEW.count < OLD.count THEN
        RAISE EXCEPTION 'reported performance only grows' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER performance_only_grows BEFORE UPDATE OR DELETE ON strategies_performancechunk
    FOR EACH ROW EXECUTE FUNCTION performance_only_grows();
"""
UNDO_CHUNKS = """
DROP TRIGGER performance_only_grows ON strategies_performancechunk;
DROP FUNCTION performance_only_grows();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("strategies", "0003_what_it_is")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="PerformanceSeries",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "stay",
                    models.DateTimeField(help_text="`state_since` of the binding when it was reported."),
                ),
                ("mode", models.CharField(choices=[("paper", "Paper"), ("live", "Live")], max_length=8)),
                ("count", models.PositiveBigIntegerField()),
                (
                    "revision",
                    models.PositiveBigIntegerField(
                        help_text="Rises with every batch that brings something new, on over all stays."
                    ),
                ),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "binding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="performance",
                        to="strategies.binding",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "performance series",
            },
        ),
        migrations.CreateModel(
            name="PerformanceChunk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("year", models.PositiveSmallIntegerField()),
                ("count", models.PositiveIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("times", models.BinaryField(help_text="int64, UTC milliseconds, strictly increasing.")),
                ("returns", models.BinaryField()),
                ("pnl", models.BinaryField(help_text="NaN where it was not given.")),
                ("equity", models.BinaryField(help_text="NaN where it was not given.")),
                ("trades", models.BinaryField(help_text="int64, -1 where they were not given.")),
                (
                    "series",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="chunks",
                        to="strategies.performanceseries",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="performanceseries",
            constraint=models.UniqueConstraint(
                fields=("binding", "stay", "mode"), name="a_stay_has_one_performance_series_per_mode"
            ),
        ),
        migrations.AddConstraint(
            model_name="performanceseries",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["paper", "live"])), name="performance_is_of_paper_or_of_live"
            ),
        ),
        migrations.AddConstraint(
            model_name="performanceseries",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("count__gt", 0), ("first_at__lte", models.F("last_at")), ("revision__gt", 0)
                ),
                name="a_performance_series_begins_with_a_record",
            ),
        ),
        migrations.AddConstraint(
            model_name="performancechunk",
            constraint=models.UniqueConstraint(
                fields=("series", "year"), name="a_performance_series_has_one_chunk_per_year"
            ),
        ),
        migrations.AddConstraint(
            model_name="performancechunk",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    *(
                        Exact(Length(column), models.F("count") * 8)
                        for column in ("times", "returns", "pnl", "equity", "trades")
                    )
                ),
                name="the_arrays_of_a_performance_chunk_agree_in_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="performancechunk",
            constraint=models.CheckConstraint(
                condition=models.Q(("count__gt", 0), ("first_at__lte", models.F("last_at"))),
                name="a_performance_chunk_begins_with_a_record",
            ),
        ),
        KeepColumns("strategies_performanceseries", ["id", "binding_id", "stay", "mode"]),
        migrations.RunSQL(sql=CHUNKS, reverse_sql=UNDO_CHUNKS),
    ]
