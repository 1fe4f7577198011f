"""The form that plans a rebalancing from what is allocated and held, shows it, and records it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson
from django import forms
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from qmtl_site.accounts.admin_actor import worlds_admitting
from rebalancing.domain.document import plain
from rebalancing.models import Allocation, PositionSnapshot
from rebalancing.models.allocations import FRACTION_PLACES
from rebalancing.services.admitting import OPERATE
from rebalancing.services.snapshots import plain_fraction

PERCENT_PLACES = FRACTION_PLACES - 2


class PlanForm(forms.Form):
    """A percentage of equity for each world; names of the fields are `after_<place>`."""

    total_equity = forms.DecimalField(
        min_value=Decimal("0.01"), max_digits=38, decimal_places=18, widget=UnfoldAdminTextInputWidget(),
        label="Equity", help_text="What all fractions are of.",
    )  # fmt: skip
    min_trade_notional = forms.DecimalField(
        min_value=0, initial=0, max_digits=38, decimal_places=18, widget=UnfoldAdminTextInputWidget(),
        label="Smallest order", help_text="In currency; what is worth less is dropped.",
    )  # fmt: skip
    lot = forms.DecimalField(
        min_value=Decimal("1e-18"), max_digits=38, decimal_places=18, required=False,
        widget=UnfoldAdminTextInputWidget(), label="Lot of every symbol", help_text="Empty: as fine as it comes.",
    )  # fmt: skip
    shared_account = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget(), help_text="The worlds trade in one account."
    )
    reason = forms.CharField(
        required=False, max_length=2000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Needed to record the plan; kept in the audit, with your name.",
    )  # fmt: skip

    def __init__(self, *args: Any, rows: Sequence[Allocation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = rows
        for place, row in enumerate(rows):
            now = plain_fraction(100 * Fraction(row.allocation))
            self.fields[f"after_{place}"] = forms.DecimalField(
                min_value=0, max_value=100, max_digits=PERCENT_PLACES + 3, decimal_places=PERCENT_PLACES,
                initial=now, label=row.world_id, widget=UnfoldAdminTextInputWidget(),
                help_text=f"Percent of equity; now {now}",
            )  # fmt: skip
        if rows:
            self.fields["total_equity"].initial = plain(max(row.total_equity for row in rows))

    def allocations(self) -> list[Any]:
        return [self[f"after_{place}"] for place in range(len(self.rows))]

    def terms(self) -> list[Any]:
        return [
            self[name] for name in ("total_equity", "min_trade_notional", "lot", "shared_account", "reason")
        ]


def new_run_id() -> str:
    """`plan-20260131-120000-123`: by when, to the millisecond; a second one at the same time is refused."""
    now = timezone.now()
    return f"plan-{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}"


def plannable(request: HttpRequest) -> list[Allocation]:
    """Allocations of the worlds that one operates."""
    rows = Allocation.objects.exclude(world__state="RETIRED").order_by("world_id")
    admitted = worlds_admitting(request, OPERATE)
    return list(rows if admitted is None else rows.filter(world__in=admitted))


def newest_positions(worlds: Sequence[str]) -> list[dict[str, Any]]:
    """Of each world as they were told or left last."""
    rows = (
        PositionSnapshot.objects.filter(world__in=worlds)
        .order_by("world_id", "-at", "-id")
        .distinct("world_id")
    )
    return [
        {"world_id": row.world_id, **position} for row in rows for position in orjson.loads(row.positions)
    ]


def payload_of(form: PlanForm) -> dict[str, Any]:
    """What the API would be sent."""
    given: Mapping[str, Any] = form.cleaned_data
    worlds = [row.world_id for row in form.rows]
    positions = newest_positions(worlds)
    after = {
        row.world_id: plain_fraction(Fraction(given[f"after_{place}"]) / 100)
        for place, row in enumerate(form.rows)
    }
    payload = {
        "run_id": new_run_id(),
        "total_equity": plain(given["total_equity"]),
        "world_alloc_before": {row.world_id: plain(row.allocation) for row in form.rows},
        "world_alloc_after": after,
        "positions": positions,
        "min_trade_notional": plain(given["min_trade_notional"]),
        "shared_account": given["shared_account"],
        "schema_version": 2,
        "etag": {row.world_id: row.etag for row in form.rows},
    }
    if given["lot"]:
        payload["lot_size_by_symbol"] = {each["symbol"]: plain(given["lot"]) for each in positions}
    if given["reason"]:
        payload["reason"] = given["reason"]
    return payload
