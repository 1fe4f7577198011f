"""The validation report of a run: who judged what by which rules, on which evidence, and where that ends.

Made from what is stored of one evaluated run; nothing is computed anew, so that the same run gives the same report
until somebody appends to its history or its status moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BLOCKS = ("returns", "pnl", "sample", "risk", "robustness", "benchmark", "stress", "live")
VERDICTS = {
    "pass": "passes every rule that decides",
    "warn": "passes every blocking rule, and does not pass {violations}",
    "fail": "fails: {violations}",
    "inconclusive": "cannot be judged: {violations}",
}
STATUS_WORDS = {
    "expired": "the run is expired: it is history, and nothing rests on it any more",
    "rejected": "the run was rejected",
}
NOT_JUDGED = {"absent": "not_judged", "rule_error": "rule_error", "error": "not_judged"}
"""Last words of reason codes that tell of no judgement: `policy.absent`, `profile.absent`, `evaluation.error`."""
Limit = dict[str, Any]


@dataclass(frozen=True)
class StoredRun:
    """What is stored of an evaluated run, as plain values.

    `run`: its row (`stage`, `status`, `status_reason`, `created_at`, `evaluated_at`, `submitted_by`, `received_at`,
    `strategy_version`, `code_hash`, `family`, `model_card_version`). `metrics`: the metrics document. `policy`:
    `{version, checksum, state}` of the version that judged, None where there was none. `strategy`: the registered
    one as it is now (`name`, `owner`, `version`, `side`, `model_card`). `evidence`: links and sha256 of the documents.
    `revisions`: `{revision, kind, author, created_at, document}`, the oldest first.
    """

    world_id: str
    strategy_id: str
    run_id: str
    run: Mapping[str, Any]
    strategy: Mapping[str, Any]
    metrics: Mapping[str, Any]
    policy: Mapping[str, Any] | None
    evidence: Mapping[str, Any]
    revisions: Sequence[Mapping[str, Any]]
    links: Mapping[str, Any]


def validation_report(stored: StoredRun) -> dict[str, Any]:
    """The document: identity, verdict, policy, rules, figures, place in the world, history, evidence, limits.

    `error`: what the strategy's own code ended with, where that is why it failed.
    """
    evaluation, validation = stored.metrics["evaluation"], stored.metrics["validation"]
    rules = [rule_row(name, result) for name, result in validation["results"].items()]
    return {
        "report": "validation",
        "world_id": stored.world_id,
        "strategy_id": stored.strategy_id,
        "run_id": stored.run_id,
        "run": {**stored.run, "dataset_fingerprint": evaluation["diagnostics"].get("dataset_fingerprint")},
        "strategy": dict(stored.strategy),
        "verdict": verdict_part(stored, rules),
        "error": validation.get("error"),
        "policy": policy_part(stored),
        "rules": rules,
        "metrics": {name: evaluation[name] for name in BLOCKS if evaluation.get(name)},
        "diagnostics": evaluation["diagnostics"],
        "placement": stored.metrics.get("placement"),
        "hysteresis": evaluation["gating"]["hysteresis"],
        "revisions": [dict(row) for row in stored.revisions],
        "overrides": [dict(row) for row in stored.revisions if row["kind"] == "override"],
        "evidence": evidence_part(stored),
        "limits": list(limits(stored, rules)),
        "links": dict(stored.links),
    }


def verdict_part(stored: StoredRun, rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    summary = stored.metrics["summary"]
    violations = summary["violations"]
    names = ", ".join(each["rule"] for each in violations) or "nothing is said of why"
    return {
        "status": summary["status"],
        "gating": stored.metrics["evaluation"]["gating"]["verdict"],
        "recommended_stage": summary["recommended_stage"],
        "headline": f"The run {VERDICTS[summary['status']].format(violations=names)}.",
        "rules": len(rules),
        "violations": violations,
    }


def policy_part(stored: StoredRun) -> dict[str, Any]:
    """By which rules: what a reader needs to find the very text."""
    validation, policy = stored.metrics["validation"], stored.policy or {}
    return {
        "version": validation["policy_version"],
        "profile": validation["profile"],
        "ruleset_hash": validation["ruleset_hash"],
        "checksum": policy.get("checksum"),
        "state": policy.get("state"),
    }


def rule_row(name: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """One rule's result, flat: its worst figure with bound and margin, and all its checks."""
    details = result["details"]
    return {
        "rule": name,
        **{
            key: result[key]
            for key in ("status", "severity", "owner", "mode", "reason_code", "reason", "tags")
        },
        **{key: details.get(key) for key in ("metric", "value", "bound", "margin")},
        "checks": [check_row(check) for check in details.get("checks") or ()],
    }


def check_row(check: Mapping[str, Any]) -> dict[str, Any]:
    """A bound with its figure; a leaf of the gates stands by its text, and only those that are lacking are kept."""
    value, margin = check.get("value"), check.get("margin")
    return {
        "metric": check.get("metric") or check.get("leaf"),
        "op": check.get("op"),
        "value": value,
        "bound": check.get("bound"),
        "margin": margin,
        "status": check.get("status") or ("missing" if value is None else "fail"),
        "reason": check.get("reason") or "",
    }


def evidence_part(stored: StoredRun) -> dict[str, Any]:
    """What it rests on: the record, and the stored documents with their sha256."""
    returns = stored.metrics["evaluation"].get("returns") or {}
    return {
        "returns": {name: returns.get(name) for name in ("source", "window", "sample_count")},
        **stored.evidence,
    }


# --- where the evidence ends --------------------------------------------------------------------------------
def limits(stored: StoredRun, rules: Sequence[Mapping[str, Any]]) -> Iterator[Limit]:
    """What a reader must know before he trusts the verdict, in the order in which it matters."""
    yield from limits_of_judging(stored, rules)
    yield from limits_of_identity(stored)
    yield from limits_of_figures(stored, rules)


def limit(kind: str, words: str, *, subject: str | None = None) -> Limit:
    return {"kind": kind, "subject": subject, "words": words}


def limits_of_judging(stored: StoredRun, rules: Sequence[Mapping[str, Any]]) -> Iterator[Limit]:
    for rule in rules:
        if (kind := NOT_JUDGED.get(rule["reason_code"].rpartition(".")[2])) is not None:
            yield limit(kind, rule["reason"], subject=rule["rule"])
        elif rule["mode"] == "shadow":
            words = f"in shadow: its result ({rule['status']}) decides nothing"
            yield limit("shadow_rule", words, subject=rule["rule"])
    status = stored.run["status"]
    if status in STATUS_WORDS:
        reason = stored.run["status_reason"]
        yield limit("status", STATUS_WORDS[status] + (f" ({reason})" if reason else ""), subject="status")


def limits_of_identity(stored: StoredRun) -> Iterator[Limit]:
    run, strategy = stored.run, stored.strategy
    if not stored.metrics["evaluation"]["diagnostics"].get("dataset_fingerprint"):
        yield limit("no_dataset", "nothing says which data the record was computed from", subject="data")
    if not run["code_hash"]:
        yield limit("no_code", "nothing says which code the record came from", subject="code")
    if not run["model_card_version"]:
        yield limit("no_model_card_version", "the run names no version of it", subject="model card")
    if not strategy["model_card"]:
        yield limit("no_model_card", "the strategy is registered without one", subject="model card")
    elif strategy["version"] != run["strategy_version"]:
        words = (
            f"what is shown is of version {strategy['version']} of the strategy; "
            f"the run was of version {run['strategy_version']}"
        )
        yield limit("newer_model_card", words, subject="model card")


def limits_of_figures(stored: StoredRun, rules: Sequence[Mapping[str, Any]]) -> Iterator[Limit]:
    diagnostics = stored.metrics["evaluation"]["diagnostics"]
    if diagnostics["returns_source"] == "client":
        words = "the client brought finished metrics; the service saw no returns"
        yield limit("client_metrics", words, subject="returns")
    for name, pair in diagnostics["divergence"].items():
        words = f"the service computed {pair['computed']:.6g}, the client says {pair['client']:.6g}"
        yield limit("divergence", words, subject=name)
    asked = {check["metric"]: rule["rule"] for rule in rules for check in rule["checks"]}
    for name, reason in diagnostics["validation_health"]["missing"].items():
        asking = f"{reason}; the rule {asked[name]} asks for it" if name in asked else reason
        yield limit("missing_metric", asking, subject=name)
