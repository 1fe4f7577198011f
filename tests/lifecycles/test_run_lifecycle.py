"""A backtest run against the plain lifecycle, through the use cases that move it."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from evaluation import services
from evaluation.models import EvaluationRun
from evaluation.schemas import Results, RunCreate
from tests.api import ApiClient, body, results, returns
from tests.lifecycles import plain
from tests.lifecycles.ledger import ACTOR, SMALL, RolledBack, refused, written
from tests.lifecycles.test_binding_lifecycle import bind
from tests.lifecycles.test_policy_lifecycle import write

GOOD = results(returns(300))
POOR = results(returns(300, mean=-0.001))
PLACE = {"world_id": "alpha", "strategy_id": "mom"}
FINAL = {"evaluated", "activated", "rejected", "expired"}


def create(run_id: str, given: object = None) -> None:
    request = RunCreate.model_validate({"run_id": run_id, "results": given})
    services.create_run(**PLACE, request=request, actor=ACTOR)


class RunMachine(RolledBack):
    @initialize(poor=st.booleans())
    def start(self, poor: bool) -> None:
        bind()
        write(publish=True)
        create("r1")
        self.given = POOR if poor else GOOD
        self.verdict = ["evaluated", "rejected"] if poor else ["evaluated"]
        self.state, self.newer, self.standing = "submitted", 0, False
        self.seen = written("run", "evaluation_run.")

    @rule()
    def say_that_it_runs(self) -> None:
        if self.state == "backtest_running":
            self.progress()  # only refreshes the time to live
        elif self.state in plain.RUN["start_backtest"][0]:
            self.progress()
            self.goes("backtest_running")
        else:
            refusal = refused(self.progress)
            assert refusal.code == "E_ILLEGAL_TRANSITION"
            assert refusal.extra == {"current": self.state, "open": plain.open_from(plain.RUN, self.state)}

    @rule()
    def send_results(self) -> None:
        if self.state in FINAL:
            assert refused(self.send).code == "E_RUN_FINAL"
            return
        self.send()
        if self.state != "evaluating":
            self.goes("evaluating")

    @rule()
    def evaluate(self) -> None:
        waiting = self.state == "evaluating"
        assert services.evaluate_waiting(world_id="alpha") == waiting
        if waiting:
            self.goes(*self.verdict)
            self.seen = tuple(n + self.standing for n in self.seen)  # what was judged before it expires
            self.standing = False

    @rule()
    def wait_for_two_days(self) -> None:
        is_open = self.state in {"submitted", "backtest_running", "evaluating"}
        assert services.expire_stale_runs(now=timezone.now() + timedelta(days=2)) == is_open
        self.goes(*["expired"] if is_open else [])

    @precondition(lambda self: self.state != "evaluating")
    @rule()
    def judge_a_newer_run(self) -> None:
        self.newer += 1
        create(f"newer-{self.newer}", GOOD)
        services.evaluate_waiting(world_id="alpha")
        after = written("run", "evaluation_run.")
        superseded = self.state in {"evaluated", "rejected"}
        others = 3 + self.standing  # created, results, finish; and the one before it expires
        assert after == tuple(n + others + superseded for n in self.seen)
        self.seen, self.state, self.standing = after, "expired" if superseded else self.state, True

    def goes(self, *path: str) -> None:
        self.state = path[-1] if path else self.state
        self.seen = (self.seen[0] + len(path), self.seen[1] + len(path))

    def progress(self) -> None:
        services.report_progress(**PLACE, run_id="r1", actor=ACTOR)

    def send(self) -> None:
        given = Results.model_validate(self.given)
        services.post_results(**PLACE, run_id="r1", results=given, actor=ACTOR)

    @invariant()
    def the_database_is_where_the_model_is(self) -> None:
        assert EvaluationRun.objects.get(run_id="r1").status == self.state

    @invariant()
    def each_transition_wrote_one_entry_and_one_event(self) -> None:
        assert written("run", "evaluation_run.") == self.seen


def test_a_run_moves_only_along_its_lifecycle(superuser: User) -> None:
    run_state_machine_as_test(RunMachine, settings=settings(SMALL, max_examples=15))


def test_results_for_an_evaluated_run_answer_409(root: ApiClient) -> None:
    root.make_world()
    root.make_strategy()
    root.submit("alpha", "mom", GOOD)
    root.evaluate("alpha")
    answer = root.post("/worlds/alpha/strategies/mom/runs/r1/results", GOOD)
    assert (answer.status_code, body(answer)["code"]) == (409, "E_RUN_FINAL")


def test_progress_of_an_evaluated_run_answers_409_and_names_what_is_open(root: ApiClient) -> None:
    root.make_world()
    root.make_strategy()
    root.submit("alpha", "mom", GOOD)
    root.evaluate("alpha")
    answer = root.patch("/worlds/alpha/strategies/mom/runs/r1", {"status": "backtest_running"})
    document = body(answer)
    assert (answer.status_code, document["code"]) == (409, "E_ILLEGAL_TRANSITION")
    assert (document["current"], document["open"]) == ("evaluated", ["activate", "expire", "reject"])


def test_an_activated_run_is_not_superseded(superuser: User) -> None:
    bind()
    for run_id in ("r1", "r2"):
        create(run_id, GOOD)
        services.evaluate_waiting(world_id="alpha")
        if run_id == "r1":
            run = EvaluationRun.objects.get(run_id="r1")
            run.activate()
            run.save(update_fields=["status"])
    assert EvaluationRun.objects.get(run_id="r1").status == "activated"
