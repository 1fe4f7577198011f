"""The registry of metrics. Adding one is adding an entry with its function."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from qmtl.metrics import entries_returns, entries_service
from qmtl.metrics.metric import Metric

PLAIN_BLOCKS = ("returns", "pnl", "sample", "risk", "robustness", "diagnostics")
"""Blocks whose metrics may go by their plain name; the first wins. All other blocks are always dotted."""

_ENTRIES = (
    *entries_returns.RETURNS,
    *entries_service.PNL,
    *entries_service.SAMPLE,
    *entries_service.RISK,
    *entries_returns.ROBUSTNESS,
    entries_service.PBO,
    *entries_service.DIAGNOSTICS,
    *entries_service.BENCHMARK,
    *entries_service.STRESS,
    *entries_service.LIVE,
    *entries_service.ALPHA_PERFORMANCE,
)

CATALOGUE: Mapping[str, Metric] = MappingProxyType({metric.dotted: metric for metric in _ENTRIES})
"""Every metric by its dotted name. `stress.<scenario>.*` stand for any scenario; resolve() fills it in."""


def _plain_names() -> dict[str, Metric]:
    ranked = [metric for metric in _ENTRIES if _root(metric) in PLAIN_BLOCKS]
    ranked.sort(key=lambda metric: PLAIN_BLOCKS.index(_root(metric)), reverse=True)
    return {metric.name: metric for metric in ranked}


def _root(metric: Metric) -> str:
    return metric.block.partition(".")[0]


_PLAIN: Mapping[str, Metric] = MappingProxyType(_plain_names())


class UnknownMetric(LookupError):
    """No metric of that name; `nearest` lists the known names closest to it."""

    def __init__(self, name: str, nearest: list[str]) -> None:
        self.name = name
        self.nearest = nearest
        hint = f"; nearest: {', '.join(nearest)}" if nearest else ""
        super().__init__(f"unknown metric {name!r}{hint}")

    def __reduce__(self) -> tuple[type[UnknownMetric], tuple[str, list[str]]]:
        return type(self), (self.name, self.nearest)


def resolve(name: str) -> Metric:
    """The metric of a dotted name, or of a plain one of the blocks that allow it; UnknownMetric otherwise."""
    found = CATALOGUE.get(name) or _PLAIN.get(name) or _stress(name)
    if found is None:
        raise UnknownMetric(name, _nearest(name))
    return found


def _stress(name: str) -> Metric | None:
    """`stress.crash_2008.var_99` is the entry `stress.<scenario>.var_99` for that scenario."""
    block, _, scenario_and_leaf = name.partition(".")
    scenario, _, leaf = scenario_and_leaf.rpartition(".")
    entry = CATALOGUE.get(f"stress.<scenario>.{leaf}")
    if block != "stress" or not scenario or entry is None:
        return None
    return replace(entry, block=f"stress.{scenario}")


def _nearest(name: str) -> list[str]:
    known = [*_PLAIN, *(dotted for dotted in CATALOGUE if "<" not in dotted)]
    return difflib.get_close_matches(name, known, n=3, cutoff=0.5)
