"""Momentum over twenty large companies: the strategy of docs/guide.md.

qmtl submit docs/examples/momentum.py:Momentum --world alpha
"""

from qmtl.sdk import Node, Runner, Strategy


class Momentum(Strategy):
    """Long the symbols with a positive return over a year, each with the same weight."""

    family = "momentum"
    period = 252

    def setup(self):
        closes = self.stream("close", interval="1d", period=self.period)
        self.add(Node("weights", [closes], self.decide, period=self.period, interval="1w"))

    def decide(self, window):
        return (window[-1] > window[0]) / window.shape[1]


if __name__ == "__main__":
    print(Runner.submit(Momentum, world="alpha").explain())
