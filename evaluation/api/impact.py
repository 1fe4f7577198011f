"""HTTP of the policy impact: a question, asked with POST because it has a body."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from evaluation import schemas, services
from qmtl_site.accounts.access import READ
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
