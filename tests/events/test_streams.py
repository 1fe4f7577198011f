"""Server-sent events: nothing lost, nothing twice, in order, whoever writes and whatever breaks."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from django.db import connection, connections
from django.db.models.functions import Now

from qmtl_site.accounts.authentication import digest_of_header
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import revoke_role, revoke_token
from qmtl_site.outbox import events
from qmtl_site.outbox.models import OutboxEvent
from strategies.models import GateClient
from tests.events.conftest import Committed, tell
from tests.events.processes import Served, stream_process
from tests.evidence.notes import ChangedMyMind, at_once, note
from tests.waiting import wait_for

ROOM = 40


@pytest.fixture(scope="module")
def served(rows: Committed) -> Iterator[Served]:
    with stream_process(QMTL_STREAM_QUEUE=str(ROOM), QMTL_STREAM_HEARTBEAT="1s", QMTL_STREAM_SLOW="2s") as it:
        yield it


def test_a_stream_tells_the_past_and_then_what_happens(rows: Committed, served: Served) -> None:
    head = rows.world("told", notes=3)
    stream = served.stream(rows.token, "told").read_to(head)
    note("told", "now")
    stream.read_to(head + 1)
    assert stream.ids == list(range(1, head + 2))
    assert (stream.types[0], stream.types[-4:]) == ("world.created", ["test.noted"] * 4)
    stored = OutboxEvent.objects.filter(stream="told").order_by("sequence").values_list("event_id", flat=True)
    assert [event["id"] for event in stream.events] == [str(each) for each in stored]


def test_a_client_that_comes_back_misses_nothing_and_sees_nothing_twice(
    rows: Committed, served: Served
) -> None:
    """Four writers at once, and a client that is cut off again and again."""
    newest = rows.world("busy") + 240
    writers = threading.Thread(
        target=lambda: at_once(4, lambda number: [note("busy", f"{number}/{n}") for n in range(60)] and None)
    )
    writers.start()
    seen: list[int] = []
    while not seen or seen[-1] < newest:
        stream = served.stream(rows.token, "busy", last=seen[-1] if seen else 0)
        wanted = min(len(seen) + 23, newest)
        seen += stream.read_to(wanted).ids
        stream.close()
    writers.join()
    assert seen == list(range(1, newest + 1))


def test_each_of_many_clients_sees_everything_in_order(rows: Committed, served: Served) -> None:
    newest = rows.world("many") + 120
    streams = [served.stream(rows.token, "many") for _ in range(20)]
    assert at_once(3, lambda _: [note("many") for _ in range(40)] and None) == []
    assert [stream.read_to(newest).ids for stream in streams] == [list(range(1, newest + 1))] * 20


def test_a_long_past_is_read_in_pages(rows: Committed, served: Served) -> None:
    head = rows.world("old", notes=1100)
    stream = served.stream(rows.token, "old", last=7).read_to(head)
    note("old")
    assert stream.read_to(head + 1).ids == list(range(8, head + 2))


def test_what_is_rolled_back_is_never_told(rows: Committed, served: Served) -> None:
    head = rows.world("torn")
    stream = served.stream(rows.token, "torn", last=head)
    with pytest.raises(ChangedMyMind):
        note("torn", "no", fail=True)
    note("torn", "yes")
    assert [event["data"]["text"] for event in stream.read_to(head + 1).events] == ["yes"]


def test_worlds_are_apart(rows: Committed, served: Served) -> None:
    head = rows.world("left")
    rows.world("right")
    left = served.stream(rows.token, "left").read_to(head)
    for n in range(3):
        note("right", str(n))
    note("left", "mine")
    assert {event["source"] for event in left.read_to(head + 1).events} == {"/worlds/left"}


def test_an_idle_stream_shows_that_it_is_alive(rows: Committed, served: Served) -> None:
    head = rows.world("calm")
    stream = served.stream(rows.token, "calm", last=head).read(until=lambda it: it.comments > 0)
    assert stream.read(seconds=5, until=lambda it: it.comments >= 3).ids == []


# --- leases -----------------------------------------------------------------------------------------------
def test_a_client_that_reads_in_its_own_name_keeps_its_lease_and_no_other(
    rows: Committed, served: Served
) -> None:
    head = rows.world("leased")
    runner, token = rows.reader("runa", "leased", role="runner")
    secret = hashlib.sha256(b"its secret").hexdigest()
    for name in ("reads", "died", "lapsed", "other secret"):
        GateClient.objects.create(
            world_id="leased",
            client_id=name,
            user=runner,
            token_digest=digest_of_header(f"Bearer {token}"),
            secret_hash="another" if name == "other secret" else secret,
            registered_at=Now(),
            lease_until=Now() + timedelta(seconds=-1 if name == "lapsed" else 6),
        )
    given = dict(GateClient.objects.filter(world_id="leased").values_list("client_id", "lease_until"))

    def renewed() -> set[str]:
        leases = GateClient.objects.filter(world_id="leased").values_list("client_id", "lease_until")
        return {name for name, until in leases if until > given[name]}

    names = ("reads", "lapsed", "other secret")
    streams = [served.stream(token, "leased", last=head, holder=(name, "its secret")) for name in names]
    wait_for(lambda: renewed() == {"reads"})
    for stream in streams:
        stream.close()


# --- who may ------------------------------------------------------------------------------------------------
def test_a_revoked_token_ends_its_open_stream(rows: Committed, served: Served) -> None:
    rows.world("kept")
    _, token = rows.reader("rita", "kept")
    _, other = rows.reader("otto", "kept")
    head = events.head("kept")
    stream, stays = served.stream(token, "kept").read_to(head), served.stream(other, "kept")
    began = time.monotonic()
    revoke_token(token_key=token[:15], actor=rows.root)
    assert stream.read_to_the_end(seconds=6).ended
    assert time.monotonic() - began < 5
    note("kept")
    assert stays.read_to(head + 1).ids[-1] == head + 1
    assert served.get("/worlds/kept/events", token).status_code == 401


def test_a_role_that_is_taken_away_ends_the_stream(rows: Committed, served: Served) -> None:
    rows.world("lent")
    user, token = rows.reader("rolf", "lent")
    stream = served.stream(token, "lent").read_to(3)
    revoke_role(user=user, world_id="lent", role=Role.VIEWER, actor=rows.root)
    assert stream.read_to_the_end(seconds=6).ended
    assert served.get("/worlds/lent/events", token).status_code == 404


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        (None, 401, "E_UNAUTHENTICATED"),
        ("x" * 64, 401, "E_UNAUTHENTICATED"),
        ("stranger", 404, "E_NOT_FOUND"),
    ],
)
def test_who_may_not_read_gets_no_stream(
    rows: Committed, served: Served, token: str | None, status: int, code: str
) -> None:
    if token == "stranger":
        rows.world("ours")
        rows.world("theirs")
        token = rows.reader("sam", "theirs")[1]
    answer = served.get("/worlds/ours/events", token, accept="text/event-stream")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# --- what cannot be meant -----------------------------------------------------------------------------------
@pytest.mark.parametrize("last", ["99", "-1", "x", "2.0", "²", "beta:1", "9" * 30, ""])
def test_an_id_that_cannot_be_right_is_refused(rows: Committed, served: Served, last: str) -> None:
    if not OutboxEvent.objects.filter(stream="right-ids").exists():
        rows.world("right-ids", notes=2)
    answer = httpx.get(
        f"http://127.0.0.1:{served.port}/worlds/right-ids/events",
        headers={
            "Authorization": f"Bearer {rows.token}",
            "Accept": "text/event-stream",
            "Last-Event-ID": last.encode(),
        },  # type: ignore[dict-item]
    )
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "Last-Event-ID")


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("?after=999&wait=1", "?after"),
        ("?wait=61", "?wait"),
        ("?wait=-1", "?wait"),
        ("?wait=soon", "?wait"),
        ("?wait=", "?wait"),
        ("?limit=0", "?limit"),
    ],
)
def test_a_long_poll_that_cannot_be_meant_is_refused(
    rows: Committed, served: Served, path: str, pointer: str
) -> None:
    if not OutboxEvent.objects.filter(stream="asked").exists():
        rows.world("asked")
    answer = served.get(f"/worlds/asked/events{path}", rows.token)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/worlds/told/events", 405),
        ("GET", "/worlds", 404),
        ("GET", "/admin/", 404),
        ("GET", "/healthz", 200),
    ],
)
def test_the_stream_process_serves_streams_only(served: Served, method: str, path: str, status: int) -> None:
    answer = httpx.request(
        method, f"http://127.0.0.1:{served.port}{path}", content=b"{}" if method == "POST" else None
    )
    assert answer.status_code == status
    assert answer.headers["x-request-id"]


# --- pages and long polls -----------------------------------------------------------------------------------
def test_a_page_is_the_one_that_the_web_process_gives(rows: Committed, served: Served) -> None:
    rows.world("paged", notes=4)
    page = served.get("/worlds/paged/events?after=1&limit=2", rows.token).json()
    assert ([event["sequence"] for event in page["events"]], page["next"]) == ([2, 3], 3)


def test_a_long_poll_wakes_at_once(rows: Committed, served: Served) -> None:
    head = rows.world("polled")
    told = threading.Timer(0.5, lambda: (note("polled", "news"), connections.close_all()))
    began = time.monotonic()
    told.start()
    page = served.get(f"/worlds/polled/events?after={head}&wait=30", rows.token).json()
    assert time.monotonic() - began < 5
    assert ([event["sequence"] for event in page["events"]], page["next"]) == ([head + 1], head + 1)


def test_a_long_poll_without_news_ends_empty(rows: Committed, served: Served) -> None:
    head = rows.world("silent")
    began = time.monotonic()
    page = served.get(f"/worlds/silent/events?after={head}&wait=0.7", rows.token).json()
    assert page == {"events": [], "next": head}
    assert 0.6 < time.monotonic() - began < 5


def test_a_long_poll_does_not_wait_for_what_is_there(rows: Committed, served: Served) -> None:
    head = rows.world("there")
    assert served.get("/worlds/there/events?wait=30", rows.token).json()["next"] == head


# --- slow clients and lost connections ----------------------------------------------------------------------
def test_a_slow_client_is_dropped_and_resumes(rows: Committed, served: Served) -> None:
    """It reads nothing while much happens; others are not held up, and it finds everything when it comes back."""
    newest = rows.world("flood") + 100
    quick, slow = served.stream(rows.token, "flood"), served.stream(rows.token, "flood", window=4096)
    dropped = 'qmtl_event_streams_dropped_total{reason="slow"}'
    before = served.metric(dropped)
    for number in range(100):
        tell("flood", f"{number}" + "x" * 20_000)
        quick.read_to(newest - 99 + number)
    assert quick.ids == list(range(1, newest + 1))
    wait_for(lambda: served.metric(dropped) == before + 1)
    seen = slow.read_to_the_end().ids
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) < newest
    again = served.stream(rows.token, "flood", last=len(seen))
    assert again.read_to(newest).ids == list(range(len(seen) + 1, newest + 1))


def test_clients_that_left_are_forgotten(rows: Committed, served: Served) -> None:
    rows.world("left-alone")
    open_streams = 'qmtl_event_streams{kind="stream"}'
    before = served.metric(open_streams)
    streams = [served.stream(rows.token, "left-alone").read_to(1) for _ in range(5)]
    wait_for(lambda: served.metric(open_streams) >= before + 5)
    for stream in streams:
        stream.close()
    wait_for(lambda: served.metric(open_streams) <= before)


def test_streams_hold_no_connection_of_the_database(rows: Committed, served: Served) -> None:
    rows.world("cheap")
    streams = [served.stream(rows.token, "cheap").read_to(1) for _ in range(30)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        (count,) = cursor.fetchone()
    assert len(streams) == 30
    assert count < 12


def test_streams_outlive_their_lost_database_connections(rows: Committed, served: Served) -> None:
    """What the listener does not hear any more, the net finds; then it listens again."""
    head = rows.world("cut")
    stream = served.stream(rows.token, "cut", last=head).read(until=lambda it: it.comments > 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
        )
    connection.close()
    for number in range(5):
        note("cut", str(number))
    assert stream.read_to(head + 5).ids == list(range(head + 1, head + 6))


def test_a_process_that_stops_ends_its_streams(rows: Committed) -> None:
    rows.world("closing")
    with stream_process() as served:
        stream = served.stream(rows.token, "closing").read_to(1)
        began = time.monotonic()
        served.process.terminate()
        assert stream.read_to_the_end().ended
        served.process.wait(timeout=10)
        assert time.monotonic() - began < 2.5
