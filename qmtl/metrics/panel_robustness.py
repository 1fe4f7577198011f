"""The robustness formulas bound to a block of strategies; see robustness.py for what they say."""

from __future__ import annotations

from qmtl.metrics import robustness
from qmtl.metrics.panel import Column, PanelView


def probabilistic_sharpe_ratio(view: PanelView) -> Column:
    """Probability that the true Sharpe is above zero; 0..1; NaN at zero variance."""
    return robustness.probabilistic_sharpe_ratio(view.sharpe, view.periods, view.skew, view.kurtosis)


def deflated_sharpe_ratio(view: PanelView) -> Column:
    """PSR against the expected greatest of the strategy's trials; 0..1; NaN at zero variance."""
    return robustness.deflated_sharpe_ratio(
        view.sharpe, view.periods, view.skew, view.kurtosis, view.trials, view.trial_sharpe_variance
    )


def min_track_record_length(view: PanelView) -> Column:
    """Periods after which PSR reaches 95 %; > 1; NaN where the Sharpe is not above zero."""
    return robustness.min_track_record_length(view.sharpe, view.skew, view.kurtosis)
