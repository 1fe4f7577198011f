"""The form that plans a rebalancing from what is allocated and held, shows it, and records it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from qmtl_site.http.refusals import Invalid
from rebalancing.domain.checks import MOST
from rebalancing.domain.document import plain
from rebalancing.models import Allocation, PositionSnapshot
from rebalancing.models.allocations import FRACTION_PLACES
from rebalancing.services.admitting import OPERATE
from rebalancing.services.snapshots import plain_fraction
from worlds.models import World

PERCENT_PLACES = FRACTION_PLACES - 2


@dataclass(frozen=True)
class Plannable:
    """A world with what it has by the newest word; without one it has nothing, and `etag` is ""."""

    world_id: str
    allocation: Decimal = Decimal(0)
    total_equity: Decimal | None = None
    etag: str = ""


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

    def __init__(self, *args: Any, rows: Sequence[Plannable], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = rows
        for place, row in enumerate(rows):
            now = plain_fraction(100 * Fraction(row.allocation))
            self.fields[f"after_{place}"] = forms.DecimalField(
                min_value=0, max_value=100, max_digits=PERCENT_PLACES + 3, decimal_places=PERCENT_PLACES,
                initial=now, label=row.world_id, widget=UnfoldAdminTextInputWidget(),
                help_text=f"Percent of equity; now {now}" if row.etag else "Percent of equity; it has none yet",
            )  # fmt: skip
        known = [row.total_equity for row in rows if row.total_equity is not None]
        if known:
            self.fields["total_equity"].initial = plain(max(known))

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


def plannable(request: HttpRequest) -> list[Plannable]:
    """The worlds that one operates, also those that have no allocation yet."""
    rows = World.objects.exclude(state=World.State.RETIRED).order_by("pk")
    admitted = worlds_admitting(request, OPERATE)
    worlds = list((rows if admitted is None else rows.filter(pk__in=admitted)).values_list("pk", flat=True))
    known = {row.world_id: row for row in Allocation.objects.filter(world__in=worlds)}
    return [
        Plannable(world, row.allocation, row.total_equity, row.etag)
        if (row := known.get(world))
        else Plannable(world)
        for world in worlds
    ]


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
    """What the API would be sent: of the worlds whose share changes. The others trade nothing, and are not held."""
    given: Mapping[str, Any] = form.cleaned_data
    after = {row.world_id: Fraction(given[f"after_{place}"]) / 100 for place, row in enumerate(form.rows)}
    rows = [row for row in form.rows if after[row.world_id] != Fraction(row.allocation)]
    refuse_unplannable(rows)
    positions = newest_positions([row.world_id for row in rows])
    payload = {
        "run_id": new_run_id(),
        "total_equity": plain(given["total_equity"]),
        "world_alloc_before": {row.world_id: plain(row.allocation) for row in rows},
        "world_alloc_after": {row.world_id: plain_fraction(after[row.world_id]) for row in rows},
        "positions": positions,
        "min_trade_notional": plain(given["min_trade_notional"]),
        "shared_account": given["shared_account"],
        "schema_version": 2,
        "etag": {row.world_id: row.etag for row in rows if row.etag},
    }
    if given["lot"]:
        payload["lot_size_by_symbol"] = {each["symbol"]: plain(given["lot"]) for each in positions}
    if given["reason"]:
        payload["reason"] = given["reason"]
    return payload


def refuse_unplannable(rows: Sequence[Plannable]) -> None:
    """Invalid where no share changes, and where what is stored of the worlds is more than there is to divide."""
    if not rows:
        raise Invalid.at("/world_alloc_after", "Change the share of at least one world.")
    before = sum((Fraction(row.allocation) for row in rows), Fraction(0))
    if before > MOST:
        raise Invalid.at(
            "/world_alloc_before",
            f"Now {', '.join(row.world_id for row in rows)} have {100 * float(before):.6g} % of the equity together, "
            "more than there is: lower one of them by itself first.",
        )
