"""From what a caller posted to arrays that can be judged; each fault with its pointer, nothing written before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import orjson
from django.utils import timezone
from numpy.typing import NDArray

from evaluation.models import EvaluationRun, RunInput
from evaluation.schemas import Results
from qmtl.metrics import CATALOGUE, BadSeries, UnknownMetric, check_returns, resolve, returns_from_equity
from qmtl_site.blobs import store
from qmtl_site.http.problems import pointer
from qmtl_site.http.refusals import Fault, Invalid
from worlds.domain.series import SeriesInput, SeriesRefused, Times, read_times

Floats = NDArray[np.float64]
FAULTS_TOLD = 20
CLIENT_BLOCKS = ("returns", "pnl", "sample", "risk", "robustness", "diagnostics")
BESIDE_AN_ERROR = frozenset({"error", "meta"})


@dataclass(frozen=True)
class Taken:
    """Checked results. `equity` has E_0 first; None where only returns are known."""

    document: dict[str, Any]
    request_hash: str
    times: Times | None = None
    returns: Floats | None = None
    equity: Floats | None = None
    benchmark: tuple[Times, Floats] | None = None


def canonical_hash(document: Any) -> str:
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def take(results: Results, *, at: str = "") -> Taken:
    """Check everything; Invalid with the pointers of the faults. `at` is where the results stand in the body."""
    refuse_bad_error(results, at)
    refuse_bad_metrics(results, at)
    series = record_series(results, at)
    benchmark = None
    if results.benchmark_returns is not None:
        returns, times = checked(results.benchmark_returns, f"{at}/benchmark_returns")
        benchmark = (times, returns)
    told = results.model_dump(
        mode="json", exclude_none=True, include={"trades", "metrics", "risk", "meta", "error"}
    ) | spoken_of(results)
    whole = results.model_dump(mode="json", exclude_none=True)
    return Taken(told, canonical_hash(whole), *series, benchmark=benchmark)


def spoken_of(results: Results) -> dict[str, Any]:
    """What the series objects say beside their values."""
    if results.returns is not None:
        return {"series": "returns", "source": results.returns.source}
    account = results.equity or results.pnl
    if account is None:
        return {"series": None}
    kind = "equity" if results.equity is not None else "pnl"
    return {"series": kind, "reference_currency": account.reference_currency}


def record_series(results: Results, at: str) -> tuple[Times | None, Floats | None, Floats | None]:
    """Times, returns and equity of the record."""
    if results.returns is not None:
        returns, times = checked(results.returns, f"{at}/returns")
        return times, returns, None
    if results.equity is not None:
        return from_equity(
            results.equity, np.array(results.equity.values), results.equity.starting_capital, f"{at}/equity"
        )
    if results.pnl is not None:
        with np.errstate(over="ignore", invalid="ignore"):  # an equity that is not finite is refused below
            equity = results.pnl.starting_capital + np.cumsum(results.pnl.values)
        return from_equity(results.pnl, equity, results.pnl.starting_capital, f"{at}/pnl")
    return None, None, None


def checked(series: SeriesInput, at: str) -> tuple[Floats, Times]:
    try:
        return check_returns(series.values), read_times(series)
    except (SeriesRefused, BadSeries) as refused:
        raise refused_series(refused, at) from None


def from_equity(
    series: SeriesInput, equity: Floats, capital: float | None, at: str
) -> tuple[Times, Floats, Floats]:
    try:
        times = read_times(series)
        returns = check_returns(returns_from_equity(equity, capital), name="returns from equity")
    except (SeriesRefused, BadSeries) as refused:
        raise refused_series(refused, at) from None
    if capital is None:
        return times[1:], returns, equity
    return times, returns, np.concatenate(([capital], equity))


def refused_series(refused: SeriesRefused | BadSeries, at: str) -> Invalid:
    if isinstance(refused, SeriesRefused):
        return Invalid.at(at + "".join(f"/{part}" for part in refused.path), refused.reason)
    place = "" if refused.index is None else f"/{refused.index}"
    return Invalid.at(f"{at}/values{place}", refused.reason)


def refuse_bad_error(results: Results, at: str) -> None:
    """An error stands in place of a record; and a node is named just where one failed."""
    error = results.error
    if error is None:
        return
    faults = [
        Fault(f"{at}/{name}", "an error stands alone: what failed has no record, only meta beside it")
        for name in type(results).model_fields
        if name not in BESIDE_AN_ERROR and getattr(results, name) is not None
    ]
    if error.kind == "node" and error.node is None:
        faults.append(Fault(f"{at}/error/node", "say which node failed"))
    if error.kind != "node" and error.node is not None:
        faults.append(
            Fault(f"{at}/error/node", f"only an error of kind node has one, not one of {error.kind}")
        )
    if faults:
        raise Invalid(faults[0].detail, faults=faults)


def refuse_bad_metrics(results: Results, at: str) -> None:
    """Names outside the catalogue (they may stand in meta.extra_metrics only), and figures that cannot be."""
    faults = list(islice(bad_metrics(results.metrics or {}, at), FAULTS_TOLD))
    if faults:
        raise Invalid(faults[0].detail, faults=faults)


def bad_metrics(given: Mapping[str, Mapping[str, float]], at: str) -> Iterator[Fault]:
    for block, values in given.items():
        if block not in CLIENT_BLOCKS:
            yield Fault(at + pointer(("metrics", block)), f"there is no block {block[:80]!r}", CLIENT_BLOCKS)
            continue
        for name, value in values.items():
            place, metric = at + pointer(("metrics", block, name)), CATALOGUE.get(f"{block}.{name}")
            if metric is None:
                yield Fault(place, f"there is no metric {block}.{name[:80]}", nearest(block, name))
            elif (reason := metric.impossible(value)) is not None:
                yield Fault(place, reason)


def nearest(block: str, name: str) -> tuple[str, ...]:
    try:
        return (resolve(name).dotted,)
    except UnknownMetric:
        pass
    try:
        resolve(f"{block}.{name}")
    except UnknownMetric as unknown:
        return tuple(unknown.nearest)
    return ()


def keep(run: EvaluationRun, taken: Taken) -> None:
    keep_many([(run, taken)])


def keep_many(given: Sequence[tuple[EvaluationRun, Taken]]) -> None:
    """Write the inputs: series by content hash, the rest as JSON."""
    arrays = [arrays_of(taken) for _, taken in given]
    names = iter(store.put_many(data for each in arrays for data in each.values()))
    now = timezone.now()
    RunInput.objects.bulk_create(
        RunInput(
            run=run,
            request_hash=taken.request_hash,
            document=orjson.dumps(taken.document).decode(),
            received_at=now,
            **{f"{field}_id": next(names) for field in each},
        )
        for (run, taken), each in zip(given, arrays, strict=True)
    )


def arrays_of(taken: Taken) -> dict[str, bytes]:
    """Bytes of the series that there are, by the field of the input."""
    arrays: dict[str, bytes] = {}
    if taken.times is not None and taken.returns is not None:
        arrays |= {"times": store.integer_bytes(taken.times), "returns": store.float_bytes(taken.returns)}
    if taken.equity is not None:
        arrays["equity"] = store.float_bytes(taken.equity)
    if taken.benchmark is not None:
        times, returns = taken.benchmark
        arrays |= {
            "benchmark_times": store.integer_bytes(times),
            "benchmark_returns": store.float_bytes(returns),
        }
    return arrays
