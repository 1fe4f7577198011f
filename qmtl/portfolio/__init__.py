"""How capital is divided among strategies: pure NumPy, knows no Django."""

from __future__ import annotations

from qmtl.portfolio.weights import Method, Weighting, weights

__all__ = ["Method", "Weighting", "weights"]
