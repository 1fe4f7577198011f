from __future__ import annotations

import numpy as np
import pytest

from qmtl_site.demo.prices import Prices, load_prices


def test_there_are_twenty_companies_and_thirty_three_years(prices: Prices) -> None:
    assert prices.close.shape == (len(prices.tickers), len(prices.dates)) == (20, 8313)


def test_every_close_is_a_positive_number(prices: Prices) -> None:
    assert np.isfinite(prices.close).all()
    assert (prices.close > 0.0).all()


def test_days_ascend_and_begin_at_midnight(prices: Prices) -> None:
    assert (np.diff(prices.dates) > 0).all()
    assert (prices.dates % 86_400_000 == 0).all()


def test_dates_are_milliseconds_since_1970(prices: Prices) -> None:
    assert str(prices.calendar[0]) == "1990-01-02"
    assert str(prices.calendar[-1]) == "2022-12-28"


def test_prices_are_read_once_and_cannot_be_changed(prices: Prices) -> None:
    with pytest.raises(ValueError, match="read-only"):
        load_prices().close[0, 0] = 1.0
    assert load_prices() is prices
