"""Versions of a policy against the plain lifecycle: one is active, the others wait or have been."""

from __future__ import annotations

import threading

import orjson
import pytest
from django.contrib.auth.models import User
from django.db import connections
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.models import AuditEntry
from tests.api import POLICY
from tests.lifecycles import plain
from tests.lifecycles.ledger import ACTOR, SMALL, RolledBack, refused, written
from worlds import services
from worlds.models import PolicyVersion
from worlds.schemas import WorldCreate


def create_world() -> None:
    owner = Actor(user_id=User.objects.get().pk, name="root", is_superuser=True)
    services.create_world(fields=WorldCreate(id="alpha"), actor=owner)


def write(*, publish: bool) -> None:
    text = orjson.dumps(POLICY)
    services.write_policy(world_id="alpha", source=text, media="json", actor=ACTOR, publish=publish)


def publish(version: int) -> None:
    services.publish_policy(world_id="alpha", version=version, actor=ACTOR)


def state_of_versions() -> dict[int, str]:
    return dict(PolicyVersion.objects.order_by("version").values_list("version", "state"))


class PolicyMachine(RolledBack):
    def __init__(self) -> None:
        super().__init__()
        create_world()
        self.states: dict[int, str] = {}
        self.entries = self.events = 0

    def becomes_active(self, version: int) -> None:
        deprecated = {v: "deprecated" for v, state in self.states.items() if state == "active"}
        self.states |= deprecated | {version: "active"}

    @rule(published=st.booleans())
    def write(self, published: bool) -> None:
        write(publish=published)
        version = len(self.states) + 1
        self.states[version] = "draft"
        self.entries, self.events = self.entries + 1, self.events + 1
        if published:  # written and activated: two acts, one event that tells the outcome
            self.becomes_active(version)
            self.entries += 1

    @rule(version=st.integers(1, 6))
    def publish(self, version: int) -> None:
        state = self.states.get(version)
        if state in plain.POLICY["activate"][0]:
            publish(version)
            self.becomes_active(version)
            self.entries, self.events = self.entries + 1, self.events + 1
            action = "policy.rollback" if state == "deprecated" else "policy.activate"
            assert AuditEntry.objects.filter(object_type="policy").latest("sequence").action == action
            return
        refusal = refused(lambda: publish(version))
        assert refusal.code == ("E_NOT_FOUND" if state is None else "E_ILLEGAL_TRANSITION")
        assert state is None or refusal.extra == {"current": "active", "open": ["deprecate"]}

    @invariant()
    def the_database_is_where_the_model_is(self) -> None:
        assert state_of_versions() == self.states

    @invariant()
    def at_most_one_version_is_active(self) -> None:
        assert list(self.states.values()).count("active") <= 1

    @invariant()
    def each_act_is_audited_and_told(self) -> None:
        assert written("policy", "policy.") == (self.entries, self.events)


def test_policies_move_only_along_their_lifecycle(superuser: User) -> None:
    run_state_machine_as_test(PolicyMachine, settings=SMALL)


@pytest.mark.parametrize("rounds", [10])
def test_two_who_publish_at_once_leave_one_active(committed: None, rounds: int) -> None:
    User.objects.create_user("root")
    create_world()
    write(publish=True)
    write(publish=False)
    gate, failures = threading.Barrier(2), []

    def publish_again_and_again(version: int) -> None:
        for _ in range(rounds):
            gate.wait(timeout=20)
            refusal_codes = [] if state_of_versions()[version] == "active" else try_to_publish(version)
            failures.extend(refusal_codes)
        connections.close_all()

    threads = [threading.Thread(target=publish_again_and_again, args=(v,)) for v in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert failures == []
    assert sorted(state_of_versions().values()) == ["active", "deprecated"]


def try_to_publish(version: int) -> list[str]:
    try:
        publish(version)
    except Exception as error:
        return [repr(error)]
    return []
