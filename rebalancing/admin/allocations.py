"""How much each world has: an overview of all, one world with its history, and the page that plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import orjson
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.pages.door import REFUSED, opens_page, pass_through, refuse_into
from qmtl_site.pages.scope import list_url, named_url, url_of, visible
from qmtl_site.pages.window import Window
from rebalancing import services
from rebalancing.admin.comparing import compared, record_allocator
from rebalancing.admin.plan_page import drafted_page, money, percent, quantity, signed
from rebalancing.admin.planning import PlanForm, payload_of, plannable
from rebalancing.domain.charts import steps_chart
from rebalancing.domain.checks import MOST
from rebalancing.models import Allocation, AllocationRecord, PlanRecord, PlanWorld, PositionSnapshot
from rebalancing.schemas import ApplyPlan
from rebalancing.selectors.allocations import shares_of_worlds, with_staleness
from rebalancing.selectors.allocators import allocator_documents
from rebalancing.services.admitting import OPERATE
from rebalancing.services.planning import made

HISTORY, POSITIONS = 50, 200


@admin.register(Allocation)
class AllocationAdmin(Window):
    world_path = "world_id"
    page_template = "pages/allocation.html"
    ordering = ("world_id",)
    actions_detail: ClassVar = ["allocators"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(request, with_staleness(Allocation.objects.select_related("world")), self.world_path)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = list(self.get_queryset(request).order_by("world_id"))
        return self.render(
            request,
            "pages/allocations.html",
            title="Allocations",
            **overview(rows),
            may_plan=admits(request, OPERATE, None),
            plan_url=reverse("admin:rebalancing_allocation_plan"),
            plans_url=list_url("rebalancing.planrecord"),
        )

    def page(self, request: HttpRequest, row: Allocation) -> Mapping[str, Any]:
        records = AllocationRecord.objects.filter(world=row.world_id).order_by("-at", "-id")[:HISTORY]
        snapshots = list(
            PositionSnapshot.objects.filter(world=row.world_id)
            .exclude(origin="plan")
            .defer("positions")
            .order_by("-at", "-id")[:HISTORY]
        )
        newest = PositionSnapshot.objects.filter(world=row.world_id).order_by("-at", "-id").first()
        positions = [] if newest is None else orjson.loads(newest.positions)
        chart = steps_chart(
            [(each.at, float(each.allocation)) for each in reversed(records)],
            [(each.at, each.gross_notional / float(each.total_equity)) for each in reversed(snapshots)],
            timezone.now(),
        )
        return {
            "title": f"Allocation of {row.world_id}",
            "allocation": row,
            "share": percent(float(row.allocation)),
            "worth": money(float(row.allocation * row.total_equity)),
            "chart": chart,
            "strategies": strategy_bars(row),
            "records": [(each, percent(float(each.allocation))) for each in records],
            "snapshot": newest,
            "positions": [position_row(each) for each in positions[:POSITIONS]],
            "more_positions": max(0, len(positions) - POSITIONS),
            "gross": "" if newest is None else money(newest.gross_notional),
            "net": "" if newest is None else money(newest.net_notional),
            "overview_url": list_url("rebalancing.allocation"),
            "plans_url": list_url("rebalancing.planrecord", world=row.world_id),
        }

    # --- comparing allocators ---------------------------------------------------------------------------
    def has_compare_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.find(request, object_id)
        return row is not None and self.has_view_permission(request, row)

    @opens_page("Compare allocators", needs="compare", path="allocators", icon="compare_arrows")
    def allocators(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET: what each would give. POST with a reason: the plan to one of them is recorded."""
        row = self.seen(request, object_id)
        document = allocator_documents(row.world)
        may = admits(request, OPERATE, row.world_id)
        if request.method == "POST":
            if not may:
                raise PermissionDenied
            return pass_through(
                request,
                lambda: record_allocator(request, row.world_id, document),
                done="The plan is recorded. Nothing is traded until it is executed.",
                back=request.path,
                on=url_of,
            )
        return self.render(
            request,
            "pages/allocators.html",
            title=f"Allocators of {row.world_id}",
            original=row,
            back=url_of(row),
            may=may,
            **compared(document),
        )

    # --- planning ---------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.plan_view)
        return [path("plan/", view, name="rebalancing_allocation_plan"), *super().get_urls()]

    def plan_view(self, request: HttpRequest) -> HttpResponse:
        """GET: the form. POST: the plan that it makes, and with `record` the plan is kept."""
        rows = plannable(request)
        if not admits(request, OPERATE, None):
            raise PermissionDenied
        if request.method != "POST":
            return self.plan_form(request, PlanForm(rows=rows))
        form = PlanForm(request.POST, rows=rows)
        if not form.is_valid():
            return self.plan_form(request, form, status=422)
        try:
            payload = payload_of(form)
            if "record" in request.POST:
                return self.record(request, form, payload)
            plan = made(ApplyPlan.model_validate(payload))
        except REFUSED as error:
            refuse_into(form, error)
            return self.plan_form(request, form, status=422)
        return self.plan_form(request, form, shown=True, **drafted_page(plan))

    def record(self, request: HttpRequest, form: PlanForm, payload: Mapping[str, Any]) -> HttpResponse:
        if len(form.cleaned_data["reason"]) < 3:
            form.add_error("reason", "Say why: it is kept in the audit.")
            return self.plan_form(request, form, status=422)
        row, _ = services.apply_plan(
            asked=ApplyPlan.model_validate(payload), payload=payload, actor=actor_of_admin(request)
        )
        messages.success(request, "The plan is recorded. Nothing is traded until it is executed.")
        return HttpResponseRedirect(url_of(row))

    def plan_form(
        self, request: HttpRequest, form: PlanForm, *, status: int = 200, **context: Any
    ) -> HttpResponse:
        response = self.render(
            request,
            "pages/rebalancing_form.html",
            title="Plan a rebalancing",
            form=form,
            overfull=overfull_now(),
            back=list_url("rebalancing.allocation"),
            **context,
        )
        response.status_code = status
        return response


def position_row(position: Mapping[str, Any]) -> dict[str, str]:
    return {
        "symbol": position["symbol"],
        "venue": position["venue"] or "",
        "strategy": position["strategy_id"],
        "quantity": signed(Decimal(position["qty"])),
        "mark": quantity(Decimal(position["mark"])),
    }


def overfull_now() -> str:
    """How much of the equity all worlds have together, where that is more than one equity."""
    whole = sum(shares_of_worlds().values(), Fraction(0))
    return percent(float(whole)) if whole > MOST else ""


# --- the overview -----------------------------------------------------------------------------------------
def overview(rows: Sequence[Any]) -> dict[str, Any]:
    """Worlds as shares of equity now, and as the newest plan that is not executed wants them."""
    planned = newest_planned([row.world_id for row in rows])
    largest = max(
        [float(row.allocation) for row in rows] + [each.after for each in planned.values()] + [1e-9]
    )
    total = sum((Fraction(row.allocation) for row in rows), Fraction(0))
    return {
        "rows": [overview_row(row, planned.get(row.world_id), largest) for row in rows],
        "total": percent(float(total)),
        "rest": percent(max(0.0, float(1 - total))),
        "overfull": overfull_now(),
    }


def overview_row(row: Any, planned: PlanWorld | None, largest: float) -> dict[str, Any]:
    return {
        "row": row,
        "share": percent(float(row.allocation)),
        "width": f"{100 * float(row.allocation) / largest:.2f}",
        "worth": money(float(row.allocation * row.total_equity)),
        "strategies": strategy_bars(row, largest),
        "planned": planned,
        "after": "" if planned is None else percent(planned.after),
        "after_width": "" if planned is None else f"{100 * planned.after / largest:.2f}",
        "plan_url": "" if planned is None else named_url("rebalancing.planrecord", planned.plan_id),
    }


def strategy_bars(row: Any, largest: float | None = None) -> list[dict[str, str]]:
    fractions = {name: float(text) for name, text in row.strategies.items()}
    scale = largest or max([*fractions.values(), 1e-9])
    return [
        {"name": name, "share": percent(value), "width": f"{100 * value / scale:.2f}"}
        for name, value in fractions.items()
    ]


def newest_planned(worlds: Sequence[str]) -> dict[str, PlanWorld]:
    """By world, where its newest plan has not ended."""
    rows = (
        PlanWorld.objects.filter(world__in=worlds)
        .select_related("plan__execution")
        .order_by("world_id", "-id")
        .distinct("world_id")
    )
    return {row.world_id: row for row in rows if not is_done(row.plan)}


def is_done(plan: PlanRecord) -> bool:
    execution = getattr(plan, "execution", None)
    return execution is not None and not execution.is_open
