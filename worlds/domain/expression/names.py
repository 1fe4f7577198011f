"""Names of the expression language: which figure of which record a name stands for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, Literal, TypeAlias

from qmtl.metrics import CATALOGUE, UnknownMetric, resolve

Kind: TypeAlias = Literal[
    "metric", "window", "worst", "pnl_daily", "rank", "pct_rank", "live", "stress", "benchmark", "extra"
]
Sign: TypeAlias = Literal["+", "-", "any"]

MAX_NAME_LENGTH: Final = 96
MAX_WINDOW_DAYS: Final = 3650
LIVE_DAYS: Final = (30, 60, 90)
LIVE_METRICS: Final[Mapping[str, Sign]] = {
    m.name: m.sign for m in CATALOGUE.values() if m.block == "live.30d"
}
BENCHMARK_METRICS: Final[Mapping[str, Sign]] = {
    m.name: m.sign for m in CATALOGUE.values() if m.block == "benchmark"
}
STRESS_METRICS: Final[Mapping[str, Sign]] = {
    m.name: m.sign for m in CATALOGUE.values() if m.block.startswith("stress.")
}
PNL_DAILY: Final = ("pnl_daily_mean", "pnl_daily_min")

# Blocks that are no figures of the candidate's own record: reached by their own prefixes, if at all.
_OWN_PREFIX: Final = frozenset({"benchmark", "stress", "live", "alpha_performance"})
_WINDOW = re.compile(r"([1-9][0-9]{0,3})d\.(.+)", re.ASCII)
_INTERVAL = re.compile(r"[1-9][0-9]{0,5}[smhdw]", re.ASCII)


class UnknownName(ValueError):
    """No metric has this name; `nearest` has those that look like it."""

    def __init__(self, message: str, nearest: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.nearest = list(nearest)


@dataclass(frozen=True, slots=True)
class MetricName:
    """What a name stands for.

    `metric` is the dotted catalogue name for kinds `metric` and `window`, the plain one for `live`, `stress`,
    `benchmark`, `extra` and `pnl_daily`, the interval for `worst`, and empty for `rank` and `pct_rank`, whose
    metric is `base`.
    """

    kind: Kind
    metric: str
    days: int | None = None
    scenario: str | None = None
    base: MetricName | None = None

    @property
    def text(self) -> str:
        """The canonical spelling: plain where that is unique, else dotted."""
        match self.kind:
            case "metric":
                return short_name(self.metric)
            case "window":
                return f"{self.days}d.{short_name(self.metric)}"
            case "rank" | "pct_rank":
                assert self.base is not None
                return f"{self.kind}.{self.base.text}"
            case "live":
                return f"live.{self.days}d.{self.metric}"
            case "stress":
                return f"stress.{self.scenario}.{self.metric}"
            case "pnl_daily":
                return self.metric
            case _:
                return f"{self.kind}.{self.metric}"

    @property
    def sign(self) -> Sign:
        """The sign that the figure always has: `+` (>= 0), `-` (<= 0) or `any`."""
        match self.kind:
            case "metric" | "window":
                return CATALOGUE[self.metric].sign
            case "rank" | "pct_rank":
                return "+"
            case "live":
                return LIVE_METRICS[self.metric]
            case "stress":
                return STRESS_METRICS[self.metric]
            case "benchmark":
                return BENCHMARK_METRICS[self.metric]
            case _:
                return "any"

    def __str__(self) -> str:
        return self.text


def parse_name(text: str) -> MetricName:
    """What `text` stands for.

    Raises `UnknownName` with the nearest known names.
    """
    if len(text) > MAX_NAME_LENGTH:
        raise UnknownName(f"a name has at most {MAX_NAME_LENGTH} characters")
    head, _, rest = text.partition(".")
    match head:
        case "rank" | "pct_rank":
            return MetricName(head, "", base=_ranked(head, rest))
        case "live":
            return _live(rest)
        case "stress":
            return _stress(rest)
        case "benchmark":
            return MetricName("benchmark", _one_of(rest, BENCHMARK_METRICS, prefix="benchmark."))
        case "worst":
            return MetricName("worst", _interval(rest))
        case "extra":
            return MetricName("extra", _extra(rest))
        case _ if text in PNL_DAILY:
            return MetricName("pnl_daily", text)
        case _:
            return _of_record(text)


def _of_record(text: str) -> MetricName:
    if match := _WINDOW.fullmatch(text):
        days = int(match[1])
        if days > MAX_WINDOW_DAYS:
            raise UnknownName(f"{text}: a window has at most {MAX_WINDOW_DAYS} days")
        return MetricName("window", _catalogued(match[2], prefix=f"{days}d."), days=days)
    return MetricName("metric", _catalogued(text))


def _catalogued(text: str, *, prefix: str = "") -> str:
    dotted = _lookup(text)
    if dotted is None:
        near = nearest(text, metric_names() if prefix else every_name())
        raise UnknownName(f"unknown metric {prefix}{text}", [prefix + name for name in near])
    return dotted


@lru_cache(maxsize=1024)
def _lookup(text: str) -> str | None:
    """The dotted name of a candidate's own metric; None where there is none."""
    try:
        dotted = resolve(text).dotted
    except UnknownMetric:
        return None
    return dotted if dotted in own_metrics() else None


@cache
def own_metrics() -> frozenset[str]:
    """Dotted names of the figures of a candidate's own record."""
    return frozenset(dotted for dotted in CATALOGUE if dotted.partition(".")[0] not in _OWN_PREFIX)


@cache
def short_name(dotted: str) -> str:
    plain = CATALOGUE[dotted].name
    return plain if _lookup(plain) == dotted else dotted


@cache
def metric_names() -> tuple[str, ...]:
    """Every way to write a metric of the catalogue."""
    return tuple(sorted({*own_metrics(), *(short_name(dotted) for dotted in own_metrics())}))


@cache
def every_name() -> tuple[str, ...]:
    """Every fixed name; those with a free part (windows, scenarios, extras) are not listed."""
    return (*metric_names(), *PNL_DAILY, *(f"benchmark.{name}" for name in BENCHMARK_METRICS))


def _ranked(kind: str, rest: str) -> MetricName:
    try:
        return _of_record(rest)
    except UnknownName as unknown:
        raise UnknownName(
            f"{kind}.{rest}: {unknown}", [f"{kind}.{name}" for name in unknown.nearest]
        ) from None


def _live(rest: str) -> MetricName:
    window, _, metric = rest.partition(".")
    days = {f"{number}d": number for number in LIVE_DAYS}
    if window not in days:
        raise UnknownName(
            f"live.{rest}: live figures cover 30d, 60d or 90d", [f"live.{w}.{metric}" for w in days]
        )
    return MetricName("live", _one_of(metric, LIVE_METRICS, prefix=f"live.{window}."), days=days[window])


def _stress(rest: str) -> MetricName:
    scenario, _, metric = rest.partition(".")
    if not scenario:
        raise UnknownName("write stress.<scenario>.<metric>")
    return MetricName(
        "stress", _one_of(metric, STRESS_METRICS, prefix=f"stress.{scenario}."), scenario=scenario
    )


def _interval(rest: str) -> str:
    if not _INTERVAL.fullmatch(rest):
        raise UnknownName(f"worst.{rest}: write the interval as 5m, 1h, 1d or 1w", ["worst.5m", "worst.1d"])
    return rest


def _extra(rest: str) -> str:
    if not rest or "." in rest:
        raise UnknownName("write extra.<name>, without a second dot")
    return rest


def _one_of(text: str, known: Iterable[str], *, prefix: str) -> str:
    names = list(known)
    if text not in names:
        near = nearest(text, names) or names
        raise UnknownName(f"unknown metric {prefix}{text}", [prefix + name for name in near])
    return text


def nearest(text: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that look like `text`, the likeliest first."""
    return difflib.get_close_matches(text[:MAX_NAME_LENGTH], list(known), n=3, cutoff=0.6)
