"""Runs, their metrics and snapshots; decisions and promotions; reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from qmtl.client.calls import Call, Pages, get, given, listed, read_once, send, text
from qmtl.client.documents import (
    AcceptedRun,
    Decision,
    DecisionSummary,
    LiveReport,
    Metrics,
    Promotion,
    Run,
    Snapshot,
    SnapshotSummary,
    ValidationReport,
)
from qmtl.client.endpoints.endpoint import endpoint, paged

WORLD = "/worlds/{world_id}"
RUNS = "/worlds/{world_id}/strategies/{strategy_id}/runs"
RUN = RUNS + "/{run_id}"
ReportFormat = Literal["md", "html"]


class EvaluationEndpoints:
    @endpoint
    def create_run(
        self,
        world_id: str,
        strategy_id: str,
        *,
        run_id: str | None = None,
        stage: str | None = None,
        model_card_version: str | None = None,
        results: Mapping[str, Any] | None = None,
    ) -> Call[AcceptedRun]:
        """A run, with or without its results. The same id with the same content is the same run. RunConflict."""
        return send(
            "POST",
            RUNS,
            AcceptedRun,
            body=given(run_id=run_id, stage=stage, model_card_version=model_card_version, results=results),
            key=True,
            world_id=world_id,
            strategy_id=strategy_id,
        )

    @paged
    def runs(
        self,
        world_id: str,
        strategy_id: str,
        *,
        stage: str | None = None,
        status: str | None = None,
        limit: int | None = None,
    ) -> Pages[Run]:
        query = given(stage=stage, status=status, limit=limit)
        return listed(RUNS, Run, query=query, world_id=world_id, strategy_id=strategy_id)

    @endpoint
    def run(
        self, world_id: str, strategy_id: str, run_id: str = "latest", *, stage: str | None = None
    ) -> Call[Run]:
        """A run's status, and its summary once it is evaluated; `latest` is the newest (of a stage)."""
        return get(
            RUN, Run, query=given(stage=stage), world_id=world_id, strategy_id=strategy_id, run_id=run_id
        )

    @endpoint
    def start_backtest(self, world_id: str, strategy_id: str, run_id: str) -> Call[Run]:
        """Say that the strategy's side produces its returns; again and again while it does."""
        body = {"status": "backtest_running"}
        return send(
            "PATCH",
            RUN,
            Run,
            body=body,
            repeatable=True,
            world_id=world_id,
            strategy_id=strategy_id,
            run_id=run_id,
        )

    @endpoint
    def post_results(
        self, world_id: str, strategy_id: str, run_id: str, results: Mapping[str, Any]
    ) -> Call[AcceptedRun]:
        """What the run earned; its evaluation starts. RunFinal where it has been judged, RunConflict with others."""
        return send(
            "POST",
            f"{RUN}/results",
            AcceptedRun,
            body=results,
            repeatable=True,
            world_id=world_id,
            strategy_id=strategy_id,
            run_id=run_id,
        )

    @endpoint
    def metrics(self, world_id: str, strategy_id: str, run_id: str = "latest") -> Call[Metrics]:
        """A judged run's figures. RunNotEvaluated before."""
        return read_once(f"{RUN}/metrics", Metrics, world_id=world_id, strategy_id=strategy_id, run_id=run_id)

    @endpoint
    def run_history(self, world_id: str, strategy_id: str, run_id: str = "latest") -> Call[dict[str, Any]]:
        """What became known of a run after its evaluation."""
        return get(
            f"{RUN}/history", dict[str, Any], world_id=world_id, strategy_id=strategy_id, run_id=run_id
        )

    @endpoint
    def run_report(
        self, world_id: str, strategy_id: str, run_id: str = "latest", *, stage: str | None = None
    ) -> Call[ValidationReport]:
        """How a run was validated: rules, figures, evidence and where that ends. RunNotEvaluated before."""
        query = given(stage=stage)
        return get(
            f"{RUN}/report",
            ValidationReport,
            query=query,
            world_id=world_id,
            strategy_id=strategy_id,
            run_id=run_id,
        )

    @endpoint
    def run_report_text(
        self, world_id: str, strategy_id: str, run_id: str = "latest", *, format: ReportFormat = "md"
    ) -> Call[str]:
        """The same to be read: Markdown, or one HTML page."""
        names = {"world_id": world_id, "strategy_id": strategy_id, "run_id": run_id}
        return text(f"{RUN}/report", query={"format": format}, **names)

    @endpoint
    def override_run(
        self, /, world_id: str, strategy_id: str, run_id: str, **fields: Any
    ) -> Call[dict[str, Any]]:
        """A person's word over a verdict, with its reason and its end."""
        return send(
            "POST",
            f"{RUN}/override",
            dict[str, Any],
            body=fields,
            world_id=world_id,
            strategy_id=strategy_id,
            run_id=run_id,
        )

    @endpoint
    def report_ex_post_failure(
        self, /, world_id: str, strategy_id: str, run_id: str, **fields: Any
    ) -> Call[dict[str, Any]]:
        return send(
            "POST",
            f"{RUN}/ex-post-failures",
            dict[str, Any],
            body=fields,
            world_id=world_id,
            strategy_id=strategy_id,
            run_id=run_id,
        )

    # --- snapshots --------------------------------------------------------------------------------------------
    @paged
    def snapshots(
        self, world_id: str, *, strategy_id: str | None = None, limit: int | None = None
    ) -> Pages[SnapshotSummary]:
        query = given(strategy_id=strategy_id, limit=limit)
        return listed(f"{WORLD}/snapshots", SnapshotSummary, query=query, world_id=world_id)

    @endpoint
    def snapshot(self, world_id: str, snapshot_id: str) -> Call[Snapshot]:
        return read_once(
            f"{WORLD}/snapshots/{{snapshot_id}}", Snapshot, world_id=world_id, snapshot_id=snapshot_id
        )

    @endpoint
    def series_file(self, world_id: str, sha256: str) -> Call[bytes]:
        """A whole series that a snapshot refers to, as Parquet."""
        call = get(f"{WORLD}/blobs/{{sha256}}.parquet", bytes, world_id=world_id, sha256=sha256)
        return replace(call, binary=True)

    # --- decisions --------------------------------------------------------------------------------------------
    @endpoint
    def evaluate_world(
        self,
        world_id: str,
        *,
        as_of: datetime | None = None,
        dry_run: bool = False,
        wait: bool = True,
    ) -> Call[Decision]:
        """Evaluate a world now. `wait`: join whoever does already, else EvaluationInProgress."""
        return send(
            "POST",
            f"{WORLD}/evaluate",
            Decision,
            body=given(as_of=as_of, dry_run=dry_run or None),
            query={"wait": wait},
            repeatable=dry_run,
            world_id=world_id,
        )

    @endpoint
    def request_evaluation(self, world_id: str) -> Call[dict[str, Any]]:
        """Only ask for an evaluation; a worker does it."""
        return send(
            "POST",
            f"{WORLD}/evaluate",
            dict[str, Any],
            body={},
            query={"async": True},
            repeatable=True,
            world_id=world_id,
        )

    @paged
    def decisions(self, world_id: str, *, limit: int | None = None) -> Pages[DecisionSummary]:
        return listed(f"{WORLD}/decisions", DecisionSummary, query=given(limit=limit), world_id=world_id)

    @endpoint
    def decision(self, world_id: str, decision_id: str = "latest") -> Call[Decision]:
        """A decision with the trace of every candidate."""
        return read_once(
            f"{WORLD}/decisions/{{decision_id}}", Decision, world_id=world_id, decision_id=decision_id
        )

    @endpoint
    def replay_decision(self, world_id: str, decision_id: str = "latest") -> Call[dict[str, Any]]:
        """Make it again from its inputs: is it identical?"""
        return send(
            "POST",
            f"{WORLD}/decisions/{{decision_id}}/replay",
            dict[str, Any],
            repeatable=True,
            world_id=world_id,
            decision_id=decision_id,
        )

    @paged
    def promotions(
        self, world_id: str, *, state: str | None = None, limit: int | None = None
    ) -> Pages[Promotion]:
        query = given(state=state, limit=limit)
        return listed(f"{WORLD}/promotions", Promotion, query=query, world_id=world_id)

    @endpoint
    def approve_promotion(self, world_id: str, promotion_id: int, *, reason: str) -> Call[Promotion]:
        return answered_promotion("approve", world_id, promotion_id, reason)

    @endpoint
    def reject_promotion(self, world_id: str, promotion_id: int, *, reason: str) -> Call[Promotion]:
        return answered_promotion("reject", world_id, promotion_id, reason)

    # --- monitoring and risk ----------------------------------------------------------------------------------
    @endpoint
    def live_monitoring(self, world_id: str) -> Call[LiveReport]:
        """What live strategies made over 30, 60 and 90 days, against backtests and the policy's bounds."""
        return get(f"{WORLD}/live-monitoring", LiveReport, world_id=world_id)

    @endpoint
    def live_monitoring_text(self, world_id: str, *, format: ReportFormat = "md") -> Call[str]:
        """The same to be read: Markdown, or one HTML page."""
        return text(f"{WORLD}/live-monitoring", query={"format": format}, world_id=world_id)

    @endpoint
    def invariants(self, world_id: str) -> Call[dict[str, Any]]:
        return get(f"{WORLD}/validations/invariants", dict[str, Any], world_id=world_id)

    @endpoint
    def post_risk_snapshot(self, world_id: str, snapshot: Mapping[str, Any]) -> Call[dict[str, Any]]:
        path = "/risk-hub/worlds/{world_id}/snapshots"
        return send("POST", path, dict[str, Any], body=snapshot, world_id=world_id)

    @endpoint
    def risk_snapshot(self, world_id: str, which: str = "latest") -> Call[dict[str, Any]]:
        """The newest one, or with `lookup` the one that fits the query of spec 08."""
        path = "/risk-hub/worlds/{world_id}/snapshots/{which}"
        return get(path, dict[str, Any], world_id=world_id, which=which)


def answered_promotion(word: str, world_id: str, promotion_id: int, reason: str) -> Call[Promotion]:
    return send(
        "POST",
        f"{WORLD}/promotions/{{promotion_id}}/{word}",
        Promotion,
        body={"reason": reason},
        world_id=world_id,
        promotion_id=promotion_id,
    )
