"""How long a submitted record waits for its verdict: python -m benchmarks.submission_latency

Runs come at a constant rate, whatever the answers do (open loop), over HTTP, each with 2,520 returns and their
times. Web, driver and one worker process work as under `make run`, on a database with fsync.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from benchmarks import world
from benchmarks.client import Client, expected
from benchmarks.machine import Figure, machine, table
from benchmarks.scene import Scene, scene

TARGET_SECONDS = 1.0
THREADS = 200  # so many may be in flight before a submission would be late
POLL_SECONDS = 0.05
PATIENCE_SECONDS = 60.0
OPEN = {"submitted", "backtest_running", "evaluating"}


@dataclass(frozen=True)
class Case:
    """`families` 0: none is declared, all strategies count as one family of their owner, the largest cohort."""

    name: str
    families: int


CASES = {
    "families": Case("sixty families", 60),
    "one-owner": Case("one owner without families", 0),
}


@dataclass(frozen=True)
class Verdict:
    """Seconds from when the submission was due to its 202 and to its verdict, and by the server's own times.

    The last two are None where no verdict came.
    """

    accepted: float
    seen: float | None = None
    by_server: float | None = None


@dataclass(frozen=True)
class Submission:
    path: str
    body: bytes


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Print the figures of this machine and whether each target is met."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.submission_latency", description=__doc__)
    options.add_argument("--rate", type=float, default=10.0, help="submissions a second (default 10)")
    options.add_argument("--seconds", type=int, default=60, help="of submissions per case (default 60)")
    options.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), help="default: all")
    options.add_argument("--concurrency", type=int, default=1, help="processes of the one worker (default 1)")
    chosen = options.parse_args(arguments)
    print(machine("django", "celery", "psycopg", "numpy"), flush=True)
    figures = []
    for name in chosen.cases:
        with scene() as it:
            figures += measured(it, CASES[name], chosen.rate, chosen.seconds, chosen.concurrency)
    print(table(figures))
    return figures


def measured(it: Scene, case: Case, rate: float, seconds: int, concurrency: int) -> list[Figure]:
    with ExitStack() as services:
        services.enter_context(it.service("web"))
        services.enter_context(it.service("worker", f"--concurrency {concurrency}"))
        services.enter_context(it.service("driver"))
        world.make_world(it.admin)
        warm_up(it.admin)
        submissions = list(prepared(it.admin, case, round(rate * seconds)))
        verdicts = submit_all(it.admin, submissions, rate)
    return figures_of(case, verdicts)


def warm_up(client: Client) -> None:
    """One run through everything: the worker is up, connections are open."""
    world.make_strategy(client, "warm", family="warm-up")
    world.wait_until_judged(client, world.submit(client, "warm", seed=999_999))


def prepared(client: Client, case: Case, count: int) -> Iterator[Submission]:
    """A strategy and a record for each; made before, so that the load is only what is measured."""
    times = world.timestamps()
    for number in range(count):
        family = f"family-{number % case.families}" if case.families else ""
        strategy = world.make_strategy(client, f"s{number}", family=family)
        document = {"run_id": "r1", "results": world.results(seed=number, times=times)}
        path = f"/worlds/{world.WORLD}/strategies/{strategy}/runs"
        yield Submission(path, json.dumps(document).encode())


def submit_all(client: Client, submissions: Sequence[Submission], rate: float) -> list[Verdict]:
    waiting: list[Future[Verdict]] = []
    with ThreadPoolExecutor(THREADS) as pool:
        began = time.perf_counter() + 1.0
        for number, submission in enumerate(submissions):
            due = began + number / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            waiting.append(pool.submit(submit_and_wait, client, submission, due))
        return [future.result() for future in waiting]


def submit_and_wait(client: Client, submission: Submission, due: float) -> Verdict:
    answer = expected(client.call("POST", submission.path, submission.body), 202)
    accepted = time.perf_counter() - due
    path = answer.json()["links"]["self"]
    while time.perf_counter() - due < PATIENCE_SECONDS:
        run = client.document(path)
        if run["status"] not in OPEN:
            by_server = moment(run["evaluated_at"]) - moment(run["created_at"])
            return Verdict(accepted, time.perf_counter() - due, by_server)
        time.sleep(POLL_SECONDS)
    return Verdict(accepted)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def figures_of(case: Case, verdicts: Sequence[Verdict]) -> list[Figure]:
    lost = sum(verdict.seen is None for verdict in verdicts)
    seen = [verdict.seen for verdict in verdicts if verdict.seen is not None]
    server = [verdict.by_server for verdict in verdicts if verdict.by_server is not None]
    name = f"submission to verdict, {case.name}"
    figures = [Figure(f"{name}: runs lost of {len(verdicts)}", lost, "", 0)]
    for whose, values, target in (
        ("202", [verdict.accepted for verdict in verdicts], None),
        ("seen by the client", seen, TARGET_SECONDS),
        ("by the server's times", server, TARGET_SECONDS),
    ):
        figures += spread(f"{name}, {whose}", values, target)
    return figures


def spread(name: str, values: Sequence[float], target: float | None) -> Iterator[Figure]:
    for percent in (50, 95, 99, 100):
        value = float(np.percentile(values, percent)) if values else float("inf")
        what = "max" if percent == 100 else f"p{percent}"
        yield Figure(f"{name}: {what}", value, "s", target if percent == 95 else None, digits=3)


if __name__ == "__main__":
    main()
