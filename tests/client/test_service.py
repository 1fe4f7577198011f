"""The clients against the running service."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from evaluation.services import evaluate_waiting
from qmtl.client import AsyncClient, Client, Config, errors
from tests.api import POLICY, results
from tests.client.conftest import QUICK, Site
from tests.events.processes import Served, stream_process


@pytest.fixture(scope="module")
def alpha(client: Client, django_db_blocker: object) -> str:
    """A world with a policy and a judged run."""
    client.create_world("alpha", name="Alpha", allow_live=True)
    client.publish_policy("alpha", POLICY)
    client.register_strategy("mom", family="momentum")
    client.create_run("alpha", "mom", run_id="r1", results=results())
    evaluate_waiting(world_id="alpha")
    return "alpha"


def test_it_says_what_it_can_do(client: Client) -> None:
    assert client.health().version


def test_a_world_is_typed(client: Client, alpha: str) -> None:
    world = client.world(alpha)
    assert (world.state, world.periods_per_year, world.etag is not None) == ("ACTIVE", 252.0, True)


def test_a_policy_may_be_text(client: Client, alpha: str) -> None:
    drafted = client.draft_policy(alpha, "version: 1\nvalidation_profiles: {}\n")
    assert client.policy(alpha, drafted.version).source == "version: 1\nvalidation_profiles: {}\n"


def test_faults_of_a_policy_have_pointers(client: Client, alpha: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        client.draft_policy(alpha, {"version": 1, "slection": {}})
    assert "/slection" in str(caught.value) or caught.value.faults[0].pointer == "/slection"


def test_a_run_with_its_verdict(client: Client, alpha: str) -> None:
    run = client.run(alpha, "mom")
    assert run.is_evaluated
    assert run.summary is not None
    assert run.summary.status == "pass"


def test_known_documents_are_not_sent_again(client: Client, alpha: str) -> None:
    first = client.metrics(alpha, "mom", "r1")
    assert client.metrics(alpha, "mom", "r1") == first
    assert any("/metrics" in key for key in client.known.bodies)


def test_the_same_run_twice_is_one(client: Client, alpha: str) -> None:
    client.create_run(alpha, "mom", run_id="r1", results=results())
    assert len(list(client.runs(alpha, "mom"))) == 1


def test_a_run_with_another_content_is_refused(client: Client, alpha: str) -> None:
    with pytest.raises(errors.RunConflict):
        client.create_run(alpha, "mom", run_id="r1", results=results(meta={"tags": ["other"]}))


def test_a_snapshot_is_kept_as_it_is(client: Client, alpha: str) -> None:
    (summary,) = client.snapshots(alpha, strategy_id="mom")
    snapshot = client.snapshot(alpha, summary.snapshot_id)
    assert snapshot.raw["snapshot_id"] == snapshot.snapshot_id == "alpha-mom-r1"


def test_lists_are_read_page_by_page(client: Client) -> None:
    for number in range(5):
        client.register_strategy(f"many{number}", family="many")
    listed = [each.id for each in client.strategies(family="many", limit=2)]
    assert listed == [f"many{number}" for number in (4, 3, 2, 1, 0)]


def test_a_change_upon_an_old_reading_is_refused(client: Client, alpha: str) -> None:
    read = client.world(alpha)
    client.change_world(alpha, name="Alpha 2", if_match=read.etag)
    with pytest.raises(errors.PreconditionFailed):
        client.change_world(alpha, name="Alpha 3", if_match=read.etag)


def test_what_does_not_exist(client: Client) -> None:
    with pytest.raises(errors.NotFound):
        client.world("nowhere")


def test_a_wrong_token(site: Site) -> None:
    with (
        Client(config=Config(site.url, "wrong")) as stranger,
        pytest.raises(errors.Unauthenticated) as caught,
    ):
        stranger.world("alpha")
    assert "qmtl login" in caught.value.next_step


def test_the_same_answers_to_who_awaits_them(site: Site, client: Client, alpha: str) -> None:
    async def ask() -> tuple[object, list[str]]:
        async with AsyncClient(config=Config(site.url, site.token)) as later:
            world = await later.world(alpha)
            return world, [each.id async for each in later.strategies(family="many", limit=2)]

    world, listed = asyncio.run(ask())
    assert world == client.world(alpha)
    assert listed == [each.id for each in client.strategies(family="many")]


# --- events ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def served(site: Site) -> Iterator[Served]:
    with stream_process(QMTL_STREAM_HEARTBEAT="1s") as running:
        yield running


def streaming(site: Site, port: int) -> Config:
    return Config(site.url, site.token, f"http://127.0.0.1:{port}")


def test_events_are_followed_through_cuts_and_restarts(site: Site, client: Client) -> None:
    """The stream process dies in the middle and comes back: each event once, in order."""
    client.create_world("followed")
    seen: list[int] = []
    stop = threading.Event()
    with stream_process() as first:
        port = first.port
        following = Client(config=streaming(site, port), retries=QUICK)
        events = following.events("followed", stop=stop)
        for name in range(5):
            client.draft_policy("followed", {"version": 1})
            client.change_world("followed", name=f"n{name}")
        head = client.event_page("followed", after=0, limit=500).next
        while not seen or seen[-1] < head:
            seen.append(next(events).sequence)
    client.change_world("followed", name="while it was down")
    seen.append(next(events).sequence)
    with stream_process(port):
        client.change_world("followed", name="when it was back")
        seen.append(next(events).sequence)
    stop.set()
    events.close()
    following.close()
    assert seen == list(range(1, head + 3))


def test_events_are_awaited(site: Site, client: Client, served: Served) -> None:
    client.create_world("awaited")
    client.change_world("awaited", name="b")

    async def follow(count: int) -> list[str]:
        async with AsyncClient(config=streaming(site, served.port), retries=QUICK) as later:
            seen = []
            async with asyncio.timeout(20), aclosing(later.events("awaited")) as events:
                async for event in events:
                    seen.append(event.type)
                    if len(seen) == count:
                        break
            return seen

    assert {"world.created", "world.updated"} <= set(asyncio.run(follow(3)))


def test_a_sequence_from_elsewhere_is_refused(site: Site, client: Client, served: Served) -> None:
    client.create_world("short")
    with (
        Client(config=streaming(site, served.port), retries=QUICK) as following,
        pytest.raises(errors.Invalid, match="newest event"),
    ):
        next(following.events("short", after=1000))


def test_patience_ends(client: Client) -> None:
    nobody = Config("http://127.0.0.1:9", "x")
    with Client(config=nobody, retries=QUICK) as following, pytest.raises(errors.Unreachable):
        next(following.events("alpha", patience=0.2))
