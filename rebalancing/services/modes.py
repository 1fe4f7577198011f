"""Orders that wait follow their strategies: who went live, or back to paper, trades as he stands now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from rebalancing.domain.book import Strategy
from rebalancing.domain.orders import Standing
from rebalancing.models import Order
from rebalancing.services.orders import strategies_of

MIXED = "E_MIXED_MODES"


def follow_modes(
    waiting: Iterable[Order], standings: Mapping[Strategy, Standing], *, at: datetime
) -> tuple[list[Order], list[Order]]:
    """Those that can be sent in one mode, set to it, and those whose strategies have parted: no account is both."""
    live = {world for (world, _), each in standings.items() if each.mode == "live"}
    agreed, parted = [], []
    for order in waiting:
        modes = {standings[each].mode for each in strategies_of(order)}
        if not modes:  # a proxy: it trades like the world that it is for
            modes = {"live" if order.world_id in live else "paper"}
        if len(modes) > 1:
            parted.append(order)
            continue
        agreed.append(order)
        (mode,) = modes
        if order.mode != mode:
            order.mode, order.updated_at = mode, at
    return agreed, parted
