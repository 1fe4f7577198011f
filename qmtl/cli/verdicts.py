"""With which status a command ends that answers a verdict, an apply or a command."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from qmtl.cli.failures import OK, PENDING, REFUSED

if TYPE_CHECKING:
    from qmtl.cli.session import Session
    from qmtl.client.documents import Apply, Run

VERDICTS: Mapping[str, int] = {"pass": OK, "warn": OK, "fail": REFUSED, "inconclusive": PENDING}
APPLIES: Mapping[str, int] = {"completed": OK, "rolled_back": REFUSED}
LOOK = 0.2
"""Seconds between two looks at something that is under way."""


def end(status: int) -> None:
    """End the command, without a word where all is well."""
    if status != OK:
        raise typer.Exit(status)


def verdict_status(run: Run) -> int:
    if run.summary is not None:
        return VERDICTS.get(run.summary.status, REFUSED)
    return REFUSED if run.is_over else PENDING


def wait_for_apply(session: Session, apply: Apply, *, wait: bool, timeout: float) -> Apply:
    """The apply once it is settled, or as it is when the time is up."""
    deadline = time.monotonic() + timeout
    while wait and apply.phase not in APPLIES and time.monotonic() < deadline:
        time.sleep(LOOK)
        apply = session.client.apply_status(apply.world_id, apply.run_id)
    return apply


def apply_status(apply: Apply) -> int:
    return APPLIES.get(apply.phase, PENDING)


def apply_facts(apply: Apply) -> dict[str, Any]:
    return {
        "apply": apply.run_id,
        "phase": apply.phase,
        "decision": apply.decision_id,
        "requested by": apply.requested_by,
        "reason": apply.reason,
        "outcome": apply.outcome,
        "activate": [
            each.get("strategy_id") if isinstance(each, Mapping) else each
            for each in apply.plan.get("activate", [])
        ],
        "deactivate": apply.plan.get("deactivate", []),
        "waiting for": apply.waiting_for,
        "deadline": apply.deadline if apply.settled_at is None else None,
    }
