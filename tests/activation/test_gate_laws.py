"""The laws of gates, after anything that may happen to them: from the tables and the event log alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import settings as Settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from qmtl.contracts.activation import state_hash
from qmtl_site.audit.models import AuditEntry
from strategies.domain.plans import Plan
from strategies.models import Activation, ActivationRecord, Apply
from strategies.selectors import gate_documents, gates_hash
from tests.activation.acting import is_open
from tests.activation.happenings import NAMES, Happenings
from tests.conftest import client_of
from tests.decisions.conftest import DECIDES
from tests.lifecycles.ledger import SMALL
from tests.strategies.reporting import put_in_dry_run
from worlds.models import World


class GateMachine(Happenings):
    def look(self) -> None:
        self.a_frozen_gate_is_closed_and_belongs_to_an_apply_that_waits()

    @invariant()
    def a_frozen_gate_is_closed_and_belongs_to_an_apply_that_waits(self) -> None:
        apply = self.in_flight()
        waits = apply is not None and apply.phase in {"freeze", "switch"}
        frozen = {gate.binding.strategy_id: gate for gate in Activation.objects.filter(freeze=True)}
        assert not frozen or waits
        if apply is not None and waits:
            openings = {each.strategy_id for each in Plan.read(apply.plan).openings}
            assert frozen.keys() <= openings
            assert {(gate.incarnation, gate.number) for gate in frozen.values()} <= {apply.epoch}
            assert not openings & {each["strategy_id"] for each in gate_documents("alpha") if is_open(each)}

    @invariant()
    def the_newest_epoch_alone_opens_and_closings_are_never_undone(self) -> None:
        newest: dict[str, dict[str, Any]] = {}
        for word in self.told():
            before = newest.get(word["strategy_id"])
            if before is not None:
                assert word["epoch"] >= before["epoch"]
                is_closed = not before["active"] and not before["freeze"]
                opens_again = word["epoch"] == before["epoch"] and (word["active"] or word["freeze"])
                assert not (is_closed and opens_again)
            newest[word["strategy_id"]] = word
        for each in gate_documents("alpha"):
            # The mode in which it was told may have been lowered for a time, by a stale decision say.
            assert not is_open(each) or newest[each["strategy_id"]]["active"]

    @invariant()
    def one_apply_is_in_flight_and_opens_all_or_none(self) -> None:
        assert Apply.objects.filter(settled_at=None).count() <= 1
        opened: dict[tuple[int, ...], set[str]] = {}
        for word in self.told():
            if word["active"] and word["phase"] == "switch":
                opened.setdefault(tuple(word["epoch"]), set()).add(word["strategy_id"])
        for apply in Apply.objects.all():
            plan = Plan.read(apply.plan)
            openings = {each.strategy_id for each in plan.openings}
            has_switched = apply.phase in {"switch", "unfreeze", "completed"}
            assert opened.get(apply.epoch, set()) - plan.weights.keys() == (
                openings if has_switched else set()
            )

    @invariant()
    def what_opens_was_asked_for_after_the_newest_standstill(self) -> None:
        self.told()
        asked_at: dict[tuple[int, ...], int] = {}
        closed_at = 0
        for event in self.events:
            data = event["data"]
            if event["type"] == "apply.phase_changed":
                asked_at.setdefault(tuple(data["epoch"]), event["sequence"])
            elif event["type"] == "world.state_changed" and self.closes(data):
                closed_at = event["sequence"]
            elif event["type"] == "activation.updated" and data["active"]:
                assert asked_at.get(tuple(data["epoch"]), event["sequence"]) > closed_at

    @staticmethod
    def closes(data: dict[str, Any]) -> bool:
        """Whether a world has come to a standstill."""
        return data.get("circuit_breaker", False) or data.get("after", "ACTIVE") != "ACTIVE"

    @invariant()
    def every_word_is_numbered_recorded_and_audited_once(self) -> None:
        told = [word["sequence"] for word in self.told()]
        assert told == list(ActivationRecord.objects.order_by("sequence").values_list("sequence", flat=True))
        audited = AuditEntry.objects.filter(stream="alpha", action="activation.update")
        assert audited.count() == len(told)

    @invariant()
    def a_replay_gives_the_state_hash(self) -> None:
        newest = {word["strategy_id"]: word for word in self.told()}
        assert gates_hash("alpha")["state_hash"] == state_hash(newest.values())

    @invariant()
    def a_world_that_stands_still_has_told_every_gate_to_close(self) -> None:
        world = World.objects.get()
        if world.state != "ACTIVE" or world.circuit_breaker or not world.allow_live:
            assert not Activation.objects.filter(active=True).exists()


def test_gates_obey_their_laws_whatever_happens_when(superuser: User, settings: Any) -> None:
    settings.GATE_LEASE_SECONDS = (
        86_400.0  # the test is one transaction, in which the database's clock stands still
    )
    root = client_of(superuser)
    root.make_world(policy=DECIDES, allow_live=True)
    put_in_dry_run(root, *NAMES)
    World.objects.update(decision_stale_at=timezone.now() + timedelta(hours=24))
    run_state_machine_as_test(GateMachine, settings=Settings(SMALL, max_examples=12, stateful_step_count=6))
