"""How fast the client is: python -m benchmarks.sdk_speed

A strategy of 2,520 bars x 20 symbols, submitted until its verdict is read; the same replayed on paper through the whole
runner (gate, orders, fills, reports); the question to the gate. Web, stream, worker and driver work as under `make run`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks import world
from benchmarks.machine import Figure, machine, table
from benchmarks.scene import scene
from qmtl.brokers import GatedBroker, PaperBroker, suspend_proof_seconds
from qmtl.client import Client, Config
from qmtl.contracts.gate import GateView
from qmtl.sdk import Frame, Node, Runner, Strategy

BARS, SYMBOLS = 2_520, 20
WORLD = "sdk"


class Momentum(Strategy):
    """Long what has risen over a quarter; decided every day, so that every day orders are made."""

    def setup(self) -> None:
        closes = self.stream("close", period=61)
        self.add(Node("weights", [closes], lambda w: (w[-1] > w[0]) / w.shape[1]))


def prices(*, seed: int = 1) -> Frame:
    draws = np.random.default_rng(seed).normal(0.0005, 0.012, (BARS, SYMBOLS))
    days = np.busday_offset("2012-01-02", np.arange(BARS), roll="forward").astype("datetime64[ms]")
    symbols = tuple(f"S{number}" for number in range(SYMBOLS))
    return Frame(days.astype(np.int64), symbols, {"close": 100.0 * np.exp(draws.cumsum(axis=0))})


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Print the figures of this machine and whether each target is met."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.sdk_speed", description=__doc__)
    options.add_argument("--submissions", type=int, default=5, help="of different data (default 5)")
    chosen = options.parse_args(arguments)
    print(machine("httpx", "numpy"), flush=True)
    figures = [gate_check()]
    with scene() as it, ExitStack() as services:
        for name in ("web", "stream", "worker", "driver"):
            services.enter_context(it.service(name))
        world.make_world(it.admin, WORLD, benchmark=False)
        config = Config(it.address.url, it.admin.token, it.address.stream_url)
        with Client(config=config) as client:
            figures += [submission(client, chosen.submissions), replay(client)]
    print(table(figures))
    return figures


def submission(client: Client, count: int) -> Figure:
    """From the strategy to the judged answer; the first one, which opens connections, is not counted."""
    seconds = []
    for seed in range(count + 1):
        began = time.perf_counter()
        result = Runner.submit(Momentum, WORLD, client=client, data=prices(seed=seed))
        seconds.append(time.perf_counter() - began)
        if result.status not in {"pass", "fail", "warn"}:
            raise SystemExit(result.explain())
    middle = statistics.median(seconds[1:])
    return Figure(f"submit {BARS} bars x {SYMBOLS} symbols to the verdict", middle, "s", 5.0, digits=2)


def replay(client: Client) -> Figure:
    """The whole runner on paper, as fast as it goes."""
    client.publish_policy(WORLD, {"version": 1, "validation_profiles": {"backtest": {"sample": LAX}}})

    class Traded(Momentum):
        id = "traded"

    result = Runner.submit(Traded, WORLD, client=client, data=prices(seed=99))
    if result.status != "pass":
        raise SystemExit(result.explain())
    with tempfile.TemporaryDirectory() as folder:
        report = Runner.run(
            Traded, WORLD, client=client, data=prices(seed=99), replay=True, state_folder=Path(folder)
        )
    if report.not_taken or not report.fills["paper"]:
        raise SystemExit(f"the replay did not trade as it should: {report}")
    return Figure("replay on paper", report.bars / report.seconds, "bars/s", 1_000.0, at_least=True)


LAX = {"min_effective_years": 1.0, "min_trades_total": 10, "severity": "blocking", "owner": "quant"}


def gate_check(times: int = 100_000) -> Figure:
    """May an opening order pass? Asked as before every order."""
    view = GateView("w", sequence=0)
    view.renewed(sent=suspend_proof_seconds(), lease_seconds=1e6, newest=0, decision_seconds=1e6)
    gated = GatedBroker(PaperBroker(mode="live"), view)
    began = time.perf_counter()
    for _ in range(times):
        gated.is_open("s")
    return Figure("gate check", (time.perf_counter() - began) / times * 1e6, "us", 10.0, digits=2)


if __name__ == "__main__":
    main()
