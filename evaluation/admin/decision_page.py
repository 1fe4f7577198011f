"""What the page of a decision shows, read from its stored document: nothing is decided anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from evaluation.admin.standing import counters, hysteresis_of
from evaluation.domain.charts_funnel import funnel_of
from evaluation.models import Decision
from evaluation.selectors.shown import binding_keys, policy_of, run_keys
from qmtl_site.pages.scope import list_url, named_url, url_of
from worlds.domain.policy.selection import Hysteresis

PER_PAGE = 100
NAMED = 30
STAGES = (
    ("candidates", "Candidates"),
    ("eligible", "Eligible"),
    ("passed_gates", "Passed gates"),
    ("selected", "Selected"),
    ("promoted", "Promoted"),
)
PLANS = (
    ("promote", "go live"),
    ("demote", "leave live"),
    ("reopen", "gates to open again"),
    ("hold", "stay where they are"),
)
# What a step of a trace says beside its words.
SHOWN_DETAILS = ("severity", "reason_code", "with", "value", "bound", "points")


@dataclass(frozen=True)
class Part:
    """Some of the candidates, and where the others are."""

    rows: Sequence[dict[str, Any]]
    first: int
    of: int
    before: int | None
    after: int | None

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def decision_page(decision: Decision, *, strategy: str, page: int) -> dict[str, Any]:
    """`strategy`: only this one, opened; else a page of all, the best first."""
    document = orjson.loads(bytes(decision.document))
    found = policy_of(decision)
    ranked = sorted(document["candidates"], key=order)
    part = part_of([c for c in ranked if c["strategy_id"] == strategy] if strategy else ranked, page)
    return {
        "decision": decision,
        "document": document,
        "as_of": moment(document["as_of"]),
        "slot": moment(document["slot"]),
        "policy": None if found is None else found[0],
        "funnel": funnel_of([(title, document["funnel"].get(name, 0)) for name, title in STAGES]),
        "plan": [named(title, says, document["plan"][title]) for title, says in PLANS],
        "weights": bars(document["weights"]),
        "shadow": [shadow(rule, whom, len(ranked)) for rule, whom in document["shadow"].items()],
        "part": part,
        "lines": lines(decision, part.rows, hysteresis_of(None if found is None else found[1])),
        "only": strategy,
        "audit_url": list_url("audit.auditentry", stream=decision.world_id, action="world.evaluate"),
        "ladder_url": named_url("evaluation.evaluationturn", decision.world_id),
        "siblings_url": list_url("evaluation.decision", world=decision.world_id),
    }


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def order(candidate: Mapping[str, Any]) -> tuple[float, float, str]:
    """By rank, then by the rank that one would have had, then by id."""
    nowhere = float("inf")
    rank, would_be = candidate["rank"], candidate["would_be_rank"]
    return (
        nowhere if rank is None else rank,
        nowhere if would_be is None else would_be,
        candidate["strategy_id"],
    )


def part_of(rows: Sequence[dict[str, Any]], page: int) -> Part:
    pages = max(1, -(-len(rows) // PER_PAGE))
    page = min(max(page, 1), pages)
    first = (page - 1) * PER_PAGE
    return Part(
        rows=rows[first : first + PER_PAGE],
        first=first + 1,
        of=len(rows),
        before=page - 1 if page > 1 else None,
        after=page + 1 if page < pages else None,
    )


def named(title: str, says: str, names: Sequence[str]) -> dict[str, Any]:
    return {"title": title, "says": says, "names": names[:NAMED], "count": len(names),
            "more": max(0, len(names) - NAMED)}  # fmt: skip


def bars(weights: Mapping[str, float]) -> dict[str, Any]:
    """Weights, the largest first, as shares of the largest."""
    largest = max(weights.values(), default=0.0) or 1.0
    rows = [
        {"name": name, "width": f"{100 * weight / largest:.1f}", "percent": f"{100 * weight:.1f} %"}
        for name, weight in sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    total = sum(weights.values())
    return {"rows": rows[:NAMED], "more": max(0, len(rows) - NAMED), "total": f"{100 * total:.1f} %"}


def shadow(rule: str, whom: Sequence[str], of: int) -> dict[str, Any]:
    return {"rule": rule, "of": of, **named(rule, "", whom)}


# --- candidates -------------------------------------------------------------------------------------------
def lines(decision: Decision, rows: Sequence[Mapping[str, Any]], terms: Hysteresis) -> list[dict[str, Any]]:
    bindings = binding_keys(decision.world_id, [row["strategy_id"] for row in rows])
    runs = run_keys(decision.world_id, {row["strategy_id"]: row["run_id"] for row in rows if row["run_id"]})
    return [line(row, bindings.get(row["strategy_id"]), runs.get(row["strategy_id"]), terms) for row in rows]


def line(row: Mapping[str, Any], binding: int | None, run: int | None, terms: Hysteresis) -> dict[str, Any]:
    passes, failures = row["consecutive_passes"], row["consecutive_failures"]
    return {
        "row": row,
        "score": "–" if row["score"] is None else f"{row['score']:.4g}",
        "counters": counters(row["state"], passes, failures, terms),
        "first_reason": row["reasons"][0] if row["reasons"] else "–",
        "binding_url": None if binding is None else named_url("strategies.binding", binding),
        "run_url": None if run is None else named_url("evaluation.evaluationrun", run),
        "trace": [traced(step) for step in row["trace"]],
    }


def traced(step: Mapping[str, Any]) -> dict[str, Any]:
    details = [
        f"{name.replace('_', ' ')} {told(step[name])}" for name in SHOWN_DETAILS if step.get(name) is not None
    ]
    return {**step, "details": ", ".join(details)}


def told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def explained(decision: Decision | None, strategy_id: str) -> str:
    """The page on which a decision explains one strategy."""
    return "" if decision is None else f"{url_of(decision)}?{urlencode({'strategy': strategy_id})}"
