"""A binding against the plain lifecycle, through `move_binding`."""

from __future__ import annotations

from django.contrib.auth.models import User
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from qmtl_site.audit.actor import Actor
from strategies import services
from strategies.models import Binding
from strategies.schemas import StrategyCreate
from tests.api import ApiClient, body
from tests.lifecycles import plain
from tests.lifecycles.ledger import ACTOR, SMALL, RolledBack, refused, written
from worlds.schemas import WorldCreate
from worlds.services import create_world


def bind() -> None:
    owner = Actor(user_id=User.objects.get().pk, name="root", is_superuser=True)
    create_world(fields=WorldCreate(id="alpha"), actor=owner)
    services.register_strategy(fields=StrategyCreate(id="mom"), actor=owner)
    services.bind_strategies(world_id="alpha", strategy_ids=["mom"], actor=owner)


class BindingMachine(RolledBack):
    def __init__(self) -> None:
        super().__init__()
        bind()
        self.state, self.counters, self.written = "submitted", (0, 0), (1, 1)

    @rule(passes=st.integers(0, 3), failures=st.integers(0, 3))
    def count(self, passes: int, failures: int) -> None:
        Binding.objects.update(consecutive_passes=passes, consecutive_failures=failures)
        self.counters = (passes, failures)

    @rule(by=st.sampled_from(sorted(plain.BINDING)))
    def move(self, by: str) -> None:
        sources, target = plain.BINDING[by]
        if self.state in sources:
            self.fire(by)
            self.state, self.counters = target, (0, 0)
            self.written = (self.written[0] + 1, self.written[1] + 1)
            return
        refusal = refused(lambda: self.fire(by))
        assert refusal.code == "E_ILLEGAL_TRANSITION"
        assert refusal.extra == {"current": self.state, "open": plain.open_from(plain.BINDING, self.state)}

    def fire(self, by: str) -> None:
        services.move_binding(binding=Binding.objects.get(), by=by, reason="because", actor=ACTOR)

    @invariant()
    def the_database_is_where_the_model_is(self) -> None:
        found = Binding.objects.get()
        assert (found.state, (found.consecutive_passes, found.consecutive_failures)) == (
            self.state,
            self.counters,
        )

    @invariant()
    def each_transition_wrote_one_entry_and_one_event(self) -> None:
        assert written("binding", "binding.") == self.written


def test_a_binding_moves_only_along_its_lifecycle(superuser: User) -> None:
    run_state_machine_as_test(BindingMachine, settings=SMALL)


def test_one_illegal_move_undoes_the_others_of_its_batch(root: ApiClient) -> None:
    root.make_world(policy=None)
    for name in ("mom", "rev"):
        root.make_strategy(name)
    root.post("/worlds/alpha/bindings", {"strategies": ["mom", "rev"]})
    mom, rev = Binding.objects.order_by("id")
    before = written("binding", "binding.")
    moves = [services.Move(mom, "reject", "because"), services.Move(rev, "promote", "because")]
    refused(lambda: services.move_bindings(moves=moves, actor=ACTOR))
    assert set(Binding.objects.values_list("state", flat=True)) == {"submitted"}
    assert written("binding", "binding.") == before


def test_a_world_that_retires_archives_its_bindings(root: ApiClient) -> None:
    root.make_world(policy=None)
    root.make_strategy()
    root.post("/worlds/alpha/bindings", {"strategies": ["mom"]})
    root.delete("/worlds/alpha?reason=over")
    (binding,) = body(root.get("/worlds/alpha/bindings"))["items"]
    assert (binding["state"], written("binding", "binding.")) == ("archived", (2, 2))
