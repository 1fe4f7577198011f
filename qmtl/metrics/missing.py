"""Why a figure is missing, in words, each with the test that tells so."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from qmtl.metrics.cross_validation import LEAST_PERIODS, fold_sharpes, sharpe_first_half, sharpe_second_half
from qmtl.metrics.panel import Mask, PanelView
from qmtl.metrics.tail import quantile


class Why(NamedTuple):
    """A reason and the question, asked of a block of strategies, whether it holds."""

    words: str
    holds: Callable[[PanelView], Mask]


def _everywhere(view: PanelView, answer: bool) -> Mask:
    return np.full(view.strategies, answer)


def _has_undefined_fold(view: PanelView) -> Mask:
    return np.asarray(np.isnan(fold_sharpes(view)).any(axis=1))


def _has_no_drawdown(view: PanelView) -> Mask:
    return np.asarray(view.drawdown.min(axis=1) == 0)


def _has_no_tail(view: PanelView) -> Mask:
    return np.asarray(~(np.abs(quantile(view, 0.05)) > 0))


NO_RETURNS = Why("no returns", lambda view: _everywhere(view, view.periods == 0))
NOT_RETURNS = Why("not a series of returns (NaN, Infinity or below -1)", lambda view: ~view.valid)
OVERFLOW = Why("not a finite number", lambda view: _everywhere(view, True))

TWO_POINTS = Why("needs at least 2 points", lambda view: _everywhere(view, view.periods < 2))
SIXTY_POINTS = Why(
    f"needs at least {LEAST_PERIODS} points", lambda view: _everywhere(view, view.periods < LEAST_PERIODS)
)
FOUR_POINTS = Why("needs at least 4 points", lambda view: _everywhere(view, view.periods < 4))
THREE_POINTS = Why("needs at least 3 points", lambda view: _everywhere(view, view.periods < 3))
ZERO_VARIANCE = Why("zero variance", lambda view: view.constant)
ZERO_VARIANCE_FOLD = Why("zero variance in a fold", _has_undefined_fold)
ZERO_VARIANCE_FIRST = Why("zero variance in the first half", lambda view: np.isnan(sharpe_first_half(view)))
ZERO_VARIANCE_SECOND = Why(
    "zero variance in the second half", lambda view: np.isnan(sharpe_second_half(view))
)
NO_LOSS = Why("no losing period", lambda view: np.asarray(np.isnan(view.losses)))
NO_MOVE = Why("no return other than zero", lambda view: np.asarray(~view.returns.any(axis=1)))
NO_DRAWDOWN = Why("no drawdown", _has_no_drawdown)
NO_SKILL = Why("the Sharpe is not above zero", lambda view: ~(view.sharpe > 0))
NO_TAIL = Why("the lower quantile is zero", _has_no_tail)
NO_ERROR = Why("the Sharpe's error is not positive", lambda view: ~view.constant)
BAD_TRIALS = Why(
    "fewer than one trial or a negative variance of the trials",
    lambda view: (view.trials < 1) | (view.trial_sharpe_variance < 0),
)
