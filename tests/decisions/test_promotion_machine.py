"""Promotions against their lifecycle: what decisions ask for, what people may do with it, what each answer writes.

All of it happens within one slot of the schedule, so that no counter moves: a strategy is asked for as long as its
newest run passes and the world would let it go live.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import time_machine
from django.contrib.auth.models import User
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from evaluation import services
from evaluation.models import Promotion
from evaluation.schemas import RunCreate
from strategies.models import Activation, Apply, Binding
from tests.api import ApiClient, body, results, returns
from tests.conftest import client_of
from tests.decisions.conftest import DECIDES, OnPaper, paper
from tests.decisions.reading import read_only
from tests.decisions.test_evaluate import evaluate
from tests.lifecycles.ledger import ACTOR, SMALL, RolledBack, refused, written
from tests.problem import refusal
from worlds.schemas import WorldPatch
from worlds.services import change_world_state, set_circuit_breaker, update_world, write_policy

START = datetime(2026, 11, 2, 6, tzinfo=UTC)
NAMES = ("mom", "rev")
GOOD, POOR = (results(returns(40, mean=mean), trades={"count": 9}) for mean in (0.002, 0.0001))
OPEN = {"pending", "approved"}
REASON = {"reason": "looked at it"}
# Roles in the world. `root` owns both strategies, `runa` posted a run of `mom`; superusers are not asked for roles.
PEOPLE: dict[str, list[str]] = {
    "root": ["risk", "operator"],
    "rita": ["risk"],
    "runa": ["risk", "operator", "runner"],
    "olga": ["operator"],
    "vic": ["viewer"],
}
INVOLVED = {"mom": {"root", "runa"}, "rev": {"root"}}
CLIENTS: dict[str, ApiClient] = {}

Change = tuple[Any, ...]
CHANGES = st.sampled_from(
    [
        *(("report", name, passes) for name in NAMES for passes in (True, False)),
        *(("move_world", state) for state in ("EVALUATION_ONLY", "PAUSED")),
        *(("switch", allowed, engaged) for allowed, engaged in ((False, False), (True, True))),
        *(("change_policy", mode, "risk") for mode in ("manual_approval", "auto_apply", "disabled")),
        ("change_policy", "manual_approval", "operator"),
    ]
)
WHO = st.sampled_from(["rita", "rita", "rita", "rita", "olga", "runa", "root", "vic"])
VERBS = st.sampled_from(["approve", "approve", "reject"])


def policy(mode: str, approver: str) -> bytes:
    chosen = {
        **DECIDES,
        "selection": {**DECIDES["selection"], "hysteresis": {"promote_after": 1, "demote_after": 1}},
        "governance": {"live_promotion": {"mode": mode, "approvers": [approver]}},
    }
    return orjson.dumps(chosen)


@dataclass
class Row:
    """A promotion as it should be, with the decision that asked for it last, by number, and the run it rests on."""

    key: int
    strategy: str
    state: str
    decision: int
    run: str


class PromotionMachine(RolledBack):
    def __init__(self) -> None:
        super().__init__()
        self.travel = time_machine.travel(START + timedelta(hours=1), tick=False)
        self.clock = self.travel.start()
        self.state, self.allow_live, self.breaker = "ACTIVE", True, False
        self.mode, self.approver, self.policy, self.decided_by_policy = "manual_approval", "risk", 1, 1
        self.newest = dict.fromkeys(NAMES, ("p1", True))
        self.waiting: dict[str, tuple[str, bool]] = {}
        self.decision, self.runs = 1, 1
        found = Promotion.objects.order_by("strategy_id")
        self.rows = [Row(row.pk, row.strategy_id, "pending", 1, "p1") for row in found]
        assert [row.strategy for row in self.rows] == list(NAMES)
        self.written = (2, 2)
        self.moved = written("binding", "binding.")

    def teardown(self) -> None:
        self.travel.stop()
        super().teardown()

    @rule(
        changes=st.lists(CHANGES, max_size=2),
        evaluated=st.booleans(),
        answers=st.lists(st.tuples(WHO, VERBS, st.integers(0, 3)), max_size=3),
    )
    def live_on(self, changes: list[Change], evaluated: bool, answers: list[tuple[str, str, int]]) -> None:
        """Something changes, a decision is made or not, people answer what was asked for."""
        for by, *given in changes:
            getattr(self, by)(*given)
        if self.state != "PAUSED":
            with read_only():
                self.decide(dry_run=True)
        if evaluated:
            self.evaluate()
        for who, verb, back in answers:
            self.answer(who, verb, back)

    @rule(change=CHANGES, evaluated=st.booleans(), who=WHO, verb=VERBS)
    def change_one_thing(self, change: Change, evaluated: bool, who: str, verb: str) -> None:
        """While both wait for an answer; then somebody answers, and the approver approves the rest."""
        self.start_afresh()
        self.live_on([change], evaluated, [(who, verb, 0), ("rita", "approve", 0), ("rita", "approve", 1)])

    def start_afresh(self) -> None:
        """What was approved lapses; then nothing stands in anybody's way, and both are asked for."""
        self.move_world("ACTIVE")
        self.switch(True, False)
        if any(row.state == "approved" for row in self.rows):
            self.change_policy("disabled", "risk")
            self.evaluate()
        self.change_policy("manual_approval", "risk")
        for name in NAMES:
            if not self.asks(name):
                self.report(name, True)
        self.evaluate()

    # --- what decisions do ----------------------------------------------------------------------------
    def evaluate(self) -> None:
        self.clock.shift(timedelta(seconds=1))
        if self.state == "PAUSED":
            assert refused(self.decide).code == "E_ILLEGAL_TRANSITION"
            return
        self.decide()
        self.decision, self.decided_by_policy = self.decision + 1, self.policy
        for name in NAMES:
            self.settle(name, asked=self.asks(name))

    def decide(self, **given: Any) -> None:
        services.evaluate_world(world_id="alpha", actor=ACTOR, **given)

    def asks(self, name: str) -> bool:
        """A rejection holds until another run comes."""
        run, passes = self.newest[name]
        rows = [row for row in self.rows if row.strategy == name]
        is_rejected = bool(rows) and (rows[-1].state, rows[-1].run) == ("rejected", run)
        opens = self.state == "ACTIVE" and self.allow_live and not self.breaker
        return passes and opens and self.mode == "manual_approval" and not is_rejected

    def settle(self, name: str, *, asked: bool) -> None:
        row = next((row for row in self.rows if row.strategy == name and row.state in OPEN), None)
        if row is not None and asked:
            row.decision, row.run = self.decision, self.newest[name][0]
        elif row is not None:
            row.state = "lapsed"
            self.writes()
        elif asked:
            key = Promotion.objects.filter(strategy_id=name).latest("pk").pk
            assert key not in {row.key for row in self.rows}
            self.rows.append(Row(key, name, "pending", self.decision, self.newest[name][0]))
            self.writes()

    def writes(self) -> None:
        """One entry of the audit and one event."""
        self.written = (self.written[0] + 1, self.written[1] + 1)

    # --- what people do -------------------------------------------------------------------------------
    def answer(self, who: str, verb: str, back: int) -> None:
        row = self.rows[-1 - back % len(self.rows)]
        answer = CLIENTS[who].post(f"/worlds/alpha/promotions/{row.key}/{verb}", REASON)
        against = self.against(who, verb, row)
        if against:
            assert refusal(answer) in against[0]
            return
        row.state = {"approve": "approved", "reject": "rejected"}[verb]
        document = body(answer)
        assert (answer.status_code, document["state"], document["decided_by"]) == (200, row.state, who)
        self.writes()

    def against(self, who: str, verb: str, row: Row) -> list[set[tuple[int, str]]]:
        """What speaks against it. Who asks is looked at first; among the rest any may be told."""
        groups = [
            {(403, "E_FORBIDDEN"): self.approver not in PEOPLE[who]},
            {(409, "E_FOUR_EYES"): who in INVOLVED[row.strategy]},
            {(409, "E_ILLEGAL_TRANSITION"): row.state != "pending"}
            if verb == "reject"
            else {
                (409, "E_ILLEGAL_TRANSITION"): row.state != "pending"
                or row.decision != self.decision
                or self.policy != self.decided_by_policy
                or self.state != "ACTIVE",
                (409, "E_LIVE_NOT_ALLOWED"): not self.allow_live,
                (409, "E_BREAKER_ENGAGED"): self.breaker,
            },
        ]
        told = [{code for code, speaks in group.items() if speaks} for group in groups]
        return [codes for codes in told if codes]

    # --- what changes meanwhile -----------------------------------------------------------------------
    def report(self, name: str, passes: bool) -> None:
        self.clock.shift(timedelta(seconds=1))
        self.runs += 1
        run_id = f"p{self.runs}"
        given = {"run_id": run_id, "stage": "paper", "results": GOOD if passes else POOR}
        request = RunCreate.model_validate(given)
        services.create_run(world_id="alpha", strategy_id=name, request=request, actor=ACTOR)
        self.waiting[name] = (run_id, passes)
        self.judge()

    def judge(self) -> None:
        services.evaluate_waiting(world_id="alpha")
        if self.state != "PAUSED":
            self.newest |= self.waiting
            self.waiting = {}

    def move_world(self, state: str) -> None:
        if state != self.state:
            change_world_state(world_id="alpha", state=state, reason="because", actor=ACTOR)
        self.state = state
        self.judge()

    def switch(self, allowed: bool, engaged: bool) -> None:
        update_world(world_id="alpha", fields=WorldPatch(allow_live=allowed), actor=ACTOR)
        set_circuit_breaker(world_id="alpha", engaged=engaged, reason="because", actor=ACTOR)
        self.allow_live, self.breaker = allowed, engaged

    def change_policy(self, mode: str, approver: str) -> None:
        text = policy(mode, approver)
        version = write_policy(world_id="alpha", source=text, media="json", actor=ACTOR, publish=True)
        self.mode, self.approver, self.policy = mode, approver, version.version

    # --- what must hold -------------------------------------------------------------------------------
    @invariant()
    def the_database_is_where_the_model_is(self) -> None:
        columns = ("pk", "strategy_id", "state", "decision__number", "run_id")
        found = list(Promotion.objects.order_by("pk").values_list(*columns))
        rows = sorted(self.rows, key=lambda row: row.key)
        assert found == [(row.key, row.strategy, row.state, row.decision, row.run) for row in rows]

    @invariant()
    def each_transition_wrote_one_entry_and_one_event(self) -> None:
        assert written("promotion", "promotion.") == self.written

    @invariant()
    def nothing_opens(self) -> None:
        assert set(Binding.objects.values_list("state", flat=True)) == {"dry_run"}
        assert written("binding", "binding.") == self.moved
        assert not Apply.objects.exists()
        assert not Activation.objects.filter(active=True).exists()


def test_a_rejection_holds_for_the_run_that_was_looked_at(
    world: ApiClient, on_paper: OnPaper, someone: Callable[..., ApiClient]
) -> None:
    world.post("/worlds/alpha/policy", policy("manual_approval", "risk"))
    on_paper("good")
    evaluate(world)
    paper(world, "good", 0.0016, run_id="p2")
    evaluate(world)
    (row,) = Promotion.objects.all()
    risk = someone("rita", world="alpha", roles=["risk"])
    assert risk.post(f"/worlds/alpha/promotions/{row.pk}/reject", REASON).status_code == 200
    assert evaluate(world)["plan"]["promote"] == []
    paper(world, "good", 0.0017, run_id="p3")
    assert evaluate(world)["plan"]["promote"] == ["good"]


def test_promotions_move_as_decisions_ask_and_people_answer(
    superuser: User, someone: Callable[..., ApiClient]
) -> None:
    with time_machine.travel(START, tick=False):
        root = client_of(superuser)
        root.make_world(policy=policy("manual_approval", "risk"), allow_live=True)
        others = {name: roles for name, roles in PEOPLE.items() if name != "root"}
        CLIENTS.update({name: someone(name, world="alpha", roles=roles) for name, roles in others.items()})
        CLIENTS["root"] = root
        for name, runner in zip(NAMES, ("runa", "root"), strict=True):
            root.make_strategy(name)
            root.submit("alpha", name, results(), run_id="backtest")
            root.evaluate("alpha")
            CLIENTS[runner].submit("alpha", name, GOOD, run_id="p1", stage="paper")
        root.evaluate("alpha")
        root.post("/worlds/alpha/evaluate", {})
        terms = settings(SMALL, max_examples=12, stateful_step_count=8)
        run_state_machine_as_test(PromotionMachine, settings=terms)
