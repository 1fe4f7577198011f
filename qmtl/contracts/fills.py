"""Bounds of the fills endpoint, so that who reports can cut its batches by them."""

from __future__ import annotations

MOST_FILLS = 10_000
"""In one report."""
DIGITS, PLACES = 38, 18
"""Of quantities, prices and fees: exact decimals, written as text or as numbers."""
LONGEST_ID, LONGEST_NAME = 128, 64
"""Of fill and order ids; of symbols and venues."""
