"""What may happen to the gates of a world, in any order: applies, their steps, acknowledgements, acts of people.

Who wants to know whether it was lawful looks after each act: see `test_gate_laws.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from qmtl_site.audit.actor import Actor
from qmtl_site.http.problems import refusal_of
from qmtl_site.outbox.models import OutboxEvent
from strategies import services
from strategies.domain.plans import Plan
from strategies.models import Activation, Apply, Binding, GateClient
from strategies.services.apply_steps import database_now
from strategies.services.gates import report_hits
from tests.activation.acting import ACTOR, asked, step
from tests.lifecycles.ledger import RolledBack
from worlds.models import World
from worlds.schemas import WorldPatch
from worlds.services import change_world_state, set_circuit_breaker, update_world

NAMES, HOLDERS = ("a", "b", "c"), ("g1", "g2")
SOME = st.sets(st.sampled_from(NAMES))
ONE = st.sampled_from(NAMES)
WHATS = st.sampled_from(
    [
        "nothing",
        "close",
        "close_all",
        "open",
        "weigh",
        "stop",
        "halt_and_reset",
        "pause_and_resume",
        "forbid_and_allow",
        "grow_stale",
        "fall_silent",
    ]
)
SCENE = st.tuples(st.sets(ONE, min_size=1), SOME, st.integers(0, 3), WHATS, ONE)


@dataclass
class Lease:
    """A holder as he ought to be known. `acked`: (apply, phase)."""

    strategies: set[str]
    secret: str
    acked: set[tuple[int, str]] = field(default_factory=set)


class Happenings(RolledBack):
    def __init__(self) -> None:
        super().__init__()
        self.runner = Actor(user_id=User.objects.get().pk, name="root", is_superuser=True)
        self.leases: dict[str, Lease] = {}
        self.receipts: list[tuple[str, services.Receipt]] = []
        self.events: list[dict[str, Any]] = []
        self.count = 0

    def may(self, act: Callable[[], Any]) -> bool:
        """Whether it was done; what is refused is refused in words, and nothing is told of it."""
        before = OutboxEvent.objects.count()
        try:
            with transaction.atomic():
                act()
        except Exception as error:
            refusal = refusal_of(error)
            assert 400 <= refusal.status < 500, error
            assert OutboxEvent.objects.count() == before
            return False
        return True

    def in_flight(self) -> Apply | None:
        return Apply.objects.filter(settled_at=None).first()

    # --- applies --------------------------------------------------------------------------------------
    @rule(opens=SOME, closes=SOME, weights=SOME)
    def ask(self, opens: set[str], closes: set[str], weights: set[str]) -> None:
        self.count += 1
        plan = {"opens": dict.fromkeys(sorted(opens), 0.5), "closes": sorted(closes - opens)}
        self.may(
            lambda: asked(f"r{self.count}", **plan, weights=dict.fromkeys(sorted(weights - opens), 0.25))
        )

    @precondition(lambda self: self.in_flight())
    @rule(late=st.sampled_from([False, False, False, True]))
    def drive(self, late: bool) -> None:
        """One step, which is what the plain rules of the spec say."""
        apply = self.in_flight()
        assert apply is not None
        if late and apply.deadline is not None:
            Apply.objects.filter(pk=apply.pk).update(deadline=Now() - timedelta(hours=1))
            apply.refresh_from_db()
        before, waiting = apply.phase, self.waiting_for(apply)
        late = apply.deadline is not None and apply.deadline <= database_now()
        after = step(apply).phase
        if before in {"freeze", "unfreeze"} and waiting and not late:
            assert after == before
        elif before == "freeze" and waiting:
            assert after == "rolled_back"
            self.leases = {name: lease for name, lease in self.leases.items() if name not in waiting}
        elif before in {"requested", "freeze"}:
            assert after in {{"requested": "freeze", "freeze": "switch"}[before], "rolled_back"}
        else:
            assert after == {"switch": "unfreeze", "unfreeze": "completed"}[before]

    def waiting_for(self, apply: Apply) -> set[str]:
        """Who holds what is to open; once it has been told to open, who holds what still has that as its newest word."""
        concerned = {each.strategy_id for each in Plan.read(apply.plan).openings}
        if apply.phase == "unfreeze":
            newest = {word["strategy_id"]: word for word in self.told()}
            concerned = {name for name in concerned if newest[name]["epoch"] == list(apply.epoch)}
        held = {name: lease for name, lease in self.leases.items() if lease.strategies & concerned}
        return {name for name, lease in held.items() if (apply.pk, apply.phase) not in lease.acked}

    @initialize(name=st.sampled_from(HOLDERS), held=SOME, scenes=st.lists(SCENE, min_size=2, max_size=5))
    def begin(self, name: str, held: set[str], scenes: list[Any]) -> None:
        if held:
            self.register(name, held)
        for scene in scenes:
            self.disturb(scene)

    @rule(scene=SCENE)
    def disturb(self, scene: tuple[set[str], set[str], int, str, str]) -> None:
        """In a world that may trade: an apply, something that comes between its steps, and then its end."""
        opens, closes, steps, what, name = scene
        self.finish()
        self.recover()
        is_live = set(Binding.objects.filter(state="live").values_list("strategy_id", flat=True))
        is_active = set(Activation.objects.filter(active=True).values_list("binding__strategy_id", flat=True))
        self.ask(opens - is_active, closes & is_live - (opens - is_active), set(NAMES))
        for _ in range(steps):
            self.go_on()
        getattr(self, what)(name)
        self.look()
        self.finish()

    def look(self) -> None:
        """In the middle of a scene."""

    def recover(self) -> None:
        self.change_state("ACTIVE")
        self.switch_breaker(engaged=False)
        self.allow_live(allowed=True)
        self.decide_anew(24)
        self.report_hits(0)
        for name in NAMES:
            self.move(name, "start_dry_run")

    def go_on(self) -> None:
        """A step, after everybody who is waited for has said what he has to say."""
        apply = self.in_flight()
        if apply is None:
            return
        for name in sorted(self.waiting_for(apply)) if apply.phase in {"freeze", "unfreeze"} else ():
            self.say(name, apply, apply.phase)
        self.drive(late=False)

    def finish(self) -> None:
        """Nothing is stuck: where everybody answers, four steps are enough."""
        for _ in range(4):
            self.go_on()
        assert self.in_flight() is None

    # --- what comes between -------------------------------------------------------------------------
    def nothing(self, name: str) -> None:
        pass

    def close(self, name: str) -> None:
        self.set_gate(name, False, None)

    def open(self, name: str) -> None:
        self.set_gate(name, True, None)

    def weigh(self, name: str) -> None:
        self.set_gate(name, None, 0.75)

    def stop(self, name: str) -> None:
        self.move(name, "deactivate")

    def close_all(self, name: str) -> None:
        for each in NAMES:
            self.close(each)

    def halt_and_reset(self, name: str) -> None:
        self.switch_breaker(engaged=True)
        self.switch_breaker(engaged=False)

    def pause_and_resume(self, name: str) -> None:
        self.change_state("PAUSED")
        self.change_state("ACTIVE")

    def forbid_and_allow(self, name: str) -> None:
        self.allow_live(allowed=False)
        self.allow_live(allowed=True)

    def grow_stale(self, name: str) -> None:
        self.decide_anew(-1)

    def fall_silent(self, name: str) -> None:
        if (apply := self.in_flight()) is not None and self.waiting_for(apply):
            self.drive(late=True)

    # --- holders --------------------------------------------------------------------------------------
    @rule(name=st.sampled_from(HOLDERS), strategies=st.sets(ONE, min_size=1))
    def register(self, name: str, strategies: set[str]) -> None:
        held = [services.Held(each) for each in sorted(strategies)]
        given = {"world_id": "alpha", "client_id": name, "executor": "", "token_digest": "t"}
        lease = services.register_client(held=held, actor=self.runner, **given)
        self.leases[name] = Lease(strategies, lease["lease_secret"])

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), by=st.sampled_from(["time", "operator"]))
    def lose_lease(self, data: st.DataObject, by: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.leases)))
        if by == "time":
            rows = GateClient.objects.filter(client_id=name, revoked_at=None)
            rows.update(lease_until=Now() - timedelta(hours=1))
        else:
            services.revoke_lease(world_id="alpha", client_id=name, reason="a test", actor=ACTOR)
        del self.leases[name]

    @precondition(lambda self: self.leases and Apply.objects.exists())
    @rule(data=st.data(), lower=st.sampled_from([0, 0, 0, 1]), newer=st.sampled_from([0, 0, 0, 1]))
    def acknowledge(self, data: st.DataObject, lower: int, newer: int) -> None:
        """Of the newest apply mostly; with a sequence or an epoch that is not its own sometimes."""
        name = data.draw(st.sampled_from(sorted(self.leases)))
        apply = data.draw(st.sampled_from(list(Apply.objects.order_by("-pk")[:2])))
        asks = apply.phase in {"freeze", "unfreeze"}
        phase = apply.phase if asks else data.draw(st.sampled_from(["freeze", "unfreeze"]))
        assert not (self.say(name, apply, phase, lower=lower, newer=newer) and (lower or newer))

    def say(self, name: str, apply: Apply, phase: str, *, lower: int = 0, newer: int = 0) -> bool:
        asked_at = apply.freeze_sequence if phase == "freeze" else apply.unfreeze_sequence
        sequence, epoch = max((asked_at or 0) - lower, 0), (apply.incarnation, apply.number + newer)
        receipt = services.Receipt(name, self.leases[name].secret, "t", phase, sequence, epoch)
        self.receipts.append((apply.run_id, receipt))
        return self.send(apply.run_id, receipt)

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """A word comes twice, or late."""
        self.send(*data.draw(st.sampled_from(self.receipts)))

    def send(self, run_id: str, receipt: services.Receipt) -> bool:
        given: dict[str, Any] = {
            "world_id": "alpha",
            "run_id": run_id,
            "receipt": receipt,
            "actor": self.runner,
        }
        taken = self.may(lambda: services.acknowledge(**given))
        if taken:
            key = Apply.objects.get(run_id=run_id).pk
            self.leases[receipt.client_id].acked.add((key, receipt.phase))
        return taken

    # --- people ---------------------------------------------------------------------------------------
    @rule(name=ONE, active=st.sampled_from([None, True, False]), weight=st.sampled_from([None, 0.75]))
    def set_gate(self, name: str, active: bool | None, weight: float | None) -> None:
        given = {"world_id": "alpha", "strategy_id": name, "side": None, "reason": "a test", "actor": ACTOR}
        done = self.may(lambda: services.set_gate(active=active, weight=weight, **given))
        if active is False and Binding.objects.get(strategy_id=name).state == "live":
            assert done  # closing is always possible

    @rule(name=ONE, by=st.sampled_from(["deactivate", "start_dry_run"]))
    def move(self, name: str, by: str) -> None:
        """Who is not live is stopped and started by hand, whatever goes on."""
        binding = Binding.objects.get(strategy_id=name)
        if (by, binding.state) in {("deactivate", "dry_run"), ("start_dry_run", "inactive")}:
            services.move_binding(binding=binding, by=by, reason="a test", actor=ACTOR)

    @rule(engaged=st.booleans())
    def switch_breaker(self, engaged: bool) -> None:
        set_circuit_breaker(world_id="alpha", engaged=engaged, reason="a test", actor=ACTOR)

    @rule(allowed=st.sampled_from([True, True, False]))
    def allow_live(self, allowed: bool) -> None:
        update_world(world_id="alpha", fields=WorldPatch(allow_live=allowed), actor=ACTOR)

    @rule(wanted=st.sampled_from(["ACTIVE", "ACTIVE", "PAUSED", "EVALUATION_ONLY"]))
    def change_state(self, wanted: str) -> None:
        self.may(lambda: change_world_state(world_id="alpha", state=wanted, reason="a test", actor=ACTOR))

    @rule(hours=st.sampled_from([24, 24, -1]))
    def decide_anew(self, hours: int) -> None:
        """A re-evaluation, or none for too long."""
        World.objects.update(decision_stale_at=timezone.now() + timedelta(hours=hours))

    @rule(hits=st.sampled_from([0, 0, 1]))
    def report_hits(self, hits: int) -> None:
        given = {"world_id": "alpha", "actor": ACTOR}
        report_hits(client_id="g1", hits=1, **given) if hits else services.clear_hits(reason="ok", **given)

    # --- what was told ---------------------------------------------------------------------------------
    def told(self) -> list[dict[str, Any]]:
        """All that gates were told since the beginning; what was read once does not change."""
        newer = OutboxEvent.objects.filter(stream="alpha", sequence__gt=len(self.events)).order_by("sequence")
        self.events += [orjson.loads(text) for text in newer.values_list("document", flat=True)]
        assert [event["sequence"] for event in self.events] == list(range(1, len(self.events) + 1))
        return [event["data"] for event in self.events if event["type"] == "activation.updated"]
