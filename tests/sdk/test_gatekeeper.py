"""The holder of gates against the running service: leases, gaps, clocks, cuts. In doubt it is closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from qmtl.brokers import suspend_proof_seconds
from qmtl.client import Client, errors
from qmtl.client.documents import Event
from qmtl.sdk.runtime import GateKeeper
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role, revoke_role
from qmtl_site.audit.actor import Actor
from strategies.domain.plans import Opening, Plan
from strategies.models import Binding
from strategies.services import Asked, request_apply
from tests.events.processes import wait_for
from tests.sdk.service import Service
from worlds.models import World

Keep = Callable[..., GateKeeper]


@pytest.fixture
def keep() -> Iterator[Keep]:
    """Keepers that are stopped in the end."""
    keepers: list[GateKeeper] = []

    def make(client: Client, world: str, **options: Any) -> GateKeeper:
        keepers.append(GateKeeper(client, world, f"c{len(keepers)}", {"s": ""}, **options))
        return keepers[-1].start()

    yield make
    for keeper in keepers:
        keeper.stop()


def paper_world(client: Client, world: str) -> str:
    """A world with a fresh decision in which `s` trades on paper."""
    client.create_world(world, allow_live=True)
    client.publish_policy(world, {"version": 1})
    now = timezone.now()
    World.objects.filter(pk=world).update(decision_stale_at=now + timedelta(days=1))
    with suppress(errors.StrategyExists):
        client.register_strategy("s")
    Binding.objects.bulk_create(
        [Binding(world_id=world, strategy_id="s", state="dry_run", state_since=now, created_at=now)]
    )
    return world


def begin(world: str, run_id: str) -> None:
    """An apply that opens the gate of `s`; the service's driver carries it out."""
    plan = Plan(openings=[Opening("s", 1.0)], freeze_timeout_ms=20_000, unfreeze_timeout_ms=5_000)
    request_apply(asked=Asked(world, run_id, plan), actor=Actor.service("test"))


def live_world(client: Client, world: str) -> str:
    """One in which `s` is live: its gate is open."""
    paper_world(client, world)
    begin(world, "open")
    wait_for(lambda: client.apply_status(world, "open").phase == "completed")
    return world


def is_open(keeper: GateKeeper) -> bool:
    keeper.tick(keeper.clock())
    return keeper.is_open("s")


def test_who_holds_an_open_gate_knows_it(client: Client, keep: Keep) -> None:
    keeper = keep(client, live_world(client, "held"))
    wait_for(lambda: is_open(keeper))
    assert (keeper.mode("s"), keeper.weight("s")) == ("live", 1.0)


def test_an_event_closes_it_at_once(client: Client, keep: Keep) -> None:
    keeper = keep(client, live_world(client, "closing"))
    wait_for(lambda: is_open(keeper))
    client.set_circuit_breaker("closing", engaged=True, reason="smoke")
    wait_for(lambda: not is_open(keeper), 2.0)


def test_stopping_closes_and_gives_the_lease_back(client: Client, keep: Keep) -> None:
    keeper = keep(client, live_world(client, "stopped"))
    wait_for(lambda: is_open(keeper))
    began = time.monotonic()
    keeper.stop()
    assert time.monotonic() - began < 5.0
    assert not is_open(keeper)
    assert not client.gate("stopped", keeper.client_id).holds_lease


def test_a_revoked_lease_is_taken_anew(client: Client, keep: Keep) -> None:
    keeper = keep(client, live_world(client, "revoked"))
    wait_for(lambda: is_open(keeper))
    client.revoke_gate("revoked", keeper.client_id)
    wait_for(lambda: keeper.registrations == 2, 20.0)
    wait_for(lambda: is_open(keeper))


def test_a_clock_that_jumps_closes(client: Client, keep: Keep) -> None:
    """As after a suspended machine: the lease was counted meanwhile."""
    ahead = [0.0]
    keeper = keep(client, live_world(client, "slept"), clock=lambda: suspend_proof_seconds() + ahead[0])
    wait_for(lambda: is_open(keeper))
    ahead[0] = 3600.0
    assert not is_open(keeper)
    assert keeper.closed_by == "the lease has run out"
    wait_for(lambda: is_open(keeper), 20.0)


def test_a_missing_event_closes_until_it_is_there(client: Client, keep: Keep) -> None:
    keeper = keep(client, live_world(client, "gaps"))
    wait_for(lambda: is_open(keeper))
    early = dict(client.event_page("gaps").events[-1].raw)
    early["sequence"] += 5
    keeper.view.see(early)
    assert not is_open(keeper)
    assert "are missing" in str(keeper.closed_by)


def test_what_makes_no_sense_closes_and_is_begun_anew(client: Client, keep: Keep) -> None:
    keeper = keep(client, live_world(client, "nonsense"))
    wait_for(lambda: is_open(keeper))
    keeper.view.see({"sequence": "many"})
    assert not is_open(keeper)
    wait_for(lambda: keeper.registrations == 2, 20.0)
    wait_for(lambda: is_open(keeper))


def test_openings_are_taken_back_before_a_freeze_is_acknowledged(client: Client, keep: Keep) -> None:
    order: list[str] = []
    paper_world(client, "frozen")

    def note() -> None:
        apply = next(client.applies("frozen"))
        order.append("acknowledged" if client.apply_status("frozen", apply.run_id).acks else "asked")

    keeper = keep(client, "frozen", on_freeze=note)
    begin("frozen", "one")
    wait_for(lambda: client.apply_status("frozen", "one").phase == "completed")
    assert order[0] == "asked"
    assert [ack["phase"] for ack in client.apply_status("frozen", "one").acks] == ["freeze", "unfreeze"]
    wait_for(lambda: is_open(keeper))


def test_a_role_that_is_taken_away_ends_it(service: Service, client: Client, keep: Keep) -> None:
    live_world(client, "rights")
    user, _ = User.objects.get_or_create(username="runner")
    boss = Actor.service("test")
    grant_role(user=user, world_id="rights", role=Role.RUNNER, actor=boss)
    token = client.issue_token(user="runner").token
    with service.client(token) as own:
        keeper = keep(own, "rights")
        wait_for(lambda: is_open(keeper))
        revoke_role(user=user, world_id="rights", role=Role.RUNNER, actor=boss)
        wait_for(lambda: keeper.failure is not None, 20.0)
        assert isinstance(keeper.failure, errors.Refused)
        assert not is_open(keeper)
        keeper.stop()


def test_events_that_were_seen_before_say_nothing_new(client: Client, keep: Keep) -> None:
    keeper = keep(client, live_world(client, "twice-told"))
    wait_for(lambda: is_open(keeper))
    for event in client.event_page("twice-told", limit=500).events:
        assert isinstance(event, Event)
        keeper.view.see(event.raw)
    assert is_open(keeper)
