"""A world against the plain lifecycle, through its use case and through HTTP."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from qmtl_site.audit.actor import Actor
from tests.api import ApiClient, body
from tests.lifecycles import plain
from tests.lifecycles.ledger import ACTOR, SMALL, RolledBack, refused, written
from worlds import services
from worlds.models import World
from worlds.schemas import WorldCreate

BY_STATE = {target: name for name, (_, target) in plain.WORLD.items()}
SPELLINGS = {"Active": "ACTIVE", "Paused": "PAUSED", "EvalOnly": "EVALUATION_ONLY", "Retired": "RETIRED"}


class WorldMachine(RolledBack):
    def __init__(self) -> None:
        super().__init__()
        owner = Actor(user_id=User.objects.get().pk, name="root", is_superuser=True)
        services.create_world(fields=WorldCreate(id="alpha"), actor=owner)
        self.state = "ACTIVE"
        self.before = self.written = written("world", "world.")

    @rule(wanted=st.sampled_from([*BY_STATE, *SPELLINGS]))
    def move(self, wanted: str) -> None:
        target = SPELLINGS.get(wanted, wanted)
        if self.state in plain.WORLD[BY_STATE[target]][0]:
            self.change(wanted)
            self.state, self.written = target, (self.written[0] + 1, self.written[1] + 1)
            return
        refusal = refused(lambda: self.change(wanted))
        if self.state == "RETIRED":
            assert refusal.code == "E_WORLD_RETIRED"
        else:
            assert refusal.code == "E_ILLEGAL_TRANSITION"
            assert refusal.extra == {"current": self.state, "open": plain.open_from(plain.WORLD, self.state)}

    def change(self, wanted: str) -> None:
        services.change_world_state(world_id="alpha", state=wanted, reason="because", actor=ACTOR)

    @invariant()
    def the_database_is_where_the_model_is(self) -> None:
        assert World.objects.get().state == self.state

    @invariant()
    def each_transition_wrote_one_entry_and_one_event(self) -> None:
        assert written("world", "world.") == self.written


def test_a_world_moves_only_along_its_lifecycle(superuser: User) -> None:
    run_state_machine_as_test(WorldMachine, settings=SMALL)


@pytest.mark.parametrize(
    ("path", "target", "code"),
    [
        (["ACTIVE"], "ACTIVE", "E_ILLEGAL_TRANSITION"),
        (["PAUSED"], "PAUSED", "E_ILLEGAL_TRANSITION"),
        (["PAUSED"], "Paused", "E_ILLEGAL_TRANSITION"),
        (["EVALUATION_ONLY"], "EvalOnly", "E_ILLEGAL_TRANSITION"),
        (["RETIRED"], "ACTIVE", "E_WORLD_RETIRED"),
        (["RETIRED"], "RETIRED", "E_WORLD_RETIRED"),
    ],
)
def test_an_illegal_move_answers_409(root: ApiClient, path: list[str], target: str, code: str) -> None:
    root.make_world(policy=None)
    for state in path:
        root.post("/worlds/alpha/state", {"state": state, "reason": "because"})
    answer = root.post("/worlds/alpha/state", {"state": target, "reason": "because"})
    assert (answer.status_code, body(answer)["code"]) == (409, code)


def test_the_answer_names_the_state_and_what_is_open(root: ApiClient) -> None:
    root.make_world(policy=None)
    document = body(root.post("/worlds/alpha/state", {"state": "ACTIVE", "reason": "because"}))
    assert (document["current"], document["open"]) == ("ACTIVE", ["pause", "restrict", "retire"])
