"""Brokers on paper and real ones behind one interface: orders, fills, positions, and the gate before them.

Knows no service and no network of its own; `qmtl.brokers.exchange` (ccxt, extra `qmtl[live]`) is imported by itself.
"""

from __future__ import annotations

from qmtl.brokers.broker import Broker
from qmtl.brokers.errors import BrokerError, BrokerMisuse, BrokerUnavailable, OrderConflict, UnknownOrder
from qmtl.brokers.gated import Gate, GatedBroker, suspend_proof_seconds
from qmtl.brokers.models import (
    Bar,
    Fees,
    FixedSlippage,
    NoFees,
    NoSlippage,
    NotionalFees,
    Slippage,
    SquareRootImpact,
    Terms,
    UnitFees,
    costs_of,
    quote,
)
from qmtl.brokers.orders import (
    Fill,
    Instrument,
    Order,
    OrderReport,
    OrderStatus,
    OrderType,
    Reject,
    Side,
    TimeInForce,
    client_order_id,
    owner_tag,
    plain,
)
from qmtl.brokers.paper import PaperBroker
from qmtl.brokers.reconciliation import Difference, Reconciliation, reconcile

__all__ = [
    "Bar",
    "Broker",
    "BrokerError",
    "BrokerMisuse",
    "BrokerUnavailable",
    "Difference",
    "Fees",
    "Fill",
    "FixedSlippage",
    "Gate",
    "GatedBroker",
    "Instrument",
    "NoFees",
    "NoSlippage",
    "NotionalFees",
    "Order",
    "OrderConflict",
    "OrderReport",
    "OrderStatus",
    "OrderType",
    "PaperBroker",
    "Reconciliation",
    "Reject",
    "Side",
    "Slippage",
    "SquareRootImpact",
    "Terms",
    "TimeInForce",
    "UnitFees",
    "UnknownOrder",
    "client_order_id",
    "costs_of",
    "owner_tag",
    "plain",
    "quote",
    "reconcile",
    "suspend_proof_seconds",
]
