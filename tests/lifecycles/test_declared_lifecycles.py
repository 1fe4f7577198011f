"""The same lifecycle stands in the spec, on the model, in the migration and in the database."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django_fsm import TransitionNotAllowed

from evaluation.models import EvaluationRun
from qmtl_site.ledger.guard_lifecycle import GuardLifecycle
from strategies.models import Apply, Binding, Strategy
from tests.api import ApiClient
from tests.lifecycles import plain
from worlds.models import PolicyVersion, World


@dataclass(frozen=True)
class Case:
    model: type[models.Model]
    field: str
    spec: plain.Lifecycle
    migration: str
    by_trigger_only: frozenset[tuple[str, str]] = frozenset()

    @property
    def in_database(self) -> set[tuple[str, str]]:
        return plain.pairs(self.spec) | self.by_trigger_only


# A failed backtest is finished and rejected in one UPDATE, so the trigger sees only where it ends.
JUDGED_AT_ONCE = frozenset({("evaluating", "rejected")})
CASES = [
    Case(World, "state", plain.WORLD, "worlds.migrations.0002_evidence"),
    Case(PolicyVersion, "state", plain.POLICY, "worlds.migrations.0002_evidence"),
    Case(Binding, "state", plain.BINDING, "strategies.migrations.0002_lifecycle"),
    Case(Apply, "phase", plain.APPLY, "strategies.migrations.0008_activation_evidence"),
    Case(EvaluationRun, "status", plain.RUN, "evaluation.migrations.0002_evidence", JUDGED_AT_ONCE),
]
SETTLED = frozenset({"completed", "rolled_back"})
each_lifecycle = pytest.mark.parametrize("case", CASES, ids=lambda case: case.model.__name__)


@pytest.fixture
def rows(root: ApiClient) -> None:
    """One row of each table."""
    root.make_world()
    root.make_strategy()
    path = "/worlds/alpha/strategies/mom/runs"
    assert root.post(path, {"run_id": "r1"}).status_code in {201, 202}
    now = timezone.now()
    times = {"created_at": now, "phase_since": now, "settled_at": now}
    Apply(world_id="alpha", run_id="r1", plan={}, phase="completed", incarnation=1, number=1, **times).save()


def at(case: Case, state: str, **given: Any) -> models.Model:
    return case.model(**{case.field: state, **given})


@each_lifecycle
def test_the_model_declares_what_the_spec_says(case: Case) -> None:
    declared: dict[str, tuple[set[str], str]] = {}
    for each in getattr(case.model(), f"get_all_{case.field}_transitions")():
        declared.setdefault(each.name, (set(), str(each.target)))[0].add(str(each.source))
    assert declared == case.spec


@each_lifecycle
def test_the_model_knows_no_other_states(case: Case) -> None:
    choices = case.model._meta.get_field(case.field).choices or []
    assert sorted(str(value) for value, _ in choices) == plain.states(case.spec)


@each_lifecycle
def test_the_migration_guards_what_the_spec_says(case: Case) -> None:
    operations = import_module(case.migration).Migration.operations
    table = case.model._meta.db_table
    (guard,) = [each for each in operations if isinstance(each, GuardLifecycle) and each.table == table]
    guarded = {(before, after) for before, afters in guard.transitions.items() for after in afters}
    assert (guard.column, guarded) == (case.field, case.in_database)


@each_lifecycle
def test_a_transition_is_open_exactly_where_the_spec_says(case: Case) -> None:
    for state, (name, (sources, target)) in product(plain.states(case.spec), case.spec.items()):
        instance = at(case, state)
        if state in sources:
            getattr(instance, name)()
            assert getattr(instance, case.field) == target
        else:
            with pytest.raises(TransitionNotAllowed):
                getattr(instance, name)()
            assert getattr(instance, case.field) == state


@each_lifecycle
def test_the_state_is_not_assigned(case: Case) -> None:
    instance = at(case, plain.states(case.spec)[0])
    for state in plain.states(case.spec):
        with pytest.raises(AttributeError, match="Direct"):
            setattr(instance, case.field, state)


@each_lifecycle
def test_the_database_refuses_every_other_update(case: Case, rows: None) -> None:
    states = plain.states(case.spec)
    moves = {(before, after) for before, after in product(states, states) if before != after}
    assert {move for move in moves if database_takes(case, *move)} == case.in_database


def database_takes(case: Case, before: str, after: str) -> bool:
    """Try the UPDATE on a row that was inserted in `before`, and take both back."""
    with transaction.atomic():
        row = inserted(case, before)
        changes = {case.field: after}
        if (before, after) in {("evaluating", "evaluated"), *JUDGED_AT_ONCE}:
            changes["evaluated_at"] = timezone.now()
        if case.model is Apply:
            changes["settled_at"] = timezone.now() if after in SETTLED else None
        try:
            with transaction.atomic():
                case.model._default_manager.filter(pk=row.pk).update(**changes)
        except IntegrityError as error:
            assert f"does not go from {before} to {after}" in str(error)
            return False
        finally:
            transaction.set_rollback(True)
    return True


def inserted(case: Case, state: str) -> models.Model:
    """A copy of the table's row in a state."""
    (template,) = case.model._default_manager.values()
    if case.model is PolicyVersion:
        PolicyVersion.objects.filter(state="active").update(state="deprecated")
    new = {"id": "copy" if case.model is World else 9999, case.field: state}
    if case.model is World:
        new["next_evaluation_at"] = None  # only some states may be due
    if case.model is PolicyVersion:
        new["version"] = 2
    if case.model is EvaluationRun:
        judged = state in {"evaluated", "activated", "rejected"}
        new |= {"run_id": "copy", "evaluated_at": timezone.now() if judged else None}
    if case.model is Apply:
        new |= {"run_id": "copy", "settled_at": timezone.now() if state in SETTLED else None}
    if case.model is Binding:
        new["strategy_id"] = other_strategy()
    row = case.model(**{**template, **new})
    row.save(force_insert=True)
    return row


def other_strategy() -> str:
    (template,) = Strategy.objects.values()
    Strategy(**{**template, "id": "other"}).save(force_insert=True)
    return "other"
