"""The validation report as a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evaluation.domain.reports.page import (
    MISSING,
    Block,
    Cell,
    Code,
    Facts,
    Page,
    Section,
    Table,
    Text,
    figure,
    status,
    words,
)

Report = Mapping[str, Any]
SIGNS = {">=": "≥", "<=": "≤"}
NOT_FIGURES = frozenset({"window", "source", "reference_currency"})


def validation_page(report: Report) -> Page:
    verdict = report["verdict"]
    sections = [
        Section("Verdict", [verdict_facts(report)]),
        Section("The run", [run_facts(report)]),
        Section("Model card", model_card(report)),
        *optional("Error of the strategy", error_part(report["error"])),
        Section("Rules", rules_part(report["rules"])),
        Section("Where the evidence ends", limits_part(report["limits"])),
        Section("Metrics", list(metrics_part(report)), is_dense=True),
        *optional("Place in the world", placement_part(report["placement"])),
        Section("History after the verdict", revisions_part(report["revisions"])),
        Section("Evidence", [evidence_facts(report)]),
    ]
    title = f"Validation of {report['strategy_id']}, run {report['run_id']}"
    return Page(title, status(verdict["status"]), verdict["headline"], sections)


def optional(title: str, blocks: Sequence[Block]) -> list[Section]:
    return [Section(title, blocks)] if blocks else []


def code(value: Any) -> Cell:
    return Code(str(value)) if value else MISSING


# --- what was judged, and how -------------------------------------------------------------------------------
def verdict_facts(report: Report) -> Facts:
    verdict, policy = report["verdict"], report["policy"]
    version = words(policy["version"]) + (f" ({policy['state']})" if policy["state"] else "")
    return Facts(
        [
            ("Verdict", status(verdict["status"])),
            ("Gating", status(verdict["gating"])),
            ("Recommended stage", words(verdict["recommended_stage"]).replace("_", " ")),
            ("Policy version", version),
            ("Profile", words(policy["profile"])),
            ("Policy checksum", code(policy["checksum"])),
            ("Rule set hash", code(policy["ruleset_hash"])),
        ]
    )


def run_facts(report: Report) -> Facts:
    run, strategy = report["run"], report["strategy"]
    return Facts(
        [
            ("World", words(report["world_id"])),
            ("Strategy", f"{report['strategy_id']} ({words(strategy['name'])})"),
            ("Owner", words(strategy["owner"])),
            ("Family", words(run["family"])),
            ("Run", code(report["run_id"])),
            ("Stage", words(run["stage"])),
            ("Status", words(run["status"])),
            ("Submitted", f"{words(run['created_at'])}, by {words(run['submitted_by'])}"),
            ("Results received", words(run["received_at"])),
            ("Judged", words(run["evaluated_at"])),
            ("Strategy version", words(run["strategy_version"])),
            ("Code hash", code(run["code_hash"])),
            ("Dataset fingerprint", code(run["dataset_fingerprint"])),
            ("Model card version", words(run["model_card_version"])),
        ]
    )


def error_part(error: Mapping[str, Any] | None) -> list[Block]:
    """What the strategy's own code ended with, before there was a record."""
    return [Facts([(str(name), words(value)) for name, value in error.items()])] if error else []


def model_card(report: Report) -> list[Block]:
    card = report["strategy"]["model_card"]
    if not card:
        return [Text("The strategy is registered without a model card.")]
    return [Facts([(str(name), words(value)) for name, value in card.items()])]


def rules_part(rules: Sequence[Mapping[str, Any]]) -> list[Block]:
    if not rules:
        return [Text("No rule of the policy is about this stage.")]
    rows = [
        (
            rule["rule"],
            status(rule["status"]),
            rule["severity"] + ("" if rule["mode"] == "active" else f", {rule['mode']}"),
            rule["owner"],
            rule["reason"],
        )
        for rule in rules
    ]
    checks = [
        (
            rule["rule"],
            words(check["metric"]),
            figure(check["value"], check["metric"] or ""),
            f"{SIGNS.get(check['op'], '')} {figure(check['bound'], check['metric'] or '')}".strip(),
            signed(check["margin"], check["metric"] or ""),
            status(check["status"]),
        )
        for rule in rules
        for check in rule["checks"]
    ]
    blocks: list[Block] = [Table(("Rule", "Result", "Severity", "Owner", "Why"), rows)]
    if checks:
        columns = ("Rule", "Metric", "Value", "Bound", "Margin", "Result")
        blocks.append(Table(columns, checks, frozenset({2, 3, 4})))
    return blocks


def signed(value: Any, metric: str) -> str:
    text = figure(value, metric)
    return f"+{text}" if isinstance(value, int | float) and value > 0 else text


# --- figures ------------------------------------------------------------------------------------------------
def metrics_part(report: Report) -> Iterator[Block]:
    for name, block in report["metrics"].items():
        rows = [
            (dotted.removeprefix(f"{name}."), figure(value, dotted)) for dotted, value in known(name, block)
        ]
        if rows:
            yield Table((name, "Value"), rows, frozenset({1}))
    health = report["diagnostics"]["validation_health"]
    share = percent(health["metric_coverage_ratio"])
    yield Text(f"{share} of the metrics are known; the others stand above with their reasons.")


def known(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Figures that there are, nested ones (regimes, windows, scenarios) by their dotted name."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from known(f"{prefix}.{name}", value)
        elif value is not None and value != [] and name not in NOT_FIGURES:
            yield f"{prefix}.{name}", value


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def placement_part(placement: Mapping[str, Any] | None) -> list[Block]:
    """Where it would have stood among the world's candidates at the moment of its judgement."""
    if not placement:
        return []
    plain = [(name, words(value)) for name, value in placement.items() if not isinstance(value, list | dict)]
    steps = [
        (words(each.get("step")), status(each.get("status")), words(each.get("reason")))
        for each in placement.get("trace") or ()
    ]
    blocks: list[Block] = [Facts([(name.replace("_", " "), value) for name, value in plain])]
    return [*blocks, Table(("Step", "Result", "Why"), steps)] if steps else blocks


# --- what bounds the trust in it ----------------------------------------------------------------------------
def limits_part(limits: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Missing metrics stand together by their reason: most of them have the same few."""
    told = [limit for limit in limits if limit["kind"] != "missing_metric"]
    missing: dict[str, list[str]] = defaultdict(list)
    for limit in limits:
        if limit["kind"] == "missing_metric":
            missing[limit["words"]].append(limit["subject"])
    rows = [(words(limit["subject"]), limit["words"]) for limit in told]
    rows += [(", ".join(names), f"missing: {reason}") for reason, names in missing.items()]
    return (
        [Table(("Of", "What a reader should know"), rows)]
        if rows
        else [Text("Nothing is missing that a rule or a reader asks for.")]
    )


def revisions_part(revisions: Sequence[Mapping[str, Any]]) -> list[Block]:
    if not revisions:
        return [Text("Nothing was appended: no override, no extended validation, no failure afterwards.")]
    rows = [
        (
            words(row["revision"]),
            words(row["kind"]),
            words(row["author"]),
            words(row["created_at"]),
            words(row["document"]),
        )
        for row in revisions
    ]
    return [Table(("No.", "Kind", "By", "When", "What"), rows, frozenset({0}))]


def evidence_facts(report: Report) -> Facts:
    evidence = report["evidence"]
    returns, snapshot, metrics = evidence["returns"], evidence["snapshot"], evidence["metrics"]
    series = evidence["series"]
    return Facts(
        [
            ("Source of returns", words(returns["source"])),
            ("Window", words(returns["window"]).replace("/", " to ")),
            ("Points", words(returns["sample_count"])),
            ("Snapshot", code(snapshot["link"])),
            ("Snapshot sha256", code(snapshot["sha256"])),
            ("Metrics", code(metrics["link"])),
            ("Metrics sha256", code(metrics["sha256"])),
            *((f"Whole {name}", code(found["link"])) for name, found in series.items()),
            ("Trials of the family", words(report["diagnostics"].get("trials_counted"))),
            ("Trials that deflate the Sharpe", words(report["diagnostics"].get("trials_used"))),
        ]
    )
