"""The page docs/metrics.md, made from the catalogue: python -m qmtl.metrics.document > docs/metrics.md"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from qmtl.metrics.catalogue import CATALOGUE, PLAIN_BLOCKS
from qmtl.metrics.metric import Metric
from qmtl.metrics.robustness import (
    deflated_sharpe_ratio,
    min_track_record_length,
    probabilistic_sharpe_ratio,
)

DAY = 250**-0.5

HEAD = """\
# Metrics

Generated from the catalogue by `python -m qmtl.metrics.document > docs/metrics.md`; do not edit.

Inputs are simple net returns per period `r_1 .. r_T` (oldest first), the periods per year `P` (252 daily,
365 daily crypto, 8760 hourly crypto) and the equity `E_0 = 1`, `E_t = E_{t-1}(1 + r_t)`. Fractions are
fractions (0.05 is five percent); losses named VaR and ES are positive, drawdowns are negative.

A figure that cannot be computed is `null` with its reason; never NaN, Infinity or a stand-in 0. Beside the
reasons in the tables any figure is missing where the result is not a finite number (overflow). A series
with NaN, Infinity or a return below -1 is refused with the index of the first bad point. A return of exactly
-1 is a total loss: equity stays 0, the drawdown is -1. A series is constant when its returns differ by no
more than rounding: 1e-12 of the largest, or a few 1e-16, for a return is a ratio less one.

A metric of the blocks %s goes by its plain name too (`sharpe` is `returns.sharpe`); all others are always
dotted. *Sign*: `+` never negative, `-` never positive. *Better*: which way is better."""

DISAGREE = """\
## Where libraries disagree and why we chose as we did

- **Kurtosis in PSR, DSR and MinTRL.** The formulas take the raw fourth moment (3 for a normal). QuantStats
  feeds an excess kurtosis into a term that subtracts 3 once more, and multiplies the probability by
  sqrt(252) when asked to annualise. Here the kurtosis is raw and a probability stays a probability.
- **Sharpe in PSR, DSR and MinTRL.** Always per period. Feeding an annualised Sharpe inflates the statistic
  by sqrt(P) and answers nearly 1 for everything.
- **Skew and kurtosis.** Population moments, as in the papers and in `scipy.stats.skew` and
  `kurtosis(fisher=False)`. pandas corrects for bias, and its kurtosis is an excess.
- **Sharpe.** ddof=1, annualised by sqrt(P), risk-free rate divided by P. empyrical agrees, but takes its
  `risk_free` per period and not per year. A constant series has none here; elsewhere rounding makes it
  1e15 or so.
- **Sortino.** The downside deviation runs over all periods (a gain counts as 0), as in empyrical and in
  Sortino's own text; taking the standard deviation of the losing returns only is a common error.
- **Annualisation.** By the world's P everywhere. empyrical maps the words daily, weekly, monthly to 252, 52,
  12 and its cagr counts years as T/P like ours; QuantStats counts calendar days between dates, so that gaps
  in the record change its cagr.
- **Maximum drawdown.** The starting equity counts as the first peak: a strategy that only loses has a
  drawdown from its first period on. empyrical agrees; libraries that start from the first equity value miss
  the first loss.
- **VaR and ES.** Positive fractions, not below 0. empyrical returns the signed quantile. The quantile is
  interpolated (Hyndman and Fan type 7, numpy's default). ES averages all returns at or below it; empyrical
  averages a fixed number of order statistics, which differs where several returns equal the quantile.
- **Tail ratio.** As in empyrical, where the lower quantile is not 0; where it is, empyrical divides by it.
- **Win rate.** Among non-zero returns: periods without a position are neither won nor lost.
- **Time under water.** Days per period are 1 for P in 252..366 (a trading day counts as one), else 365/P.
- **Folds.** The standard deviation over folds has ddof=1; a fold of zero variance makes mean and deviation
  missing rather than quietly averaging fewer folds. Folds and halves use the same Sharpe as `sharpe`, with
  the world's risk-free rate; PSR, DSR and MinTRL use the plain mean.
- **PBO.** Ranks are rank / (members + 1), ties share their mean rank and logit(w) = 0 counts as overfit. Of
  several best in sample the one that is worst out of sample is taken. To reach a multiple of 16 the oldest
  points are dropped. A member without variance in a half ranks below those that have a Sharpe.
- **Incremental VaR and ES.** The strategy comes on top of the portfolio at its weight (portfolio + weight x
  strategy); the portfolio is not scaled down for it."""

TRIALS = """\
## Trials

The deflated Sharpe ratio asks how the best of N skilless trials would have looked. N is the larger of the
runs that the system has counted for the strategy's family across all worlds and the number that the author
declares (`diagnostics.search_intensity`); V is the variance (ddof=1) of the trials' per-period Sharpes, or
1/(T-1), the variance of a skilless Sharpe's estimate, where fewer than two trials are known. With N = 1 DSR
equals PSR; at fixed V it never rises with N."""


def page() -> str:
    """The whole page as Markdown, with a newline at its end."""
    blocks = groupby(CATALOGUE.values(), key=lambda metric: metric.block)
    tables = [f"## {_title(block)}\n\n{table(metrics)}" for block, metrics in _merged(blocks)]
    head = HEAD % ", ".join(f"`{block}`" for block in PLAIN_BLOCKS)
    return "\n\n".join([head, *tables, DISAGREE, TRIALS, golden_vectors()]) + "\n"


def table(metrics: Iterable[Metric]) -> str:
    """One Markdown table of metrics."""
    lines = ["| name | unit | sign | better | formula | source | missing when |", "|" + " --- |" * 7]
    for metric in metrics:
        cells = (
            f"`{metric.name}`", metric.unit, f"`{metric.sign}`", metric.direction, f"`{metric.formula}`",
            metric.source, metric.missing_when,
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def golden_vectors() -> str:
    """The papers' worked examples beside what the kernel says."""
    lines = [
        "## Golden vectors\n",
        "The papers' worked examples; they are tests. Sharpes are given per year.\n",
        "| example | paper | kernel |",
        "| --- | --- | --- |",
        *(f"| {example} | {paper} | {kernel:.4f} |" for example, paper, kernel in _examples()),
    ]
    return "\n".join(lines)


def _examples() -> Iterable[tuple[str, str, float]]:
    sharpe, moments, variance = 2.5 * DAY, (-3.0, 10.0), 1 / 500
    for trials, paper in ((100, "0.9004"), (46, "0.9505")):
        text = (
            f"DSR: Sharpe 2.5, 250 days a year, T = 1250, N = {trials}, V = 1/2 a year, skew -3, kurtosis 10"
        )
        yield text, paper, float(deflated_sharpe_ratio(sharpe, 1250, *moments, trials, variance))
    text = "DSR: the same with N = 88 and normal returns"
    yield text, "0.9505", float(deflated_sharpe_ratio(sharpe, 1250, 0.0, 3.0, 88, variance))
    for skew, kurtosis, paper in ((0.0, 3.0, "0.982"), (-2.448, 10.164, "0.913")):
        text = f"PSR: monthly Sharpe 0.458, T = 24, skew {skew:g}, kurtosis {kurtosis:g}"
        yield text, paper, float(probabilistic_sharpe_ratio(0.458, 24, skew, kurtosis))
    for name, per_year, paper in (("daily", 252, "2.73"), ("weekly", 52, "2.83"), ("monthly", 12, "3.24")):
        text = f"MinTRL in years: {name} normal returns, Sharpe 2 against 1"
        root = per_year**0.5
        yield text, paper, float(min_track_record_length(2 / root, 0.0, 3.0, 1 / root)) / per_year


def _title(block: str) -> str:
    return "live.30d, live.60d, live.90d" if block.startswith("live.") else block


def _merged(blocks: Iterable[tuple[str, Iterable[Metric]]]) -> Iterable[tuple[str, list[Metric]]]:
    """Blocks in order, the live windows as one; the groups are read before the next one is asked for."""
    for block, metrics in blocks:
        listed = list(metrics)
        if not block.startswith("live.") or block == "live.30d":
            yield block, listed


if __name__ == "__main__":
    print(page(), end="")
