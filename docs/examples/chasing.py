"""What fails, and why: it buys whatever rose most yesterday, and pays for it every day."""

from qmtl.sdk import Node, Runner, Strategy


class Chasing(Strategy):
    """Long the one symbol that rose most yesterday."""

    family = "chasing"

    def setup(self):
        closes = self.stream("close", period=2)
        self.add(Node("weights", [closes], self.decide))

    def decide(self, window):
        best = (window[-1] / window[0]).argmax()
        return {self.symbols[best]: 1.0}


if __name__ == "__main__":
    print(Runner.submit(Chasing, world="alpha").explain())
