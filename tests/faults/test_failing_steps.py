"""A step that fails by itself, again and again, does not leave an apply stuck: before the switch it is abandoned."""

from __future__ import annotations

from typing import Any

import pytest

from strategies import services
from strategies.models import Apply, Binding, GateClient
from strategies.services import apply_steps
from tests.faults.checker import faults
from tests.faults.scene import Scene, make_scene
from tests.waiting import wait_for


def nobody_is_asked(scene: Scene) -> None:
    GateClient.objects.filter(world_id=scene.world).update(lease_until="2000-01-01T00:00:00Z")


@pytest.mark.parametrize(("step", "part"), [("freeze", "is_newer"), ("switch", "move_bindings")])
def test_what_fails_before_anything_is_open_is_abandoned_whole(
    database: str, monkeypatch: pytest.MonkeyPatch, step: str, part: str
) -> None:
    scene = make_scene(f"fails.{step}", 4)
    apply = scene.apply()
    nobody_is_asked(scene)

    def fail(*given: Any, **named: Any) -> None:
        raise ArithmeticError("of this plan")

    monkeypatch.setattr(apply_steps, part, fail)
    wait_for(services.hold_lease)
    assert services.drive_apply(apply_id=apply.pk) == "rolled_back"
    services.release_lease()
    assert f"the {step} failed: ArithmeticError" in Apply.objects.get(pk=apply.pk).outcome
    assert not Binding.objects.filter(world_id=scene.world, state="live", activation__freeze=True).exists()
    assert faults(database, scene.world) == []
