"""A plan that has not begun can be withdrawn: then it never does."""

from __future__ import annotations

from typing import ClassVar

import django_fsm
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies: ClassVar = [("rebalancing", "0006_hold_worlds_of_running_executions")]

    operations: ClassVar = [
        migrations.RemoveConstraint(model_name="execution", name="an_execution_runs_or_says_when_it_ended"),
        migrations.AlterField(
            model_name="execution",
            name="actor",
            field=models.CharField(help_text="Who began it, or withdrew it.", max_length=150),
        ),
        migrations.AlterField(
            model_name="execution",
            name="started_at",
            field=models.DateTimeField(help_text="Empty: it never was, the plan was withdrawn.", null=True),
        ),
        migrations.AlterField(
            model_name="execution",
            name="state",
            field=django_fsm.FSMField(
                choices=[
                    ("running", "Running"),
                    ("cancelling", "Cancelling"),
                    ("completed", "Completed"),
                    ("cancelled", "Cancelled"),
                    ("withdrawn", "Withdrawn"),
                ],
                default="running",
                max_length=50,
                protected=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=Q(state="running", completed_at=None, cancelled_at=None)
                | Q(
                    state__in=["cancelling", "cancelled", "withdrawn"],
                    completed_at=None,
                    cancelled_at__isnull=False,
                )
                | Q(state="completed", completed_at__isnull=False),
                name="an_execution_runs_or_says_when_it_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=Q(state="withdrawn", started_at=None)
                | (~Q(state="withdrawn") & Q(started_at__isnull=False)),
                name="only_a_plan_that_never_began_is_withdrawn",
            ),
        ),
    ]
