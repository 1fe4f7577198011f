"""Bindings of one world against its decisions: who is counted, who has a place, who goes up and who goes down.

A machine reports runs, lets time pass, asks, evaluates, applies plans, and changes the policy and the world. After
each act the database is where the plain model of the spec is. Plans are applied by moving the bindings: how gates
follow is the apply's affair.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import time_machine
from django.contrib.auth.models import User
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from evaluation import services
from evaluation.models import Decision, EvaluationRun
from evaluation.schemas import RunCreate
from strategies.models import Binding
from strategies.services import move_binding
from tests.api import ApiClient, results, returns
from tests.conftest import client_of
from tests.decisions import plain
from tests.decisions.conftest import DECIDES, OnPaper
from tests.decisions.reading import read_only
from tests.decisions.test_evaluate import evaluate, next_slot, told
from tests.lifecycles.ledger import ACTOR, SMALL, RolledBack, refused
from tests.strategies.reporting import move
from worlds.schemas import WorldPatch
from worlds.services import change_world_state, set_circuit_breaker, update_world, write_policy

Rounds = list[tuple[int, list[str | None]]]
NAMES = ("a", "b", "c")
START = datetime(2026, 11, 2, 6, tzinfo=UTC)
DAILY = {kind: sharpe * 0.01 / 252**0.5 for kind, sharpe in plain.SHARPES.items()}
KINDS = st.sampled_from(["good", "fair", "good", "fair", "middling", "poor", "untraded", "bare"])
NEWS = st.one_of(st.none(), KINDS, KINDS)
HOURS = st.sampled_from([24, 24, 2])
ROUNDS = st.lists(st.tuples(HOURS, st.lists(NEWS, min_size=3, max_size=3)), min_size=1, max_size=3)
OPEN = ("ACTIVE", True, False)
RESTRICTED, PAUSED = ("EVALUATION_ONLY", True, False), ("PAUSED", True, False)
SWITCHED_OFF = [("ACTIVE", False, False), ("ACTIVE", True, True)]
PROFILE = DECIDES["validation_profiles"]["paper"]


def policy(terms: plain.Terms) -> bytes:
    chosen = {
        **DECIDES,
        "validation": {"on_missing_metric": terms.on_missing},
        "validation_profiles": {**DECIDES["validation_profiles"], "live": PROFILE},
        "selection": {
            "gates": "sharpe >= 1 and n_trades_total >= 1",
            "score": "sharpe",
            "top_k": {"k": terms.k},
            "hysteresis": {"promote_after": terms.promote_after, "demote_after": terms.demote_after},
        },
        "governance": {"live_promotion": {"mode": terms.mode}},
    }
    return orjson.dumps(chosen)


def record(kind: str) -> dict[str, Any]:
    if kind == "bare":
        return {"metrics": {"returns": {"sharpe": plain.SHARPES[kind]}}, "trades": {"count": 9}}
    values = returns(40, mean=DAILY[kind])
    told: dict[str, Any] = {"returns": {"values": values, "start": "2026-09-01", "interval": "1d"}}
    return told if kind == "untraded" else {**told, "trades": {"count": 9}}


RECORDS = {kind: record(kind) for kind in plain.SHARPES}


class BindingMachine(RolledBack):
    def __init__(self) -> None:
        super().__init__()
        self.travel = time_machine.travel(START, tick=False)
        self.clock = self.travel.start()
        self.bindings = {name: plain.Plain(name, START) for name in NAMES}
        self.terms, self.runs, self.decisions = plain.Terms(), 0, 0
        self.plan: plain.Plan | None = None
        self.waiting: list[tuple[str, plain.Run]] = []
        self.seen: set[tuple[str, object]] = set()
        self.since_move = Counter[str]()

    def teardown(self) -> None:
        self.travel.stop()
        super().teardown()

    def now(self) -> datetime:
        return datetime.now(UTC)

    @initialize(
        k=st.integers(1, 2),
        after=st.integers(1, 2),
        world=st.sampled_from([OPEN, OPEN, RESTRICTED, *SWITCHED_OFF]),
        closed=ROUNDS,
        rounds=ROUNDS,
    )
    def begin(
        self, k: int, after: int, world: tuple[str, bool, bool], closed: Rounds, rounds: Rounds
    ) -> None:
        """Some time in a world that may be closed, then some in an open one."""
        self.change_policy(k=k, promote_after=after, demote_after=after)
        self.change_world(world, closed)
        self.change_world(OPEN, rounds)

    # --- what strategies do ---------------------------------------------------------------------------
    @rule(name=st.sampled_from(NAMES), kind=KINDS, stage=st.sampled_from(["paper", "paper", "live"]))
    def report(self, name: str, kind: str, stage: str) -> None:
        self.submit(name, kind, stage)
        self.judge()
        self.evaluate()

    def submit(self, name: str, kind: str, stage: str) -> None:
        self.runs += 1
        run_id = f"r{self.runs}"
        request = RunCreate.model_validate({"run_id": run_id, "stage": stage, "results": RECORDS[kind]})
        services.create_run(world_id="alpha", strategy_id=name, request=request, actor=ACTOR)
        self.waiting.append((name, plain.Run(run_id, stage, kind, self.now(), self.now())))

    def judge(self) -> None:
        """What the worker does: in a paused world nothing."""
        judged = services.evaluate_waiting(world_id="alpha")
        assert judged == (0 if self.terms.state == "PAUSED" else len(self.waiting))
        for name, run in self.waiting if judged else ():
            judged_now = plain.Run(run.run_id, run.stage, run.kind, run.created, self.now())
            self.bindings[name].judge(judged_now)
        self.waiting = self.waiting if self.terms.state == "PAUSED" else []

    # --- decisions ------------------------------------------------------------------------------------
    @rule()
    def evaluate(self) -> None:
        if self.terms.state == "PAUSED":
            self.refuses()
            return
        expected = plain.decide(self.bindings.values(), self.terms, self.now())
        made = orjson.loads(services.evaluate_world(world_id="alpha", actor=ACTOR))
        self.agrees(made, expected)
        self.is_lawful(made)
        expected.keep(self.bindings)
        self.plan, self.decisions = expected, self.decisions + 1

    @rule(rounds=ROUNDS, applied=st.booleans())
    def live_on(self, rounds: Rounds, applied: bool = True) -> None:
        """News of some, in the next slot or still in this one; then an evaluation, whose plan may be applied."""
        for hours, kinds in rounds:
            self.clock.shift(timedelta(hours=hours))
            for name, kind in zip(NAMES, kinds, strict=True):
                if kind is not None:
                    self.submit(name, kind, "live" if self.bindings[name].state == "live" else "paper")
            self.judge()
            self.evaluate()
            if applied and self.plan is not None:
                self.apply()

    @rule(back=st.sampled_from([None, None, 1, 30]))
    def ask(self, back: int | None) -> None:
        """`dry_run`, or as of some hours ago but within the stays that last."""
        if self.terms.state == "PAUSED":
            self.refuses(dry_run=True)
            return
        since = max(binding.since for binding in self.bindings.values())
        as_of = None if back is None else max(self.now() - timedelta(hours=back), since)
        with read_only():
            answer = services.evaluate_world(world_id="alpha", actor=ACTOR, dry_run=True, as_of=as_of)
        made = orjson.loads(answer)
        assert made["dry_run"] is True
        self.agrees(made, plain.decide(self.bindings.values(), self.terms, as_of or self.now()))

    @precondition(lambda self: self.plan is not None)
    @rule()
    def apply(self) -> None:
        """The plan is applied: downwards first. Nobody moves faster than hysteresis allows."""
        assert self.plan is not None
        self.clock.shift(timedelta(seconds=1))
        moves = (
            ("demote", "dry_run", self.terms.demote_after),
            ("promote", "live", self.terms.promote_after),
        )
        for by, state, needed in moves:
            for name in self.plan.those(by):
                assert self.since_move.pop(name) >= needed
                binding = Binding.objects.get(strategy_id=name)
                move_binding(binding=binding, by=by, reason="the plan", actor=ACTOR)
                self.bindings[name].move(state, self.now())
        self.plan = None

    def refuses(self, **given: Any) -> None:
        refusal = refused(lambda: services.evaluate_world(world_id="alpha", actor=ACTOR, **given))
        assert (refusal.status, refusal.code) == (409, "E_ILLEGAL_TRANSITION")

    # --- the world ------------------------------------------------------------------------------------
    @rule(
        k=st.integers(1, 2),
        promote_after=st.integers(1, 3),
        demote_after=st.integers(1, 3),
        mode=st.sampled_from(["auto_apply", "auto_apply", "auto_apply", "manual_approval", "disabled"]),
        on_missing=st.sampled_from(["fail", "warn", "ignore"]),
    )
    def change_policy(self, **chosen: Any) -> None:
        for name, value in chosen.items():
            setattr(self.terms, name, value)
        write_policy(world_id="alpha", source=policy(self.terms), media="json", actor=ACTOR, publish=True)
        self.plan = None

    @rule(wanted=st.sampled_from([OPEN, OPEN, RESTRICTED, PAUSED, *SWITCHED_OFF]), rounds=ROUNDS)
    def change_world(self, wanted: tuple[str, bool, bool], rounds: Rounds) -> None:
        """And time goes by in what it has become."""
        state, allow_live, engaged = wanted
        if state != self.terms.state:
            change_world_state(world_id="alpha", state=state, reason="because", actor=ACTOR)
        update_world(world_id="alpha", fields=WorldPatch(allow_live=allow_live), actor=ACTOR)
        set_circuit_breaker(world_id="alpha", engaged=engaged, reason="because", actor=ACTOR)
        self.terms.state, self.terms.allow_live, self.terms.breaker = wanted
        self.plan = None
        self.judge()
        self.live_on(rounds)

    # --- what must hold -------------------------------------------------------------------------------
    def agrees(self, made: dict[str, Any], expected: plain.Plan) -> None:
        """A live one whose gate is closed may be opened again; which gates are is not this machine's affair."""
        reopen = set(made["plan"]["reopen"])
        assert not reopen or (self.terms.opens and reopen <= expected.live - set(expected.those("promote")))
        said = ("run_id", "counted", "consecutive_passes", "consecutive_failures", "outcome")
        told = {row["strategy_id"]: tuple(row[name] for name in said) for row in made["candidates"]}
        assert told == {
            name: one.words("reopen" if name in reopen else one.outcome)
            for name, one in expected.told.items()
        }
        for outcome in ("promote", "demote"):
            assert sorted(made["plan"][outcome]) == expected.those(outcome)
        assert sorted([*made["plan"]["hold"], *reopen]) == expected.those("hold")
        assert set(made["active_set"]) == set(made["weights"]) == expected.live

    def is_lawful(self, made: dict[str, Any]) -> None:
        """The laws again, from the document alone and without the model."""
        for row in made["candidates"]:
            if row["counted"]:
                marks = {(row["strategy_id"], made["slot"]), (row["strategy_id"], row["run_id"])}
                assert not marks & self.seen
                self.seen |= marks
                self.since_move[row["strategy_id"]] += 1
        plan, live = made["plan"], made["active_set"]
        assert len(live) <= self.terms.k or not plan["promote"]
        if not self.terms.opens:
            assert plan["promote"] == []

    @invariant()
    def the_database_is_where_the_model_is(self) -> None:
        columns = ("state", "state_since", "consecutive_passes", "consecutive_failures")
        assert {row[0]: row[1:] for row in Binding.objects.values_list("strategy_id", *columns)} == {
            name: (one.state, one.since, one.passes, one.failures) for name, one in self.bindings.items()
        }
        assert Decision.objects.count() == self.decisions

    @invariant()
    def runs_that_were_counted_and_failed_are_rejected(self) -> None:
        rows = EvaluationRun.objects.filter(status="rejected").values_list("run_id", flat=True)
        assert set(rows) == set[str]().union(*(one.rejected for one in self.bindings.values()))


def test_bindings_move_as_the_decisions_of_their_world_say(superuser: User) -> None:
    with time_machine.travel(START, tick=False):
        root = client_of(superuser)
        root.make_world(policy=policy(plain.Terms()), allow_live=True)
        for name in NAMES:
            root.make_strategy(name)
            root.submit("alpha", name, results(), run_id="backtest")
        root.evaluate("alpha")
        terms = settings(SMALL, max_examples=14, stateful_step_count=8)
        run_state_machine_as_test(BindingMachine, settings=terms)


def test_who_comes_back_from_live_is_not_counted_on_the_run_that_brought_him_there(
    world: ApiClient, on_paper: OnPaper
) -> None:
    world.post("/worlds/alpha/policy", policy(plain.Terms()))
    on_paper("good")
    assert evaluate(world)["plan"]["promote"] == ["good"]
    move("good", "promote")
    next_slot()
    world.submit("alpha", "good", RECORDS["poor"], run_id="l1", stage="live")
    world.evaluate("alpha")
    assert evaluate(world)["plan"]["demote"] == ["good"]
    move("good", "demote")
    next_slot()
    made = evaluate(world)
    assert (told(made, "good")["run_id"], told(made, "good")["counted"]) == ("p1", False)
    assert made["plan"]["promote"] == []
