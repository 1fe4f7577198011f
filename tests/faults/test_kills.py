"""kill -9 of the driver at each step of an apply: the next one finishes or abandons it, and nothing was half done."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from tests.faults.checker import faults, stuck
from tests.faults.driver import Fault
from tests.faults.drivers import Drivers, is_alive
from tests.faults.scene import Answering, Scene, make_scene
from tests.waiting import wait_for

STEPS = ("freeze", "switch", "unfreeze", "complete", "roll_back")
POINTS = [
    *((where, step) for step in STEPS for where in ("before", "after")),
    ("inside", "switch"),
    ("inside", "roll_back"),
    ("waiting", "freeze"),
    ("waiting", "unfreeze"),
    ("relay", "apply.phase_changed"),
]
SEEDS = (1, 2, 3)
# Of what the contract gives 30 s: a driver takes over after its lease, and finishes or abandons.
SETTLED_WITHIN = 15.0


def everything_relayed(world: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.event_sequence = c.sequence FROM ledger_ledger l JOIN outbox_deliverycursor c"
            " ON c.stream = l.stream AND c.consumer = 'handlers' WHERE l.stream = %s",
            [world],
        )
        return cursor.fetchone() == (True,)


@pytest.mark.parametrize(("where", "step"), POINTS, ids=[f"{where}-{step}" for where, step in POINTS])
def test_a_driver_that_is_killed(database: str, drivers: Drivers, where: str, step: str) -> None:
    abandoned = step == "roll_back"
    scenes = [make_scene(f"{where}.{step}.{seed}", seed, silent=abandoned) for seed in SEEDS]
    with Answering(scenes):
        for scene in scenes:
            die_at(drivers, Fault("kill", where, step, scene.world), scene)
        drivers.start_holding()
        taken_over = time.monotonic()
        wait_for(lambda: all(scene.is_settled() for scene in scenes), SETTLED_WITHIN)
        wait_for(lambda: all(everything_relayed(scene.world) for scene in scenes), SETTLED_WITHIN)
    assert time.monotonic() - taken_over < SETTLED_WITHIN
    assert {scene.applied().phase for scene in scenes} == {"rolled_back" if abandoned else "completed"}
    assert [fault for scene in scenes for fault in faults(database, scene.world)] == []
    assert [late for scene in scenes for late in stuck(database, scene.world, 0)] == []


def die_at(drivers: Drivers, fault: Fault, scene: Scene) -> None:
    """A driver with the lease that meets its end with this world's apply."""
    driver = drivers.start_holding(fault)
    scene.apply()
    wait_for(lambda: not is_alive(driver))
