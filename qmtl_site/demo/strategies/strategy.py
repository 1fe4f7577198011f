"""What a demo strategy is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qmtl_site.demo.prices import Prices

Weights: TypeAlias = NDArray[np.float64]
"""(days, assets): share of the equity wanted at each close, negative for a short; NaN rows trade nothing."""

DAYS_PER_YEAR = 252
TEN_YEARS = 10 * DAYS_PER_YEAR


@dataclass(frozen=True, slots=True)
class DemoStrategy:
    """A strategy as the demo registers it, with the function that trades it."""

    id: str
    name: str
    family: str
    tags: tuple[str, ...]
    side: Literal["long", "short", "both"]
    description: str
    weights: Callable[[Prices], Weights]
    search_intensity: int | None = None  # variants tried on these prices before this one
    record_days: int = TEN_YEARS  # how long it has been run
