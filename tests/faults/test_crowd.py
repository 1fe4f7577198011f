"""Fifty applies, evaluations and edits of one world at once: each is done or refused as documented."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse

from strategies.models import Apply, Binding
from tests.api import ApiClient, body, results, returns
from tests.conftest import client_of
from tests.decisions.conftest import DECIDES, paper
from tests.faults.checker import faults, stuck
from tests.faults.drivers import Drivers
from tests.waiting import wait_for

WORLD = "/worlds/alpha"
NAMES = ["a", "b", "c", "d", "e", "f"]
POLICY: dict[str, Any] = {
    **DECIDES,
    "selection": {
        **DECIDES["selection"],
        "top_k": {"k": 4},
        "hysteresis": {"promote_after": 1, "demote_after": 1},
    },
    "governance": {"live_promotion": {"mode": "auto_apply"}},
    "gating_policy": {"apply": {"freeze_timeout_ms": 300, "unfreeze_timeout_ms": 200}},
}
Act = Callable[[ApiClient, random.Random, int], HttpResponse]


@pytest.fixture
def root(database: str) -> Iterator[ApiClient]:
    """A world in which six trade on paper."""
    root = client_of(User.objects.create_superuser("root"))
    root.make_world(policy=POLICY, allow_live=True)
    for number, name in enumerate(NAMES):
        root.make_strategy(name)
        root.submit("alpha", name, results(returns(seed=number)), run_id="backtest")
        paper(root, name, 0.0015, seed=number)
    assert root.post(f"{WORLD}/evaluate", {}).status_code == 200
    yield root
    connection.close()


def apply(client: ApiClient, draw: random.Random, number: int) -> HttpResponse:
    live = [*Binding.objects.filter(world_id="alpha", state="live").values_list("strategy_id", flat=True)]
    others = [name for name in NAMES if name not in live]
    plan = {
        "activate": draw.sample(others, min(len(others), draw.randint(0, 2))),
        "deactivate": draw.sample(live, min(len(live), draw.randint(0, 2))),
    }
    if not any(plan.values()):
        plan["activate"] = ["a"]
    return client.post(f"{WORLD}/apply", {"run_id": f"crowd-{number}", "plan": plan})


def evaluate(client: ApiClient, draw: random.Random, number: int) -> HttpResponse:
    return client.post(f"{WORLD}/evaluate?wait={draw.choice(['true', 'false'])}", {})


def set_gate(client: ApiClient, draw: random.Random, number: int) -> HttpResponse:
    name = draw.choice(NAMES)
    etag = body(client.get(f"{WORLD}/activation?strategy_id={name}"))["etag"]
    change = draw.choice([{"active": False}, {"active": True}, {"weight": 0.125}])
    return client.call(
        "PUT", f"{WORLD}/activation", {"strategy_id": name, "reason": "crowd", **change}, if_match=f'"{etag}"'
    )


def edit(client: ApiClient, draw: random.Random, number: int) -> HttpResponse:
    return client.patch(WORLD, {"description": f"edit {number}"})


def publish(client: ApiClient, draw: random.Random, number: int) -> HttpResponse:
    selection = {**POLICY["selection"], "top_k": {"k": draw.randint(3, 5)}}
    return client.post(f"{WORLD}/policy", {**POLICY, "selection": selection})


def command(client: ApiClient, draw: random.Random, number: int) -> HttpResponse:
    act, name = draw.choice(["activate", "deactivate"]), draw.choice(NAMES)
    return client.post(f"/strategies/{name}/{act}", {"world_id": "alpha", "reason": "crowd"})


def breaker(client: ApiClient, draw: random.Random, number: int) -> HttpResponse:
    return client.post(f"{WORLD}/circuit-breaker", {"engaged": True, "reason": "crowd"})


def hold(client: ApiClient, draw: random.Random, number: int) -> HttpResponse:
    held = [{"id": name} for name in draw.sample(NAMES, 2)]
    return client.post(f"{WORLD}/gates", {"client_id": f"client-{number % 3}", "strategies": held})


def report(client: ApiClient, draw: random.Random, number: int) -> HttpResponse:
    name = draw.choice(NAMES)
    records = [{"ts": f"2026-10-{day:02}T00:00:{number:02}Z", "return": 0.002} for day in range(1, 20)]
    return client.post(f"{WORLD}/strategies/{name}/performance", records)


def submit(client: ApiClient, draw: random.Random, number: int) -> HttpResponse:
    record = results(returns(120, mean=draw.choice([0.0015, -0.001]), seed=number))
    return client.submit("alpha", draw.choice(NAMES), record, run_id=f"crowd-{number}", stage="paper")


ACTS: list[Act] = [apply] * 12 + [evaluate] * 8 + [set_gate] * 8 + [command] * 6
ACTS += [edit, publish, hold, report, submit] * 3


def test_fifty_at_once_are_done_or_refused(database: str, root: ApiClient, drivers: Drivers) -> None:
    drivers.start_holding()
    wait_for(lambda: Binding.objects.filter(world_id="alpha", state="live").exists())
    acts = [*random.Random(7).sample(ACTS, len(ACTS)), breaker]  # the breaker among the last
    assert len(acts) == 50

    def go(number: int) -> tuple[str, int, str]:
        client, draw = ApiClient(root.token), random.Random(number)
        time.sleep(draw.uniform(0, 1.0))
        try:
            answer = acts[number](client, draw, number)
            code = body(answer).get("code", "") if answer.status_code >= 400 else ""
            return acts[number].__name__, answer.status_code, code
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(go, range(50)))
    wait_for(lambda: not Apply.objects.filter(settled_at=None).exists(), 20)
    odd = [answer for answer in answers if answer[1] not in {200, 201, 202, 409, 412}]
    assert odd == [], Counter(answers)
    assert faults(database, "alpha") == []
    assert stuck(database, "alpha", 0) == []
