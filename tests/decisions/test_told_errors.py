"""A runner tells that a strategy failed on paper: it is judged, counted against it, and promotes nobody."""

from __future__ import annotations

from evaluation.models import EvaluationRun
from strategies.models import Binding
from tests.api import ApiClient, body
from tests.decisions.conftest import OnPaper
from tests.decisions.test_evaluate import evaluate, next_slot, told

ERROR = {"error": {"kind": "node", "node": "weights", "message": "KeyError: 'A'"}}


def test_an_error_on_paper_ends_the_row_of_passes(world: ApiClient, on_paper: OnPaper) -> None:
    on_paper("good")
    assert told(evaluate(world), "good")["consecutive_passes"] == 1
    next_slot()
    world.submit("alpha", "good", ERROR, run_id="p2", stage="paper")
    world.evaluate("alpha")
    placement = body(world.get("/worlds/alpha/strategies/good/runs/p2/metrics"))["placement"]
    assert (placement["outcome"], placement["rank"], placement["weight"]) == ("hold", None, 0.0)
    made = evaluate(world)
    assert made["plan"]["promote"] == []
    assert told(made, "good")["reasons"] == [
        "its paper run ended with an error: node 'weights' failed: KeyError: 'A'"
    ]
    binding = Binding.objects.get(strategy_id="good")
    assert (binding.state, binding.consecutive_passes, binding.consecutive_failures) == ("dry_run", 0, 1)
    assert EvaluationRun.objects.get(run_id="p2").status == "rejected"
    replay = body(world.post(f"/worlds/alpha/decisions/{made['decision_id']}/replay"))
    assert replay["identical"] is True
