"""The plan: a pure function of what is asked, beside the figures of the envelope."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from qmtl_site.audit.actor import Actor
from qmtl_site.http.refusals import Fault, Invalid, SchemaVersionTooLow
from rebalancing.domain.contract import NEWEST, Supported, answer, supported
from rebalancing.domain.document import plan_document
from rebalancing.domain.plan import Plan, plan
from rebalancing.domain.terms import Doubtful
from rebalancing.schemas import terms_of
from rebalancing.schemas.plans import PlanInput
from rebalancing.selectors.alpha import alpha_metrics


def supported_now() -> Supported:
    return supported(
        compat_v2=settings.COMPAT_REBALANCE_V2, alpha_metrics_required=settings.ALPHA_METRICS_REQUIRED
    )


def lowest_taken() -> int:
    """The version of who names none, where naming one is not what is asked about."""
    return NEWEST if supported_now().refuses(1) else 1


def plan_answer(*, asked: PlanInput, actor: Actor) -> dict[str, Any]:
    """The answer to a plan that changes nothing."""
    refuse_old_versions(asked)
    return answer_to(asked, made(asked), actor)


def refuse_old_versions(asked: PlanInput) -> None:
    if supported_now().refuses(asked.schema_version):
        said = f"This service demands schema_version {NEWEST}; {asked.schema_version} was asked for"
        raise SchemaVersionTooLow(said, faults=[Fault("/schema_version", said)])


def made(asked: PlanInput) -> Plan:
    """Invalid with a pointer to each doubt."""
    try:
        return plan(terms_of(asked), asked.positions)  # type: ignore[arg-type]
    except Doubtful as doubtful:
        faults = [Fault(doubt.pointer, doubt.detail) for doubt in doubtful.doubts]
        raise Invalid(str(doubtful), faults=faults) from None


def answer_to(asked: PlanInput, plan: Plan, actor: Actor) -> dict[str, Any]:
    by = supported_now()
    version = by.negotiated(asked.schema_version)
    metrics: dict[str, Any] = {}
    if version >= NEWEST:
        metrics = alpha_metrics(worlds=plan.scales.of_world, strategies=plan.scales.of_strategy, actor=actor)
    return answer(
        plan_document(plan), version=version, by=by, alpha_metrics=metrics, intent=asked.rebalance_intent.meta
    )
