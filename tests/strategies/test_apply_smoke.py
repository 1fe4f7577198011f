"""Smoke of the apply (grows into tests/activation)."""

from __future__ import annotations

import pytest

from qmtl_site.audit.actor import Actor
from strategies import services, selectors
from strategies.domain.plans import Closing, Opening, Plan
from strategies.models import Apply, Binding
from tests.api import ApiClient, body
from django.utils import timezone
from datetime import timedelta
from worlds.models import World

ACTOR = Actor.service("test")


@pytest.fixture
def paper(root: ApiClient) -> ApiClient:
    root.make_world(allow_live=True)
    for name in ("a", "b"):
        root.make_strategy(name)
    root.post("/worlds/alpha/bindings", {"strategies": ["a", "b"]})
    for row in Binding.objects.all():
        for by in ("start_validation", "start_dry_run"):
            services.move_binding(binding=row, by=by, reason="t", actor=ACTOR)
    World.objects.update(decision_stale_at=timezone.now() + timedelta(days=1))
    return root


def go(run_id: str, **plan: object) -> Apply:
    apply = services.request_apply(asked=services.Asked("alpha", run_id, Plan(**plan)), actor=ACTOR)  # type: ignore[arg-type]
    services.drive_apply(apply_id=apply.pk)
    apply.refresh_from_db()
    return apply


def test_opens_and_closes(paper: ApiClient) -> None:
    apply = go("one", openings=[Opening("a", 0.5)])
    assert (apply.phase, apply.outcome) == ("completed", "")
    (a, b) = selectors.gate_documents("alpha")
    assert (a["active"], a["weight"], a["effective_mode"], a["freeze"]) == (True, 0.5, "live", False)
    assert (b["active"], b["effective_mode"]) == (False, "paper")
    apply = go("two", closings=[Closing("a")], openings=[Opening("b", 1.0)])
    (a, b) = selectors.gate_documents("alpha")
    assert (a["active"], a["effective_mode"], a["drain"]) == (False, "paper", True)
    assert b["active"]
    paper.post("/worlds/alpha/circuit-breaker", {"engaged": True, "reason": "a test"})
    (a, b) = selectors.gate_documents("alpha")
    assert not b["active"]
    from qmtl.contracts.activation import state_hash
    events = [e["data"] for e in body(paper.get("/worlds/alpha/events?limit=500"))["events"] if e["type"] == "activation.updated"]
    newest = {e["strategy_id"]: e for e in events}
    assert state_hash(newest.values()) == selectors.gates_hash("alpha")["state_hash"]
