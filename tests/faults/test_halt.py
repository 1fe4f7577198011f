"""`manage.py halt` and `manage.py after_restore`: with Redis, workers and driver down, and past who stands still."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from strategies import selectors
from strategies.models import Apply, Binding, GateAuthority, GateClient
from strategies.services import drive_apply, hold_lease, release_lease
from tests.api import POLICY
from tests.conftest import client_of
from tests.faults.checker import faults
from tests.faults.drivers import environment
from tests.faults.scene import OPERATOR, Scene, make_scene
from tests.ports import fresh_port
from tests.waiting import wait_for
from worlds.models import World
from worlds.services import insist, write_policy


@pytest.fixture
def scene(database: str, request: Any) -> Iterator[Scene]:
    yield make_scene(f"halt.{request.node.name.removeprefix('test_')[:80]}", 5)
    release_lease()


def open_gates(scene: Scene) -> list[str]:
    return [gate["strategy_id"] for gate in selectors.gate_documents(scene.world) if gate["active"]]


def halt(world: str, *options: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "halt", world, *options],
        env=environment(**changes),
        text=True,
        capture_output=True,
        timeout=60,
    )


def test_it_needs_nothing_but_the_database(scene: Scene, database: str) -> None:
    before = open_gates(scene)
    assert before
    done = halt(scene.world, "--reason", "smoke", REDIS_URL=f"redis://127.0.0.1:{fresh_port()}/0")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[-1] for line in done.stdout.splitlines() if "closed:" in line] == before
    assert open_gates(scene) == []
    assert World.objects.get(pk=scene.world).circuit_breaker
    assert faults(database, scene.world) == []


def test_exit_codes_say_whether_the_world_is_halted(scene: Scene) -> None:
    call_command("halt", scene.world)
    call_command("halt", scene.world)  # it is halted: that is what was asked for
    with pytest.raises(CommandError) as unknown:
        call_command("halt", "nowhere")
    down = halt(scene.world, DATABASE_URL=f"postgresql://nobody@127.0.0.1:{fresh_port()}/none")
    assert (unknown.value.returncode, down.returncode) == (2, 1)
    assert "NOT HALTED" in down.stderr


def test_who_judges_runs_does_not_hold_it_up_in_the_middle_of_an_apply(scene: Scene, database: str) -> None:
    """He holds bindings, and asks for the ledger when he is done: the halt, which holds the ledger, waits for none."""
    assert drive_apply(apply_id=scene.apply().pk) == "freeze"
    with psycopg.connect(database) as judge:
        judge.execute("SELECT FROM strategies_binding WHERE world_id = %s FOR NO KEY UPDATE", [scene.world])
        call_command("halt", scene.world, patience=0.2)
        judge.execute("SELECT FROM ledger_ledger WHERE stream = %s FOR NO KEY UPDATE", [scene.world])
    assert (scene.applied().phase, open_gates(scene)) == ("rolled_back", [])


def test_who_stands_still_with_the_world_s_lock_does_not_hold_it_up(scene: Scene, database: str) -> None:
    with psycopg.connect(database) as stopped:
        stopped.execute("SELECT FROM worlds_world WHERE id = %s FOR UPDATE", [scene.world])
        call_command("halt", scene.world, patience=0.2)
        with pytest.raises(psycopg.OperationalError):
            stopped.execute("SELECT 1")
    assert open_gates(scene) == []


def test_nor_the_switch_by_the_api(scene: Scene, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insist, "__kwdefaults__", {"patience": 0.2})
    with psycopg.connect(database) as stopped:
        stopped.execute("SELECT FROM worlds_world WHERE id = %s FOR UPDATE", [scene.world])
        answer = client_of(scene.user).post(
            f"/worlds/{scene.world}/circuit-breaker", {"engaged": True, "reason": "a test"}
        )
        with pytest.raises(psycopg.OperationalError):
            stopped.execute("SELECT 1")
    assert (answer.status_code, open_gates(scene)) == (200, [])


def test_what_an_apply_was_about_to_open_stays_closed(scene: Scene, database: str) -> None:
    apply = scene.apply()
    drive_apply(apply_id=apply.pk)
    assert Apply.objects.get(pk=apply.pk).phase == "freeze"
    call_command("halt", scene.world)
    GateClient.objects.filter(world_id=scene.world).update(lease_until="2000-01-01T00:00:00Z")
    assert drive_apply(apply_id=apply.pk) == "rolled_back"
    assert open_gates(scene) == []
    assert faults(database, scene.world) == []


def test_after_a_restore_nothing_of_before_counts(scene: Scene, database: str) -> None:
    apply = scene.apply()
    drive_apply(apply_id=apply.pk)
    for _ in range(2):
        call_command("after_restore", verbosity=0)
    assert GateAuthority.objects.get(world_id=scene.world).incarnation == 3
    assert not GateClient.objects.filter(world_id=scene.world, revoked_at=None).exists()
    assert drive_apply(apply_id=apply.pk) == "rolled_back"
    assert open_gates(scene) == []
    assert faults(database, scene.world) == []


def test_after_a_restore_every_world_is_due_for_an_evaluation(scene: Scene) -> None:
    write_policy(world_id=scene.world, source=json.dumps(POLICY), media="json", actor=OPERATOR, publish=True)
    World.objects.filter(pk=scene.world).update(next_evaluation_at=timezone.now() + timedelta(days=1))
    call_command("after_restore", verbosity=0)
    due = World.objects.get(pk=scene.world).next_evaluation_at
    assert due is not None
    assert due <= timezone.now()


def test_an_apply_that_was_only_asked_for_before_a_restore_opens_nothing(scene: Scene, database: str) -> None:
    apply = scene.apply()
    call_command("after_restore", verbosity=0)
    wait_for(hold_lease)
    assert drive_apply(apply_id=apply.pk) == "rolled_back"
    assert "restored" in Apply.objects.get(pk=apply.pk).outcome
    assert faults(database, scene.world) == []


def test_who_is_stopped_while_his_gate_is_frozen_takes_the_apply_back(scene: Scene, database: str) -> None:
    apply = scene.apply()
    drive_apply(apply_id=apply.pk)
    opening = scene.plan.openings[0].strategy_id
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE strategies_binding SET state = 'inactive' WHERE world_id = %s AND strategy_id = %s",
            [scene.world, opening],
        )
    GateClient.objects.filter(world_id=scene.world).update(lease_until="2000-01-01T00:00:00Z")
    assert drive_apply(apply_id=apply.pk) == "rolled_back"
    assert "is inactive by now" in Apply.objects.get(pk=apply.pk).outcome
    assert Binding.objects.get(world_id=scene.world, strategy_id=opening).state == "inactive"
    assert faults(database, scene.world) == []
