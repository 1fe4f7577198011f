"""A process that is stopped and wakes up after it was replaced changes nothing, and kept nobody waiting."""

from __future__ import annotations

import signal
import time

import pytest
from django.db import connection

from strategies.models import Apply, DriverLease
from strategies.services import LeaseLost, release_lease
from strategies.services import driver_lease as module
from strategies.services.apply_steps import take_step
from tests.faults.checker import faults
from tests.faults.driver import Fault
from tests.faults.drivers import Drivers, holds_lease, is_alive
from tests.faults.scene import Answering, Scene, make_scene
from tests.nursery import Process
from tests.waiting import wait_for


def is_stopped(driver: Process) -> bool:
    with open(f"/proc/{driver.pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


def events(scene: Scene) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_sequence FROM ledger_ledger WHERE stream = %s", [scene.world])
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("where", "step"),
    [
        ("after", "freeze"),
        ("before", "switch"),
        ("inside", "switch"),
        ("after", "switch"),
        ("before", "unfreeze"),
    ],
)
def test_who_wakes_up_replaced_is_refused(database: str, drivers: Drivers, where: str, step: str) -> None:
    """Between two steps it holds no lock; within one it holds the world's, until the database ends its session."""
    scene, other = (make_scene(f"still.{where}.{step}.{n}", n) for n in (1, 2))
    with Answering([scene, other]):
        sleeper = drivers.start_holding(Fault("stop", where, step, scene.world))
        scene.apply()
        wait_for(lambda: is_stopped(sleeper))
        second = drivers.start_holding()
        wait_for(scene.is_settled)
        told = events(scene)
        sleeper.send_signal(signal.SIGCONT)
        time.sleep(0.3)
        assert (events(scene), is_alive(sleeper)) == (told, True)
        second.kill()
        other.apply()
        wait_for(lambda: holds_lease(sleeper))  # it asked anew
        wait_for(other.is_settled)
    assert {scene.applied().phase, other.applied().phase} == {"completed"}
    assert faults(database, scene.world) + faults(database, other.world) == []


def test_an_old_fence_takes_no_step(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = make_scene("still.fence", 1)
    old = module.hold_lease()
    assert old is not None
    apply = scene.apply()
    release_lease()
    monkeypatch.setattr(module, "holder", lambda process: "somebody else")
    assert module.hold_lease() == old + 1
    with pytest.raises(LeaseLost):
        take_step(apply_id=apply.pk, fence=old)
    assert Apply.objects.get(pk=apply.pk).phase == "requested"
    release_lease()


def test_a_lease_is_kept_by_its_holder_and_taken_only_when_it_has_run_out(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(lambda: module.hold_lease() is not None)
    mine = module.hold_lease()
    with monkeypatch.context() as another:
        another.setattr(module, "holder", lambda process: "somebody else")
        assert module.hold_lease() is None
    assert module.hold_lease() == mine
    DriverLease.objects.update(until="2000-01-01T00:00:00Z")
    assert module.hold_lease() == mine  # nobody came in between
    release_lease()
