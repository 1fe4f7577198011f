"""Runs as lists of pages show them: the verdict and the Sharpe beside the row, without reading whole documents."""

from __future__ import annotations

from django.db.models import F, FloatField, Func, QuerySet

from evaluation.models import EvaluationRun


class SharpeOfDocument(Func):
    """The Sharpe out of the stored document's bytes; null where the run has no result or no Sharpe."""

    template = "(convert_from(%(expressions)s, 'UTF8')::jsonb #>> '{evaluation,returns,sharpe}')::float8"
    output_field = FloatField()


def listed_runs() -> QuerySet[EvaluationRun]:
    return (
        EvaluationRun.objects.select_related("result")
        .defer("result__document", "result__summary")
        .annotate(sharpe=SharpeOfDocument(F("result__document")))
    )
