"""Valkey stopped and emptied, the database connection cut in the middle of a switch: applies end as they should."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest
import redis

from qmtl_site.launcher.account import server_account
from qmtl_site.launcher.binaries import find_valkey
from qmtl_site.launcher.places import local_folder
from tests.faults.checker import faults
from tests.faults.driver import Fault
from tests.faults.drivers import Drivers
from tests.faults.scene import Answering, make_scene
from tests.ports import fresh_port
from tests.waiting import wait_for


class Valkey:
    """One of the test's own."""

    def __init__(self) -> None:
        self.port = fresh_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = str(find_valkey(server_account(), local_folder()))
        self.process = subprocess.Popen(
            [binary, "--port", str(self.port), "--save", "", "--loglevel", "warning"],
            stdout=subprocess.DEVNULL,
        )
        wait_for(self.answers)

    def answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def empty(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    server = Valkey()
    server.start()
    yield server
    server.kill()


def test_valkey_is_emptied_stopped_and_away(database: str, drivers: Drivers, valkey: Valkey) -> None:
    scenes = [make_scene(f"valkey.{n}", n) for n in (1, 2, 3)]
    interrupt = [valkey.empty, valkey.kill, lambda: None]
    drivers.start_holding(redis=valkey.url)
    with Answering(scenes):
        for scene, act in zip(scenes, interrupt, strict=True):
            scene.apply()
            act()
            wait_for(scene.is_settled)
        valkey.start()
    assert {scene.applied().phase for scene in scenes} == {"completed"}
    assert [fault for scene in scenes for fault in faults(database, scene.world)] == []


@pytest.mark.parametrize(
    ("where", "step"), [("inside", "switch"), ("before", "switch"), ("before", "roll_back")]
)
def test_a_connection_that_is_cut_in_a_step(database: str, drivers: Drivers, where: str, step: str) -> None:
    scene = make_scene(f"cut.{where}.{step}", 2, silent=step == "roll_back")
    with Answering([scene]):
        drivers.start_holding(Fault("cut", where, step, scene.world))
        scene.apply()
        begun = time.monotonic()
        wait_for(scene.is_settled)
    assert time.monotonic() - begun < 8
    assert scene.applied().phase == ("rolled_back" if step == "roll_back" else "completed")
    assert faults(database, scene.world) == []
