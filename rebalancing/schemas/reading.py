"""From what was sent to the terms of a plan."""

from __future__ import annotations

from rebalancing.domain.terms import HybridTerms, OverlayTerms, Terms
from rebalancing.schemas.plans import PlanInput


def terms_of(asked: PlanInput) -> Terms:
    overlay, hybrid = asked.overlay, asked.hybrid
    return Terms(
        total_equity=asked.total_equity,
        before=asked.world_alloc_before,
        after=asked.world_alloc_after,
        strategies_before=asked.strategy_alloc_before_total,
        strategies_after=asked.strategy_alloc_after_total,
        min_trade_notional=asked.min_trade_notional,
        lots=asked.lot_size_by_symbol,
        mode=asked.mode,
        overlay=OverlayTerms(
            overlay.instrument_by_world, overlay.price_by_symbol, overlay.min_order_notional
        ),
        hybrid=HybridTerms(hybrid.scale_min_notional, hybrid.cost_bps, hybrid.default_cost_bps),
        shared_account=asked.shared_account,
    )
