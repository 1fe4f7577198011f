"""A preview without a service: the same replay and the same figures, judged by nobody."""

import numpy as np

from qmtl.sdk import Frame, Node, Runner, Strategy


class Crossing(Strategy):
    """Long while the short average is above the long one."""

    def setup(self):
        closes = self.stream("close", period=100)
        self.add(Node("signals", [closes], lambda w: w[-20:].mean(axis=0) > w.mean(axis=0)))


def prices():
    """Two symbols that wander for four years."""
    draws = np.random.default_rng(7).normal(0.0004, 0.01, (1000, 2))
    days = np.busday_offset("2020-01-01", np.arange(1000), roll="forward").astype("datetime64[ms]")
    return Frame(days.astype(np.int64), ("A", "B"), {"close": 100 * np.exp(draws.cumsum(axis=0))})


if __name__ == "__main__":
    result = Runner.offline(Crossing, prices())
    print(result.explain())
    print(result.save())
