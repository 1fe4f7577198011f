"""Executions of a strategy's orders, as its runner or the service's own paper execution reports them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from qmtl.contracts.fills import DIGITS, LONGEST_ID, LONGEST_NAME, PLACES
from qmtl_site.ledger.models import AppendOnly
from strategies.models.binding import Binding


class Fill(AppendOnly):
    """One execution: evidence, written once. Quantity and price are positive, a negative fee is a rebate."""

    binding = models.ForeignKey(Binding, on_delete=models.PROTECT, related_name="fills")
    fill_id = models.CharField(max_length=LONGEST_ID)
    order_id = models.CharField(max_length=LONGEST_ID)
    ts = models.DateTimeField(help_text="When it was executed.")
    symbol = models.CharField(max_length=LONGEST_NAME)
    venue = models.CharField(max_length=LONGEST_NAME, blank=True)
    side = models.CharField(max_length=4, choices=[("buy", "buy"), ("sell", "sell")])
    qty = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    price = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    fee = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, help_text="In the quote currency.")
    mode = models.CharField(max_length=8, choices=[("paper", "paper"), ("live", "live")])
    reported_by = models.CharField(max_length=150)
    reported_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["binding", "fill_id"], name="a_fill_is_reported_once"),
            models.CheckConstraint(condition=Q(side__in=["buy", "sell"]), name="a_fill_has_a_known_side"),
            models.CheckConstraint(
                condition=Q(mode__in=["paper", "live"]), name="a_fill_is_of_paper_or_of_live"
            ),
            models.CheckConstraint(
                condition=Q(qty__gt=0, price__gt=0), name="a_fill_has_a_positive_quantity_and_price"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["binding", "-ts", "-id"], name="fill_newest"),
            models.Index(fields=["binding", "order_id"], name="fill_of_order"),
        ]

    def __str__(self) -> str:
        return self.fill_id
