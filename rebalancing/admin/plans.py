"""Recorded plans: their history, a plan as it was approved and what became of it, and the door that executes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldBooleanSwitchWidget

from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.pages.badge import badge
from qmtl_site.pages.columns import about, column, moment, number
from qmtl_site.pages.door import ReasonForm, door, pass_through
from qmtl_site.pages.filters import among, exact, one_of
from qmtl_site.pages.scope import is_superuser, list_url, roles_by_world, url_of
from qmtl_site.pages.window import Window
from rebalancing import services
from rebalancing.admin.plan_page import drafted_page, money, plan_page, reconciliation_page
from rebalancing.admin.states import CONDITIONS, closed_doors_of, state_of
from rebalancing.models import Execution, PlanRecord, PlanWorld
from rebalancing.selectors.executions import reconciliation_of, shown_of
from rebalancing.selectors.plans import plan_again, switched_over, with_standing, worlds_of
from rebalancing.selectors.snapshots import told_since
from rebalancing.services.admitting import OPERATE
from rebalancing.services.holding import hindrance


class CancelForm(ReasonForm):
    abandon = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        label="No runner has its orders any more",
        help_text="You have looked at the exchange: what is with a runner is cancelled without its word.",
    )


@admin.register(PlanRecord)
class PlanAdmin(Window):
    world_path = "worlds__world_id"
    page_template = "pages/rebalancing.html"
    list_display = ("name", "state_badge", "moves", "figure_turnover", "by", "recorded")
    list_filter = (
        exact("world", "worlds__world_id"),
        among("state", CONDITIONS),
        one_of("mode", "mode", ["scaling", "overlay", "hybrid"]),
    )
    list_filter_submit = True
    search_fields = ("run_id__istartswith",)
    search_help_text = "Run id"
    ordering = ("-created_at", "-id")
    actions_detail: ClassVar = ["execute", "withdraw", "cancel"]

    recorded = moment("created_at", "Recorded")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlanRecord]:
        """A plan tells of all of its worlds: who sees it has a role in each of them."""
        rows = with_standing(PlanRecord.objects.select_related("execution"))
        rows = rows.prefetch_related("worlds")
        if is_superuser(request):
            return rows
        held = list(roles_by_world(request))
        foreign = PlanWorld.objects.filter(plan=OuterRef("pk")).exclude(world__in=held)
        return rows.exclude(Exists(foreign))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None or is_superuser(request):
            return super().has_view_permission(request)
        return {each.world_id for each in obj.worlds.all()} <= roles_by_world(request).keys()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {**(extra_context or {}), "title": "Rebalancings"}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    @column("Run", ordering="run_id")
    def name(self, row: PlanRecord) -> SafeString:
        return format_html('<span class="q-id" title="{}">{}</span>', row.run_id, row.run_id)

    @column("State")
    def state_badge(self, row: PlanRecord) -> SafeString:
        return badge(state_of(row))

    @column("Worlds")
    def moves(self, row: PlanRecord) -> SafeString:
        return about("", ", ".join(moved(each) for each in row.worlds.all()))

    @column("Turnover", ordering="turnover")
    def figure_turnover(self, row: PlanRecord) -> SafeString:
        return number(money(row.turnover))

    @column("By, and why", ordering="actor")
    def by(self, row: PlanRecord) -> SafeString:
        return about(row.actor, row.reason)

    def page(self, request: HttpRequest, row: PlanRecord) -> Mapping[str, Any]:
        plan, execution = plan_again(row), getattr(row, "execution", None)
        common = {
            "title": f"Rebalancing {row.run_id}",
            "record": row,
            "state": state_of(row),
            "execution": execution,
            "siblings_url": list_url("rebalancing.planrecord"),
            "overview_url": list_url("rebalancing.allocation"),
        }
        if execution is None:
            reasons = {"hindrance": hindrance(row), "switched": switched_over(row)}
            return {**common, **reasons, **drafted_page(plan)}
        if execution.state == Execution.State.WITHDRAWN:
            return {**common, **drafted_page(plan)}
        shown = shown_of(execution)
        return {
            **common,
            "reconciliation": reconciliation_page(reconciliation_of(plan, execution, shown)),
            "counts": sorted(shown.counts.items()),
            "in_flight": execution.is_open,
            "told_since": told_since(execution),
            **plan_page(plan, shown),
        }

    # --- executing --------------------------------------------------------------------------------------
    def has_execute_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.find(request, object_id)
        return row is not None and all(admits(request, OPERATE, world) for world in worlds_of(row))

    def closed_doors(self, row: PlanRecord) -> Collection[str]:
        return closed_doors_of(row)

    @door(
        "Execute", needs="execute", submit="Execute", icon="play_arrow", variant=ActionVariant.PRIMARY,
        says="Sends the orders below: those on paper are filled at once, live ones go to the runner that executes. "
             "Reductions come first. Closed gates refuse what opens; asking again goes on with what is left, and "
             "nothing is ever filled twice.",
    )  # fmt: skip
    def execute(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = self.seen(request, object_id)

        def change() -> dict[str, Any]:
            return services.execute_plan(
                run_id=row.run_id, reason=form.cleaned_data["reason"], actor=actor_of_admin(request)
            )

        return pass_through(request, change, done=came_to, back=url_of(row))

    @door(
        "Withdraw", needs="execute", submit="Withdraw the plan", icon="undo",
        says="Nobody wants it any more: it stays recorded, and can never be executed.",
    )  # fmt: skip
    def withdraw(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = self.seen(request, object_id)

        def change() -> dict[str, Any]:
            return services.withdraw_plan(
                run_id=row.run_id, reason=form.cleaned_data["reason"], actor=actor_of_admin(request)
            )

        return pass_through(
            request,
            change,
            done="The plan is withdrawn: it stays recorded, and never begins.",
            back=url_of(row),
        )

    @door(
        "End execution", needs="execute", submit="End the execution", icon="block", variant=ActionVariant.DANGER,
        form=CancelForm,
        says="Nothing more is sent; what was filled stays. A runner is told to take back what it has, and until it has "
             "said so nothing else is executed in these worlds. Allocations stay as they are.",
    )  # fmt: skip
    def cancel(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = self.seen(request, object_id)

        def change() -> dict[str, Any]:
            return services.cancel_execution(
                run_id=row.run_id,
                reason=form.cleaned_data["reason"],
                abandon=form.cleaned_data["abandon"],
                actor=actor_of_admin(request),
            )

        return pass_through(request, change, done=cancelled_to, back=url_of(row))


def moved(each: PlanWorld) -> str:
    return f"{each.world_id} {100 * each.before:.4g} → {100 * each.after:.4g} %"


def came_to(document: Mapping[str, Any]) -> str:
    if document["reconciliation"]["meets_plan"]:
        return "Every order is filled: the positions meet the plan."
    return f"Of the orders: {counted(document)}. The positions do not meet the plan yet."


def cancelled_to(document: Mapping[str, Any]) -> str:
    if document["status"] == "cancelling":
        return (
            f"Of the orders: {counted(document)}. It is cancelled when the runner has taken back what it has."
        )
    return f"Of the orders: {counted(document)}. The execution is {document['status']}."


def counted(document: Mapping[str, Any]) -> str:
    counts = document.get("order_counts") or Counter(each["status"] for each in document["orders"])
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
