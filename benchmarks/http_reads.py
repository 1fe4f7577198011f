"""How many authenticated reads a second two web workers answer: python -m benchmarks.http_reads"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from benchmarks import load, world
from benchmarks.client import Client, expected
from benchmarks.load import Load, Request
from benchmarks.machine import Figure, machine, table
from benchmarks.scene import Scene, scene

CLIENTS = 8
TARGET_PER_SECOND = 1_500.0
STRATEGIES = 60  # more than one page of bindings
READER = "risk"


@dataclass(frozen=True)
class Endpoint:
    name: str
    path: str
    target: float | None = None
    if_none_match: str | None = None

    def request(self, client: Client) -> Request:
        headers = {"Authorization": f"Bearer {client.token}"}
        if self.if_none_match is not None:
            headers["If-None-Match"] = self.if_none_match
        return Request(client.port, self.path, headers, 304 if self.if_none_match else 200)


@dataclass(frozen=True)
class Prepared:
    reader: Client
    token_key: str
    endpoints: list[Endpoint]


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Print the figures of this machine and whether each target is met."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.http_reads", description=__doc__)
    options.add_argument(
        "--seconds", type=int, default=10, help="of load per endpoint and round (default 10)"
    )
    options.add_argument("--rounds", type=int, default=3, help="the median round counts (default 3)")
    options.add_argument("--tool", choices=["wrk", "own"], default=load.tool(), help="the load generator")
    chosen = options.parse_args(arguments)
    print(machine("django", "gunicorn", "psycopg"))
    print(f"load tool: {chosen.tool}, {CLIENTS} connections; a reader with one role in the world", flush=True)
    with scene() as it:
        figures = measured(it, chosen.seconds, chosen.rounds, chosen.tool)
    print(table(figures))
    return figures


def measured(it: Scene, seconds: int, rounds: int, tool: str) -> list[Figure]:
    with it.service("web"):
        prepared = prepare(it)
        reader, endpoints = prepared.reader, prepared.endpoints
        loads: dict[str, list[Load]] = {endpoint.name: [] for endpoint in endpoints}
        for number in range(rounds + 1):
            for endpoint in endpoints:  # in turn, so that what else the machine does falls on all alike
                request = endpoint.request(reader)
                expected(reader.get(endpoint.path, **if_none_match(endpoint)), request.status)
                duration = seconds if number else 1  # the first round warms up and does not count
                found = load.run(request, seconds=duration, connections=CLIENTS, with_tool=tool)
                if number:
                    loads[endpoint.name].append(found)
                    print(line(endpoint, found), flush=True)
        check_refusals(it, prepared)
    return [figure for endpoint in endpoints for figure in figures_of(endpoint, loads[endpoint.name])]


def prepare(it: Scene) -> Prepared:
    """A world with a page of bindings and one judged run; a reader with the least role and a token of his own."""
    world.make_world(it.admin)
    names = [world.make_strategy(it.admin, f"s{number}") for number in range(STRATEGIES)]
    it.admin.make(f"/worlds/{world.WORLD}/bindings", {"strategies": names})
    it.admin.make(f"/worlds/{world.WORLD}/roles", {"user": READER, "role": "viewer"})
    with ExitStack() as judges:
        for name in ("worker", "driver"):
            judges.enter_context(it.service(name))
        path = world.submit(it.admin, names[0], seed=1)
        links = world.wait_until_judged(it.admin, path)["links"]
    token = it.reader.make("/tokens", {})
    reader = it.reader.with_token(token["token"])
    etag = reader.get(links["metrics"]).headers["etag"]
    return Prepared(
        reader,
        token["token_key"],
        [
            Endpoint("run", links["self"], TARGET_PER_SECOND),
            Endpoint("metrics", links["metrics"], TARGET_PER_SECOND),
            Endpoint("metrics, If-None-Match: 304", links["metrics"], None, etag),
            Endpoint("snapshot", links["snapshot"]),
            Endpoint("decide", f"/worlds/{world.WORLD}/decide", TARGET_PER_SECOND),
            Endpoint(
                "activation", f"/worlds/{world.WORLD}/activation?strategy_id={names[0]}", TARGET_PER_SECOND
            ),
            Endpoint("list of 50 bindings", f"/worlds/{world.WORLD}/bindings"),
        ],
    )


def if_none_match(endpoint: Endpoint) -> dict[str, str]:
    return {} if endpoint.if_none_match is None else {"If_None_Match": endpoint.if_none_match}


def check_refusals(it: Scene, prepared: Prepared) -> None:
    """A role and a token that are taken away must be refused at the very next request, by every worker."""
    reader, paths = prepared.reader, [endpoint.path for endpoint in prepared.endpoints for _ in range(4)]
    role = b'{"user": "risk", "role": "viewer"}'
    expected(it.admin.call("DELETE", f"/worlds/{world.WORLD}/roles", role), 200)
    for path in paths:
        expected(reader.get(path), 404)
    it.admin.make(f"/worlds/{world.WORLD}/roles", {"user": READER, "role": "viewer"})
    expected(reader.get(paths[0]), 200)
    expected(it.admin.call("DELETE", f"/tokens/{prepared.token_key}"), 204)
    for path in paths:
        expected(reader.get(path), 401)
    print(f"removed role: 404, revoked token: 401, each at the next request ({len(paths)} reads each)")


def line(endpoint: Endpoint, found: Load) -> str:
    return (
        f"  {endpoint.name}: {found.per_second:,.0f}/s, p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms, "
        f"errors {found.errors} (load of the machine {os.getloadavg()[0]:.1f})"
    )


def figures_of(endpoint: Endpoint, loads: Sequence[Load]) -> list[Figure]:
    name = f"GET {endpoint.name}"
    return [
        Figure(name, median(load.per_second for load in loads), "/s", endpoint.target, at_least=True),
        Figure(f"{name}: best round", max(load.per_second for load in loads), "/s"),
        Figure(f"{name}: p50", median(load.p50_ms for load in loads), "ms", digits=1),
        Figure(f"{name}: p99", median(load.p99_ms for load in loads), "ms", digits=1),
        Figure(f"{name}: errors", sum(load.errors for load in loads), "", 0),
    ]


if __name__ == "__main__":
    main()
