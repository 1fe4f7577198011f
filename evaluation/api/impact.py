"""HTTP of the policy impact: a question, asked with POST because it has a body."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from evaluation import schemas, services
from qmtl_site.accounts.access import READ, TOKEN
from qmtl_site.accounts.views import ServiceView
from qmtl_site.http.openapi import operation


class PolicyImpact(ServiceView):
    access: ClassVar = {"POST": READ}

    @operation(
        "What a policy version would change; nothing is written",
        request=schemas.ImpactQuestion,
        response=schemas.PolicyImpact,
    )
    def post(self, request: Any, world_id: str, version: int) -> HttpResponse:
        question = self.body(schemas.ImpactQuestion)
        impact = services.policy_impact(
            world_id=world_id, version=version, days=question.days, scenarios=question.scenarios
        )
        return self.reply(impact)


class ComparePolicies(ServiceView):
    access: ClassVar = {"POST": TOKEN}

    @operation(
        "What one policy makes of runs against another: of texts and figures that are sent; nothing is kept",
        request=schemas.CompareQuestion,
        response=schemas.PolicyComparison,
    )
    def post(self, request: Any) -> HttpResponse:
        asked = self.body(schemas.CompareQuestion)
        compared = services.compare_over_runs(
            old=(asked.old.text, asked.old.media),
            new=(asked.new.text, asked.new.media),
            runs=[run.model_dump() for run in asked.runs],
            scenarios=asked.scenarios or [],
        )
        return self.reply(compared)
