"""Committed rows, once per file where tests do not disturb each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from evaluation.models import EvaluationRun, RunRevision
from evaluation.schemas import RunCreate
from evaluation.services import create_run, evaluate_waiting, evaluate_world
from qmtl_site.audit.actor import Actor
from strategies.domain.fills import FillRecord
from strategies.schemas import StrategyCreate
from strategies.services import register_strategy, report_fills
from tests.activation.acting import hear_of_an_apply
from tests.api import POLICY, results
from tests.conftest import empty_database
from tests.evidence import notes
from tests.rebalancing.traces import leave_traces
from tests.strategies.executing import fill
from worlds.schemas import WorldCreate
from worlds.services import create_world, write_policy


@pytest.fixture(scope="module")
def committed_once(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Like `committed`, for all tests of a file; each works in streams of its own."""
    with django_db_blocker.unblock():
        yield
        empty_database()


@pytest.fixture(scope="module")
def judged(committed_once: None) -> EvaluationRun:
    """A committed world in which each table of evidence has rows: one run, judged, and one that waits."""
    root = User.objects.create_superuser("root")
    actor = Actor(user_id=root.pk, name="root", is_superuser=True)
    create_world(fields=WorldCreate(id="alpha", allow_live=True), actor=actor)
    text = orjson.dumps(POLICY)
    write_policy(world_id="alpha", source=text, media="json", actor=actor, publish=True)
    register_strategy(fields=StrategyCreate(id="mom"), actor=actor)
    for run_id, given in {"r1": results(), "r2": None}.items():
        request = RunCreate.model_validate({"run_id": run_id, "results": given})
        create_run(world_id="alpha", strategy_id="mom", request=request, actor=actor)
        evaluate_waiting(world_id="alpha")
    evaluate_world(world_id="alpha", actor=actor)
    run = EvaluationRun.objects.get(run_id="r1")
    revision = {"kind": "note", "author": "root", "document": "{}", "created_at": timezone.now()}
    RunRevision(run=run, revision=1, **revision).save()
    hear_of_an_apply("mom", actor)
    posted = [FillRecord.model_validate(fill())]
    report_fills(world_id="alpha", strategy_id="mom", posted=posted, actor=actor)
    leave_traces(actor)
    return run


@pytest.fixture
def listening() -> Iterator[None]:
    """Subscribers of a test's notes, gone after it."""
    yield
    notes.on_note.clear()
    notes.on_delivery.clear()
