"""The holder of gates against the running service: leases, gaps, clocks, cuts. In doubt it is closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone

from qmtl.brokers import suspend_proof_seconds
from qmtl.client import Client, Config, Retries, errors
from qmtl.client.documents import Event
from qmtl.sdk import StrategyError
from qmtl.sdk.runtime import GateKeeper
from qmtl.sdk.runtime.rivals import Place
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role, revoke_role
from qmtl_site.audit.actor import Actor
from strategies.domain.plans import Opening, Plan
from strategies.models import Binding, GateClient
from strategies.services import Asked, request_apply
from tests.sdk.service import Service
from tests.waiting import wait_for
from worlds.models import World

Keep = Callable[..., GateKeeper]


@pytest.fixture
def keep() -> Iterator[Keep]:
    """Keepers that are stopped in the end."""
    keepers: list[GateKeeper] = []

    def make(
        client: Client, world: str, *, name: str = "", held: dict[str, str] | None = None, **options: Any
    ) -> GateKeeper:
        keepers.append(GateKeeper(client, world, name or f"c{len(keepers)}", held or {"s": ""}, **options))
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


# --- another runner in its place --------------------------------------------------------------------------------
def trade(keep: Keep, client: Client, world: str, name: str) -> GateKeeper:
    """Keeps the gate as a runner with code does: asks who else does each time that it registers."""
    return keep(client, world, name=name, held={"s": "code"}, place=Place(client, world, "s", name))


def sleep_past_its_lease(world: str, *keepers: GateKeeper) -> None:
    """Its lease has run out, by the database's clock, before it notices anything."""
    names = [each.client_id for each in keepers]
    rows = GateClient.objects.filter(world=world, client_id__in=names, revoked_at=None)
    rows.update(lease_until=Now() - timedelta(seconds=1))


def wake(keeper: GateKeeper) -> None:
    keeper._ask_now.set()


def test_who_wakes_up_ends_where_another_trades_by_now(client: Client, keep: Keep) -> None:
    world = live_world(client, "replaced")
    first = trade(keep, client, world, "first")
    wait_for(lambda: is_open(first))
    sleep_past_its_lease(world, first)
    other = trade(keep, client, world, "other")
    wait_for(lambda: is_open(other))
    wake(first)
    wait_for(lambda: first.failure is not None)
    assert isinstance(first.failure, StrategyError)
    assert "another runner (other, since " in str(first.failure)
    assert (is_open(first), first.mode("s"), first.registrations) == (False, "compute-only", 1)
    assert is_open(other)
    assert [each.client_id for each in client.gates(world, live=True)] == ["other"]


def test_of_two_that_wake_up_at_once_exactly_one_trades(client: Client, keep: Keep) -> None:
    world = live_world(client, "both-asleep")
    first = trade(keep, client, world, "first")
    sleep_past_its_lease(world, first)
    both = (first, trade(keep, client, world, "other"))
    sleep_past_its_lease(world, *both)
    for each in both:
        wake(each)
    wait_for(lambda: any(each.failure for each in both) and any(is_open(each) for each in both), 20.0)
    (won,) = [each for each in both if each.failure is None]
    (lost,) = [each for each in both if each.failure is not None]
    assert (is_open(won), is_open(lost)) == (True, False)
    assert [each.client_id for each in client.gates(world, live=True)] == [won.client_id]


def test_nothing_opens_while_it_is_not_known_who_else_trades(
    client: Client, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world(client, "unknown")
    keeper = trade(keep, client, world, "first")
    wait_for(lambda: is_open(keeper))
    with Client(config=Config("http://127.0.0.1:9", "t"), retries=Retries(tries=1)) as away:
        monkeypatch.setattr(keeper.place, "client", away)
        client.revoke_gate(world, "first")
        wake(keeper)
        wait_for(lambda: not is_open(keeper))
        time.sleep(1.0)
        assert not is_open(keeper)
    monkeypatch.undo()
    wake(keeper)
    wait_for(lambda: is_open(keeper), 20.0)


def test_two_of_one_name_do_not_take_turns(client: Client, keep: Keep) -> None:
    world = live_world(client, "namesakes")
    first = trade(keep, client, world, "copied")
    other = trade(keep, client, world, "copied")
    wake(first)
    wait_for(lambda: first.failure is not None)
    assert "has taken the name of this one" in str(first.failure)
    first.stop()
    wake(other)
    wait_for(lambda: is_open(other))
    assert other.registrations == 1
