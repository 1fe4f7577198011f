"""How the capital is divided among the strategies that are to be live.

A method gives raw shares; bounds turn them into weights; the canary's fraction comes last. The order in which
strategies are given changes nobody's weight.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from qmtl.metrics import Column
from qmtl.metrics.panel import PanelView, row_sum
from qmtl.portfolio.records import Matrix, Rows, standardised

Method: TypeAlias = Literal["equal", "score", "inverse_volatility", "risk_parity", "hrp"]

LEAST_POINTS = 20
"""Common points below which a record says too little about risk."""

EQUAL_TO = 1e-10
"""Risk contributions that differ by less, relatively, are equal."""

MOST_STEPS = 100  # about ten are taken, more by records that all but cancel each other
CLOSE_STEP = 1e-4
"""How far a step may be from Newton's, relatively: an exact one costs more than the steps that it saves."""

MOST_ORDERED = 300
"""Leaves of a larger tree stay as they grew: their optimal order takes seconds."""

NEGLIGIBLE = 1e-100
"""A share below this part of the greatest one is none: its weight could not be told from 0."""


@dataclass(frozen=True)
class Weighting:
    """Fractions of capital, (n,), each >= 0, by the method that was used; why, where it is not the one asked for."""

    weights: Column
    method_used: Method
    reason: str | None = None


def weights(
    method: Method,
    *,
    n: int,
    scores: Column | None = None,
    returns: Matrix | None = None,
    families: Sequence[str],
    canary: Column,
    max_gross: float | None = 1.0,
    max_weight: float | None = None,
    max_per_family: float | None = None,
    min_points: int = LEAST_POINTS,
) -> Weighting:
    """Weights of n strategies that sum to `max_gross` (None: 1) where the bounds and the canaries allow it.

    `scores` (n,) for `score`: in proportion to the score, nothing for a score that is not positive. `returns`
    (n, periods), NaN where there is none, for the methods of risk, which look at the common points only. Where
    the input does not carry the method, weights are equal and `reason` says why. `canary` (n,): the fraction of
    its weight that each gets, not given to others. ValueError where the arguments differ in length.
    """
    given = {"families": families, "canary": canary, "scores": scores, "returns": returns}
    for name, values in given.items():
        if values is not None and len(values) != n:
            raise ValueError(f"{name} of {len(values)} strategies, not {n}")
    shares, reason = _shares(method, n, scores, returns, min_points)
    bounded = within_bounds(
        np.ones(n) if shares is None else shares,
        families,
        max_gross=max_gross,
        max_weight=max_weight,
        max_per_family=max_per_family,
    )
    return Weighting(bounded * canary, "equal" if shares is None else method, reason)


def _shares(
    method: Method, n: int, scores: Column | None, returns: Matrix | None, min_points: int
) -> tuple[Column | None, str | None]:
    """Raw shares by the method, or None and why it cannot be used."""
    if method == "equal":
        return None, None
    if n < 2:
        return None, "needs at least 2 strategies"
    if method == "score":
        return _by_score(scores)
    return _by_risk(RISK_METHODS[method], returns, min_points)


def _by_score(scores: Column | None) -> tuple[Column | None, str | None]:
    if scores is None or not np.isfinite(scores).all():
        return None, "a score is missing"
    if not (scores > 0).any():
        return None, "no score is positive"
    return np.maximum(scores, 0.0) / scores.max(), None


def _by_risk(
    method: Callable[[Matrix], Column], returns: Matrix | None, min_points: int
) -> tuple[Column | None, str | None]:
    if returns is None:
        return None, "no returns"
    common = np.ascontiguousarray(returns[:, np.isfinite(returns).all(axis=0)]) + 0.0
    if common.shape[1] < max(min_points, 2):
        return None, f"{common.shape[1]} common points, needs {max(min_points, 2)}"
    if not np.isfinite(standardised(common)).all():
        return None, "a record is constant over the common points"
    with np.errstate(all="ignore"):
        shares = _in_own_order(method, common)
    return (shares, None) if np.isfinite(shares).all() else (None, "the method found no weights")


def _in_own_order(method: Callable[[Matrix], Column], returns: Matrix) -> Column:
    """The method applied to the records in an order of their own (their bytes); equal records get their mean."""
    keys = [row.tobytes() for row in returns]
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__))
    ordered = method(returns[order])
    is_new = [place == 0 or keys[order[place]] != keys[order[place - 1]] for place in range(len(order))]
    twins = np.cumsum(is_new) - 1
    shares = np.empty(len(order))
    shares[order] = (np.bincount(twins, ordered) / np.bincount(twins))[twins]
    return shares


def inverse_volatility(returns: Matrix) -> Column:
    """1 / std(r), (n, periods) -> (n,), summing to 1."""
    shares = 1.0 / PanelView(returns, periods_per_year=1.0).deviation
    return np.asarray(shares / shares.sum())


def risk_parity(returns: Matrix) -> Column:
    """Equal contributions to the portfolio's variance, (n, periods) -> (n,), summing to 1.

    Maillard, Roncalli and Teiletche (2010), on the sample's volatilities and shrunk correlations: with
    weights y / volatility the contributions are those of y under the correlations alone. NaN where the
    solver finds no solution.
    """
    shares = equal_contributions(shrunk_correlation(returns)) * inverse_volatility(returns)
    return np.asarray(shares / shares.sum())


@np.errstate(all="ignore")
def equal_contributions(covariance: Matrix) -> Column:
    """The weights > 0, summing to 1, with equal contributions w_i (C w)_i; (n, n) -> (n,).

    The minimum of n x'Cx / 2 - sum(log x) (Spinu 2013) by Newton's method, damped while far away. Steps are
    relative to x: the gradient then is by how much each contribution is too large. NaN where contributions do
    not become equal, as for two strategies that cancel each other.
    """
    n = len(covariance)
    x = 1.0 / np.sqrt(n * np.diag(covariance))
    for _ in range(MOST_STEPS):
        surplus = n * x * row_sum(covariance * x) - 1.0
        if np.abs(surplus).max() <= EQUAL_TO:
            return np.asarray(x / x.sum())
        step = _solve(n * covariance * np.outer(x, x) + np.eye(n), surplus)
        decrement = math.sqrt(max(0.0, float((surplus * step).sum())))
        x *= 1.0 - step / (1.0 + decrement if decrement > 0.25 else 1.0)
    return np.full(n, np.nan)


def _solve(matrix: Matrix, target: Column) -> Column:
    """Solution of a positive definite system by conjugate gradients (Hestenes and Stiefel 1952).

    Without LAPACK, whose last bits differ from one processor to the next: decisions are replayed.
    """
    solution, residual, direction = np.zeros_like(target), target.copy(), target.copy()
    size = float((residual * residual).sum())
    enough = CLOSE_STEP**2 * size
    for _ in range(2 * len(target)):
        if size <= enough:
            break
        image = row_sum(matrix * direction)
        length = np.float64(size) / (direction * image).sum()
        solution += length * direction
        residual -= length * image
        before, size = size, float((residual * residual).sum())
        direction = residual + size / before * direction
    return solution


def shrunk_correlation(returns: Matrix) -> Matrix:
    """Correlations drawn towards 0 by what their own sampling error asks for, (n, periods) -> (n, n).

    Schaefer and Strimmer (2005): (1 - l) r_ij with l = sum var(r_ij) / sum r_ij^2 over i != j, at most 1.
    Hardly any shrinkage over long records; positive definite even where there are fewer points than records.
    """
    n, periods = returns.shape
    unit = standardised(returns) * math.sqrt(periods - 1)
    correlation, error = np.eye(n), 0.0
    for i in range(n):
        products = unit * unit[i]
        mean = row_sum(products) / periods
        spread = row_sum((products - mean[:, None]) ** 2) * periods / (periods - 1) ** 3
        correlation[i] = mean * periods / (periods - 1)
        error += float(spread.sum() - spread[i])
    np.fill_diagonal(correlation, 0.0)
    squares = float((correlation**2).sum())
    kept = 1.0 - min(1.0, error / squares) if squares > 0 else 0.0
    return kept * correlation + np.eye(n)


def hierarchical_risk_parity(returns: Matrix) -> Column:
    """Capital split down a tree of similar records, the riskier half getting less; (n, periods) -> (n,), sum 1.

    Lopez de Prado (2016): distance sqrt((1 - r) / 2), records in the order of the tree's leaves, then halved
    again and again, each half with the variance that it has under inverse-variance weights. As skfolio has it
    by default: Ward's linkage, leaves in optimal order (Bar-Joseph and others 2001). NaN where both halves have
    no variance.
    """
    unit = standardised(returns)
    correlation = np.stack([row_sum(unit * row) for row in unit])
    deviation = PanelView(returns, periods_per_year=1.0).deviation
    distance = np.sqrt(np.clip((1.0 - correlation) / 2.0, 0.0, 1.0))
    np.fill_diagonal(distance, 0.0)
    tree = linkage(
        squareform(distance, checks=False), method="ward", optimal_ordering=len(unit) <= MOST_ORDERED
    )
    return _bisected(correlation * np.outer(deviation, deviation), leaves_list(tree))


def _bisected(covariance: Matrix, order: Rows) -> Column:
    """Weights by halving the order; a half gets the other half's part of the variance."""
    shares = np.ones(len(order))
    parts = [order]
    while parts:
        part = parts.pop()
        if len(part) > 1:
            left, right = part[: len(part) // 2], part[len(part) // 2 :]
            risk = _inverse_variance_risk(covariance, left), _inverse_variance_risk(covariance, right)
            shares[left] *= risk[1] / (risk[0] + risk[1])
            shares[right] *= risk[0] / (risk[0] + risk[1])
            parts += [left, right]
    return shares


def _inverse_variance_risk(covariance: Matrix, members: Rows) -> np.float64:
    """Variance of some strategies under inverse-variance weights."""
    among = covariance[np.ix_(members, members)]
    inverse = 1.0 / np.diag(among)
    weight = inverse / inverse.sum()
    return np.float64(max(0.0, (weight * row_sum(among * weight)).sum()))


RISK_METHODS: dict[str, Callable[[Matrix], Column]] = {
    "inverse_volatility": inverse_volatility,
    "risk_parity": risk_parity,
    "hrp": hierarchical_risk_parity,
}


def within_bounds(
    shares: Column,
    families: Sequence[str],
    *,
    max_gross: float | None,
    max_weight: float | None,
    max_per_family: float | None,
) -> Column:
    """Weights in proportion to the shares, as large as the bounds allow, their sum at most `max_gross` (None: 1).

    What a bound takes from one goes to those that are below theirs, in proportion (water filling): each weight
    is min(share x level, own bound, share x level at which its family is full), with one level for all.
    """
    gross = 1.0 if max_gross is None else max_gross
    limits = np.full(len(shares), gross if max_weight is None else min(max_weight, gross))
    if max_per_family is not None:
        members: dict[str, list[int]] = defaultdict(list)
        for place, family in enumerate(families):
            members[family].append(place)
        for places in members.values():
            limits[places] = _filled(shares[places], limits[places], max_per_family)
    return _filled(shares, limits, gross)


def _filled(shares: Column, limits: Column, total: float) -> Column:
    """min(share x level, limit) with the level at which they sum to the total; the limits where they do not reach it."""
    filled = np.zeros(len(shares))
    is_open = shares > NEGLIGIBLE * shares.max(initial=0.0)
    while is_open.any():
        # fsum is exact, hence the same in any order.
        level = max(0.0, total - math.fsum(filled)) / math.fsum(shares[is_open])
        is_full = is_open & (shares * level >= limits)
        filled[is_full] = limits[is_full]
        is_open &= ~is_full
        if not is_full.any():
            filled[is_open] = shares[is_open] * level
            break
    return filled
