"""Nodes upon nodes: an equal-weighted portfolio, scaled so that it varies by about ten percent a year.

Also shows parameters (`VolatilityTarget(target=0.08)`) and the figures of the rebalancing envelope as a node.
"""

import numpy as np

from qmtl.sdk import AlphaPerformance, Node, Runner, Strategy


class VolatilityTarget(Strategy):
    """Equal weights times target over realised volatility, at most fully invested."""

    family = "volatility"
    target = 0.10
    period = 60

    def setup(self):
        closes = self.stream("close", period=2)
        change = Node("change", [closes], lambda w: (w[-1] / w[0] - 1.0).mean())
        scale = Node("scale", [change], self.scale, period=self.period)
        self.add(Node("weights", [scale], lambda s: np.full(len(self.symbols), s[-1, 0] / len(self.symbols))))
        self.add(AlphaPerformance(change, period=252))

    def scale(self, changes):
        realised = changes.std(ddof=1) * np.sqrt(252)
        return min(1.0, self.target / max(realised, 1e-6))


if __name__ == "__main__":
    print(Runner.submit(VolatilityTarget, world="alpha").explain())
