"""Acknowledgements that come twice, out of order, late, or from somebody else: refused, or nothing new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from qmtl_site.http.refusals import Refusal
from strategies import services
from strategies.models import Apply, ApplyAck
from tests.faults.checker import faults
from tests.faults.scene import TOKEN, Client, Scene, make_scene
from tests.waiting import wait_for


class Told:
    """A world with an apply that waits for its clients, driven by hand."""

    def __init__(self, world: str) -> None:
        self.scene: Scene = make_scene(world, 2)
        self.key = self.scene.apply().pk
        self.drive()

    def drive(self) -> str:
        wait_for(services.hold_lease)
        return services.drive_apply(apply_id=self.key)

    @property
    def apply(self) -> Apply:
        return Apply.objects.get(pk=self.key)

    def says(self, client: Client, phase: str, **changes: Any) -> str:
        """What comes of an acknowledgement: the code of its refusal, or nothing."""
        apply = self.apply
        asked = apply.freeze_sequence if phase == "freeze" else apply.unfreeze_sequence
        receipt = services.Receipt(
            client_id=client.name,
            secret=client.secret,
            token_digest=TOKEN,
            phase=phase,
            sequence=asked or apply.freeze_sequence or 0,
            epoch=apply.epoch,
        )
        try:
            services.acknowledge(
                world_id=self.scene.world,
                run_id=changes.pop("run_id", "main"),
                receipt=replace(receipt, **changes),
                actor=self.scene.runner,
            )
        except Refusal as refusal:
            return refusal.code
        return ""

    def all_say(self, phase: str) -> list[str]:
        return [self.says(client, phase) for client in self.scene.clients]


@pytest.fixture
def told(database: str, request: Any) -> Iterator[Told]:
    yield Told("acks." + request.node.name.split("[")[0].removeprefix("test_")[:60])
    services.release_lease()


def test_twice_is_once(told: Told, database: str) -> None:
    first = told.scene.clients[0]
    assert [told.says(first, "freeze") for _ in range(3)] == ["", "", ""]
    assert ApplyAck.objects.filter(apply=told.key).count() == 1
    assert told.drive() == "freeze"


def test_the_receipt_of_a_later_phase_comes_too_early(told: Told) -> None:
    assert {*told.all_say("unfreeze")} == {"E_STALE_ACK"}
    assert told.drive() == "freeze"


def test_out_of_order_and_late(told: Told, database: str) -> None:
    assert {*told.all_say("freeze")} == {""}
    assert told.drive() == "unfreeze"
    assert {*told.all_say("freeze")} == {""}  # heard before: nothing new
    assert {*told.all_say("unfreeze")} == {""}
    assert told.drive() == "completed"
    assert {*told.all_say("unfreeze")} == {""}
    assert faults(database, told.scene.world) == []


def test_after_it_was_abandoned(told: Told, database: str) -> None:
    Apply.objects.filter(pk=told.key).update(deadline="2000-01-01T00:00:00Z")
    assert told.drive() == "rolled_back"
    assert {*told.all_say("freeze")} == {"E_STALE_ACK"}
    assert faults(database, told.scene.world) == []


FOREIGN: list[tuple[str, Callable[[Apply], dict[str, Any]]]] = [
    ("sequence", lambda apply: {"sequence": (apply.freeze_sequence or 0) - 1}),
    ("epoch", lambda apply: {"epoch": (apply.incarnation, apply.number - 1)}),
    ("incarnation", lambda apply: {"epoch": (apply.incarnation + 1, apply.number)}),
    ("secret", lambda apply: {"secret": "another"}),
    ("client", lambda apply: {"client_id": "nobody"}),
    ("apply", lambda apply: {"run_id": "base"}),
]


@pytest.mark.parametrize(("what", "changes"), FOREIGN, ids=[what for what, _ in FOREIGN])
def test_of_another(database: str, what: str, changes: Callable[[Apply], dict[str, Any]]) -> None:
    told = Told(f"acks.{what}")
    assert told.says(told.scene.clients[0], "freeze", **changes(told.apply)) == "E_STALE_ACK"
    assert told.drive() == "freeze"
    services.release_lease()
