"""An order follows its strategies from paper to live, and back, until it is sent; what a runner overfills is kept."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

from qmtl_site.ledger.keep_columns import KeepColumns

ORDER = "rebalancing_order"
WHAT_IT_IS = [
    "id",
    "execution_id",
    "order_id",
    "place",
    "world_id",
    "purpose",
    "symbol",
    "venue",
    "side",
    "qty",
    "mark",
    "parts",
]
MODE = """
CREATE FUNCTION an_order_that_was_sent_keeps_its_mode() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.mode IS DISTINCT FROM OLD.mode AND OLD.status NOT IN ('new', 'refused') THEN
        RAISE EXCEPTION 'an order that was sent keeps its mode' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER an_order_that_was_sent_keeps_its_mode BEFORE UPDATE ON rebalancing_order
    FOR EACH ROW EXECUTE FUNCTION an_order_that_was_sent_keeps_its_mode();
"""
NO_MODE = """
DROP TRIGGER IF EXISTS an_order_that_was_sent_keeps_its_mode ON rebalancing_order;
DROP FUNCTION IF EXISTS an_order_that_was_sent_keeps_its_mode();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("rebalancing", "0002_evidence")]
    operations: ClassVar = [
        migrations.RemoveConstraint(model_name="order", name="an_order_fills_at_most_its_quantity"),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("filled_qty__gte", 0),
                    models.Q(("filled_qty__lte", models.F("qty")), ("mode", "live"), _connector="OR"),
                ),
                name="an_order_on_paper_fills_at_most_its_quantity",
            ),
        ),
        migrations.RunSQL(
            f"DROP TRIGGER what_it_is_does_not_change ON {ORDER};",
            KeepColumns(ORDER, [*WHAT_IT_IS, "mode"]).sql,
        ),
        KeepColumns(ORDER, WHAT_IT_IS),
        migrations.RunSQL(MODE, NO_MODE),
    ]
