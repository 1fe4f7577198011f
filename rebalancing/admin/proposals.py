"""Proposals: plans that nobody has approved, each with the door that records it as one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from django.contrib import admin
from django.db.models import FloatField, Func, JSONField, QuerySet, TextField, Value
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.pages.columns import column, moment, number
from qmtl_site.pages.door import door, pass_through
from qmtl_site.pages.filters import exact
from qmtl_site.pages.scope import list_url, url_of
from qmtl_site.pages.window import Window
from rebalancing import services
from rebalancing.admin.plan_page import drafted_page, money
from rebalancing.admin.planning import new_run_id
from rebalancing.models import PlanRecord, Proposal
from rebalancing.schemas import ApplyPlan
from rebalancing.services.admitting import OPERATE
from rebalancing.services.planning import made

TURNOVER = Func(
    Cast("answer", JSONField()),
    Value("cost_estimate"),
    Value("order_turnover"),
    function="jsonb_extract_path_text",
    output_field=TextField(),
)


@admin.register(Proposal)
class ProposalAdmin(Window):
    world_path = "world_id"
    page_template = "pages/rebalancing_proposal.html"
    list_display = ("world_name", "origin", "cause", "figure_turnover", "proposed")
    list_filter = (exact("world", "world_id"),)
    list_filter_submit = True
    ordering = ("-created_at", "-id")
    actions_detail: ClassVar = ["record"]

    proposed = moment("created_at", "Proposed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proposal]:
        """The figure is read by the database: an answer may be long."""
        rows: QuerySet[Proposal] = super().get_queryset(request).defer("request", "answer")
        return rows.annotate(turnover=Cast(TURNOVER, FloatField()))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {**(extra_context or {}), "title": "Proposals"}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    @column("World", ordering="world_id")
    def world_name(self, row: Proposal) -> str:
        return row.world_id

    @column("Turnover", ordering="turnover")
    def figure_turnover(self, row: Any) -> SafeString:
        return number(money(row.turnover))

    def page(self, request: HttpRequest, row: Proposal) -> Mapping[str, Any]:
        asked = ApplyPlan.model_validate({**orjson.loads(row.request), "run_id": "proposal"})
        plan = made(asked)
        return {
            "title": f"Proposal for {row.world_id}",
            "proposal": row,
            "siblings_url": list_url("rebalancing.proposal"),
            **drafted_page(plan),
        }

    def has_record_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.find(request, object_id)
        return row is not None and admits(request, OPERATE, row.world_id)

    @door(
        "Record as a plan", needs="record", submit="Record", icon="assignment_turned_in",
        variant=ActionVariant.PRIMARY,
        says="Records the plan as yours, in the audit. Nothing is traded until it is executed.",
    )  # fmt: skip
    def record(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = self.seen(request, object_id)
        payload = {
            **orjson.loads(row.request),
            "run_id": new_run_id(),
            "reason": form.cleaned_data["reason"],
        }

        def change() -> PlanRecord:
            asked = ApplyPlan.model_validate(payload)
            return services.apply_plan(asked=asked, payload=payload, actor=actor_of_admin(request))[0]

        return pass_through(request, change, done="The plan is recorded.", back=url_of(row), on=url_of)
