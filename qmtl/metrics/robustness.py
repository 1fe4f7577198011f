"""How far a Sharpe can be trusted: small functions of moments, arrays or numbers alike.

Everywhere the Sharpe is per period (never annualised) and the kurtosis raw (3 for a normal).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from qmtl.metrics.panel import Column

CONFIDENCE = 0.95


def expected_max_sharpe(trials: ArrayLike, variance: ArrayLike) -> Column:
    """Expected greatest per-period Sharpe among N skilless trials (Bailey and Lopez de Prado 2014, eq. 1).

    sqrt(V) ((1-g) z(1-1/N) + g z(1-1/(N e))), g = Euler-Mascheroni; 0 at N = 1, NaN at N < 1 or V < 0.
    """
    number = np.asarray(trials, dtype=np.float64)
    spread = np.asarray(variance, dtype=np.float64)
    with np.errstate(all="ignore"):
        # -z(1/N) is z(1 - 1/N) without the rounding of 1 - 1/N
        far = -ndtri(1.0 / number) * (1.0 - np.euler_gamma) - ndtri(1.0 / (number * np.e)) * np.euler_gamma
        expected = np.sqrt(spread) * np.where(number > 1.0, far, np.where(number == 1.0, 0.0, np.nan))
    return np.asarray(np.where(number == 1.0, 0.0, expected), dtype=np.float64)


def sharpe_variance_factor(sharpe: ArrayLike, skew: ArrayLike, kurtosis: ArrayLike) -> Column:
    """1 - g3 s + (g4 - 1)/4 s^2, the factor by which tails widen the Sharpe's error (Mertens 2002).

    NaN where it is not positive, which only two-valued series reach.
    """
    s, g3, g4 = (np.asarray(each, dtype=np.float64) for each in (sharpe, skew, kurtosis))
    with np.errstate(all="ignore"):
        factor = 1.0 - g3 * s + (g4 - 1.0) / 4.0 * s * s
        return np.asarray(np.where(factor > 0, factor, np.nan), dtype=np.float64)


def probabilistic_sharpe_ratio(
    sharpe: ArrayLike, periods: ArrayLike, skew: ArrayLike, kurtosis: ArrayLike, benchmark: ArrayLike = 0.0
) -> Column:
    """Probability that the true Sharpe exceeds a benchmark (Bailey and Lopez de Prado 2012); 0..1.

    Phi((s - s*) sqrt(T-1) / sqrt(1 - g3 s + (g4-1)/4 s^2)); NaN where a moment is missing.
    """
    s = np.asarray(sharpe, dtype=np.float64)
    steps = np.asarray(periods, dtype=np.float64) - 1.0
    with np.errstate(all="ignore"):
        error = np.sqrt(sharpe_variance_factor(s, skew, kurtosis) / steps)
        return np.asarray(ndtr((s - np.asarray(benchmark, dtype=np.float64)) / error), dtype=np.float64)


def deflated_sharpe_ratio(
    sharpe: ArrayLike,
    periods: ArrayLike,
    skew: ArrayLike,
    kurtosis: ArrayLike,
    trials: ArrayLike,
    variance: ArrayLike,
) -> Column:
    """PSR against the expected greatest of N trials (Bailey and Lopez de Prado 2014); 0..1.

    At N = 1 it equals PSR; at fixed V it never rises with N.
    """
    return probabilistic_sharpe_ratio(sharpe, periods, skew, kurtosis, expected_max_sharpe(trials, variance))


def min_track_record_length(
    sharpe: ArrayLike,
    skew: ArrayLike,
    kurtosis: ArrayLike,
    benchmark: ArrayLike = 0.0,
    confidence: float = CONFIDENCE,
) -> Column:
    """Periods after which PSR reaches the confidence (Bailey and Lopez de Prado 2012); > 1.

    1 + (1 - g3 s + (g4-1)/4 s^2) (z(confidence) / (s - s*))^2; NaN where s <= s*.
    """
    lead = np.asarray(sharpe, dtype=np.float64) - np.asarray(benchmark, dtype=np.float64)
    with np.errstate(all="ignore"):
        factor = sharpe_variance_factor(sharpe, skew, kurtosis)
        length = 1.0 + factor * np.square(ndtri(confidence) / np.where(lead > 0, lead, np.nan))
    return np.asarray(length, dtype=np.float64)
