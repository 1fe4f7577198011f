"""Small worlds to decide about: policies, records and candidates, without a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from evaluation.domain.candidates import Candidate, Evidence, Situation
from evaluation.domain.decision import Decision, decide, decision_document
from evaluation.domain.record import Record, WorldTerms
from worlds.domain.policy import Policy, policy_from_document

DAY = 86_400_000
NOW = 1_700_000_000_000
DAYS = 80
TERMS = WorldTerms(252.0, 0.0, 10_000.0, "USD")
PAPER = {"paper": {"performance": {"sharpe_min": 0.5, "max_dd_max": 0.5, "gain_to_pain_min": None}}}


def policy(**sections: Any) -> Policy:
    """Gates on the Sharpe alone, two places; `selection` is merged, other sections replace."""
    selection = {
        "gates": "sharpe >= 1",
        "score": "sharpe",
        "top_k": {"k": 2},
        **sections.pop("selection", {}),
    }
    document = {"version": 1, "validation_profiles": PAPER, "selection": selection, **sections}
    document.setdefault("governance", {"live_promotion": {"mode": "auto_apply"}})
    return policy_from_document(document)


def situation(with_policy: Policy | None = None, **given: Any) -> Situation:
    given = {"slot": NOW, "allow_live": True, **given}
    return Situation("w", with_policy or policy(), 1, TERMS, now=NOW, **given)


def times(days: int = DAYS, *, end: int = NOW) -> np.ndarray:
    return end - DAY * np.arange(days - 1, -1, -1, dtype=np.int64)


def returns(seed: int, days: int = DAYS) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.001, 0.01, days)


def candidate(
    name: str,
    sharpe: float | None = 2.0,
    *,
    figures: Mapping[str, float | None] | None = None,
    record: Record | None = None,
    run_id: str = "r1",
    stage: str = "paper",
    seed: int | None = None,
    **given: Any,
) -> Candidate:
    """A candidate in dry run whose record is its own noise and whose figures are as said."""
    seed = sum(name.encode()) if seed is None else seed
    record = record or Record(stage, times(), returns(seed), None)
    own = {
        "returns.sharpe": sharpe,
        "returns.max_drawdown": -0.1,
        "returns.total_return": 0.1,
        **(figures or {}),
    }
    evidence = Evidence(run_id, stage, NOW, record, own, given.pop("backtest", {}))
    given = {
        "family": f"family:{name}",
        "side": "long",
        "state": "dry_run",
        "state_since": NOW - 100 * DAY,
        **given,
    }
    return Candidate(strategy_id=name, evidence=given.pop("evidence", evidence), **given)


def live(name: str, sharpe: float | None = 2.0, **given: Any) -> Candidate:
    return candidate(name, sharpe, state="live", **given)


def document(decision: Decision) -> dict[str, Any]:
    made = decision_document(decision, decision_id="d", ruleset_hash="", inputs_hash="", dry_run=False)
    return orjson.loads(orjson.dumps(made))


def decided(*candidates: Candidate, **given: Any) -> dict[str, Any]:
    """The document of the decision about the candidates."""
    return document(decide(situation(given.pop("policy", None), **given), candidates))


def told(decision: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [c for c in decision["candidates"] if c["strategy_id"] == name]
    return found


def words(decision: dict[str, Any], name: str) -> str:
    return "; ".join(told(decision, name)["reasons"])
