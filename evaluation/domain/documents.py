"""The finished documents of requirement 01: metrics contract and snapshot envelope, as plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any

import numpy as np

from evaluation.domain.figures import Sheet
from evaluation.domain.judgement import Judgement
from evaluation.domain.record import Record, WorldTerms
from evaluation.domain.simulation import equity_of

HEAD = 256


def metrics_document(
    *,
    identity: Mapping[str, str],
    record: Record,
    sheet: Sheet,
    judgement: Judgement,
    hysteresis: Mapping[str, Any],
    placement: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The metrics document; `identity` has world_id, strategy_id and run_id. No `placement`, no such block."""
    blocks = {name: dict(block) for name, block in sheet.blocks.items() if name != "diagnostics"}
    return {
        **identity,
        "status": "evaluated",
        "evaluation": {
            **blocks,
            "diagnostics": diagnostics(record, sheet, judgement),
            "gating": {
                "verdict": judgement.verdict,
                "violations": judgement.violations(),
                "hysteresis": dict(hysteresis),
            },
        },
        "validation": judgement.validation(),
        **({} if placement is None else {"placement": dict(placement)}),
        "summary": judgement.summary(),
    }


def diagnostics(record: Record, sheet: Sheet, judgement: Judgement) -> dict[str, Any]:
    known = sum(
        value is not None
        for block in ("returns", "pnl", "sample", "risk", "robustness")
        for value in sheet.blocks.get(block, {}).values()
    )
    total = sum(
        len(sheet.blocks.get(block, {})) for block in ("returns", "pnl", "sample", "risk", "robustness")
    )
    executed = [result for result in judgement.results.values() if not result.reason_code.endswith("error")]
    return {
        **sheet.blocks.get("diagnostics", {}),
        "returns_source": record.source,
        "dataset_fingerprint": record.meta.get("dataset_fingerprint"),
        "divergence": sheet.divergence,
        "validation_health": {
            "metric_coverage_ratio": known / total if total else 0.0,
            "rules_executed_ratio": len(executed) / max(len(judgement.results), 1),
            "validation_error_count": judgement.errors,
            "missing": dict(sorted(sheet.missing.items())),
        },
        "extra_metrics": dict(record.meta.get("extra_metrics") or {}),
    }


def snapshot_document(
    *,
    name: str,
    created_at: datetime,
    metrics: Mapping[str, Any],
    record: Record,
    terms: WorldTerms,
    storage_refs: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "snapshot_id": name,
        "world_id": metrics["world_id"],
        "strategy_id": metrics["strategy_id"],
        "run_id": metrics["run_id"],
        "created_at": created_at,
        "metrics": dict(metrics),
        "series_heads": series_heads(record, terms),
        "meta": {
            "pnl_source": record.pnl_source,
            "auto_returns": record.source == "auto_returns",
            "tags": list(record.meta.get("tags") or []),
        },
        "storage_refs": dict(storage_refs),
    }


def series_heads(record: Record, terms: WorldTerms) -> dict[str, Any]:
    """The first points of returns, equity (E_0 first) and pnl so far (0 first)."""
    if record.returns is None:
        return {"returns": [], "equity": [], "pnl": [], "truncated": False}
    equity, capital = equity_of(record, terms)
    whole = np.concatenate(([capital], equity))
    return {
        "returns": record.returns[:HEAD].tolist(),
        "equity": whole[:HEAD].tolist(),
        "pnl": (whole[:HEAD] - capital).tolist(),
        "truncated": whole.size > HEAD,  # equity and pnl have one point more than returns
    }


def plain_snapshot_name(world_id: str, strategy_id: str, run_id: str) -> str:
    return f"{world_id}-{strategy_id}-{run_id}"


def snapshot_name(world_id: str, strategy_id: str, run_id: str, *, taken: set[str]) -> str:
    """`{world}-{strategy}-{run}`; where that is taken, with the first short hash appended that is free."""
    plain = plain_snapshot_name(world_id, strategy_id, run_id)
    if plain not in taken:
        return plain
    whole = "\0".join((world_id, strategy_id, run_id))
    marks = (hashlib.sha256(f"{whole}\0{n}".encode()).hexdigest()[:8] for n in count())
    return next(name for mark in marks if (name := f"{plain}-{mark}") not in taken)
