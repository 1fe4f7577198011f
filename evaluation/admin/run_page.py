"""What the page of a run shows, read from its stored document: nothing is computed anew but the chart."""

from __future__ import annotations

from typing import Any

import orjson

from evaluation.domain.charts import Chart, equity_chart, with_start
from evaluation.domain.record import Record, WorldTerms
from evaluation.domain.sheet_tables import Bounded, Table, rules_by_owner, tables
from evaluation.domain.simulation import equity_of
from evaluation.models import EvaluationRun, RunResult, RunRevision, Snapshot
from evaluation.services.loading import load_one, world_terms
from qmtl_site.audit.models import AuditEntry
from qmtl_site.blobs.store import BlobCorrupt
from qmtl_site.pages.figures import figure, unit_of, unit_words
from qmtl_site.pages.scope import list_url
from strategies.models import Binding
from worlds.models import PolicyVersion

ROWS = 50
NO_RETURNS = "The run came without returns."
# Colour and sign of a bound that is met, missed, or not known to be.
MARKS = {"pass": ("good", "✓"), "fail": ("bad", "✗"), "missing": ("warn", "?")}
# What one looks at first, above all tables.
HEADLINES = (
    ("returns.sharpe", "Sharpe"),
    ("returns.cagr", "CAGR"),
    ("returns.volatility", "Volatility"),
    ("returns.max_drawdown", "Max DD"),
    ("returns.calmar_ratio", "Calmar"),
    ("robustness.deflated_sharpe_ratio", "Deflated SR"),
    ("sample.effective_history_years", "Years"),
    ("sample.n_trades_total", "Trades"),
)


def run_page(run: EvaluationRun) -> dict[str, Any]:
    result = RunResult.objects.filter(run=run).first()
    return {
        "run": run,
        "result": result,
        "binding": Binding.objects.filter(world_id=run.world_id, strategy_id=run.strategy_id).first(),
        "snapshot": Snapshot.objects.filter(run=run).defer("document").first(),
        "revisions": [told(row) for row in RunRevision.objects.filter(run=run).order_by("revision")[:ROWS]],
        "entries": entries(run),
        "siblings_url": list_url("evaluation.evaluationrun", world=run.world_id, strategy=run.strategy_id),
        "audit_url": list_url("audit.auditentry", object=str(run), stream=run.world_id),
        **chart_of(run),
        **({} if result is None else judged(run, result)),
    }


def judged(run: EvaluationRun, result: RunResult) -> dict[str, Any]:
    """Everything that the document of an evaluated run tells."""
    document = orjson.loads(bytes(result.document))
    currency = document["evaluation"].get("pnl", {}).get("reference_currency") or ""
    shown = tables(document)
    diagnostics = document["evaluation"]["diagnostics"]
    return {
        "policy": policy_of(run, result),
        "profile": document["validation"].get("profile"),
        "failure": document["validation"].get("error"),
        "window": document["evaluation"]["returns"].get("window"),
        "headlines": headlines(shown),
        "owners": [
            (owner, [rule_lines(view) for view in views]) for owner, views in rules_by_owner(document)
        ],
        "tables": [(table.block, [line(row, currency) for row in table.rows]) for table in shown],
        "diagnostics": diagnostic_lines(diagnostics),
        "divergence": diagnostics.get("divergence") or {},
        "extra_metrics": diagnostics.get("extra_metrics") or {},
        "hysteresis": document["evaluation"]["gating"]["hysteresis"],
        "gating": document["evaluation"]["gating"]["verdict"],
    }


def policy_of(run: EvaluationRun, result: RunResult) -> PolicyVersion | None:
    if result.policy_version is None:
        return None
    return PolicyVersion.objects.filter(world_id=run.world_id, version=result.policy_version).first()


def line(row: Bounded, currency: str) -> dict[str, Any]:
    tone, mark = MARKS.get(row.verdict, ("mute", ""))
    return {
        "row": row,
        "tone": tone,
        "mark": mark,
        "value": figure(row.value, row.unit),
        "unit": unit_words(row.unit, currency),
        "bound": ""
        if row.bound is None
        else f"{'≥' if row.op == '>=' else '≤'} {figure(row.bound, row.unit)}",
    }


def headlines(shown: list[Table]) -> list[dict[str, Any]]:
    by_name = {row.dotted: row for table in shown for row in table.rows}
    return [{"title": title, **line(by_name[name], "")} for name, title in HEADLINES if name in by_name]


def rule_lines(view: Any) -> dict[str, Any]:
    checks = [
        {
            "name": check.get("metric", "").rpartition(".")[2] or check.get("leaf", ""),
            "value": figure(check.get("value"), unit(check)),
            "op": {">=": "≥", "<=": "≤"}.get(check.get("op", ""), ""),
            "bound": figure(check.get("bound"), unit(check)),
            "margin": signed(check.get("margin"), unit(check)),
            "status": check.get("status") or ("missing" if check.get("margin") is None else "fail"),
        }
        for check in view.checks
    ]
    return {"name": view.name, "result": view.result, "checks": checks}


def unit(check: Any) -> str:
    return unit_of(check.get("metric") or "")


def signed(value: float | None, of: str) -> str:
    text = figure(value, of)
    return f"+{text}" if value is not None and value > 0 else text


def diagnostic_lines(diagnostics: dict[str, Any]) -> list[tuple[str, str]]:
    health = diagnostics["validation_health"]
    return [
        ("Trials counted", figure(diagnostics.get("trials_counted"), "count")),
        ("Trials that deflate the Sharpe", figure(diagnostics.get("trials_used"), "count")),
        ("Search intensity declared", figure(diagnostics.get("search_intensity"), "count")),
        ("Strategy complexity declared", figure(diagnostics.get("strategy_complexity"), "number")),
        ("Source of returns", figure(diagnostics.get("returns_source"))),
        ("Dataset fingerprint", figure(diagnostics.get("dataset_fingerprint"))),
        ("Metrics known", figure(health["metric_coverage_ratio"], "fraction")),
        ("Rules executed", figure(health["rules_executed_ratio"], "fraction")),
        ("Errors while judging", figure(health["validation_error_count"], "count")),
    ]


# --- the chart --------------------------------------------------------------------------------------------
def chart_of(run: EvaluationRun) -> dict[str, Any]:
    """The chart, or the reason why there is none."""
    given = getattr(run, "input", None)
    if given is None or given.returns_id is None:
        return {"chart": None, "no_chart": "The run has no returns (yet)." if given is None else NO_RETURNS}
    record = load_one(run)
    if isinstance(record, BlobCorrupt):
        return {"chart": None, "no_chart": str(record)}
    try:
        chart = draw(record, world_terms(run.world))
    except BlobCorrupt as lost:
        return {"chart": None, "no_chart": f"The world's benchmark: {lost}"}
    return {"chart": chart, "no_chart": "" if chart else "The record's equity cannot be drawn."}


def draw(record: Record, terms: WorldTerms) -> Chart | None:
    assert record.times is not None
    equity, capital = equity_of(record, terms)
    benchmark = record.own_benchmark
    if terms.benchmark_times is not None and terms.benchmark_returns is not None:
        benchmark = (terms.benchmark_times, terms.benchmark_returns)
    return equity_chart(*with_start(record.times, equity, capital), benchmark=benchmark)


# --- history ----------------------------------------------------------------------------------------------
def entries(run: EvaluationRun) -> Any:
    found = AuditEntry.objects.filter(stream=run.world_id, object_type="run", object_id=str(run))
    return found.order_by("-sequence")[:ROWS]


def told(revision: RunRevision) -> dict[str, Any]:
    return {"row": revision, "document": orjson.loads(revision.document)}
