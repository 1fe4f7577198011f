from __future__ import annotations

from django.urls import path

from evaluation.api import applying, decisions, impact, reports, runs

RUNS = "worlds/<id:world_id>/strategies/<id:strategy_id>/runs"

urlpatterns = [
    path("worlds/<id:world_id>/describe", runs.DescribeWorld.as_view()),
    path(RUNS, runs.Runs.as_view()),
    path(f"{RUNS}/<run:run_id>", runs.RunItem.as_view()),
    path(f"{RUNS}/<run:run_id>/results", runs.RunResults.as_view()),
    path(f"{RUNS}/<run:run_id>/metrics", runs.RunMetrics.as_view()),
    path(f"{RUNS}/<run:run_id>/history", runs.RunHistory.as_view()),
    path(f"{RUNS}/<run:run_id>/report", reports.RunReport.as_view()),
    path("worlds/<id:world_id>/live-monitoring", reports.LiveMonitoring.as_view()),
    path("worlds/<id:world_id>/snapshots", runs.Snapshots.as_view()),
    path("worlds/<id:world_id>/snapshots/<snapshot:snapshot_id>", runs.SnapshotItem.as_view()),
    path("worlds/<id:world_id>/blobs/<sha256:sha256>.parquet", runs.SeriesFile.as_view()),
    path("worlds/<id:world_id>/policies/<version:version>/impact", impact.PolicyImpact.as_view()),
    path("policies/compare", impact.ComparePolicies.as_view()),
    path("worlds/<id:world_id>/decide", applying.Decide.as_view()),
    path("worlds/<id:world_id>/apply", applying.ApplyPlan.as_view()),
    path("strategies/<id:strategy_id>/activate", applying.ActivateStrategy.as_view()),
    path("strategies/<id:strategy_id>/deactivate", applying.DeactivateStrategy.as_view()),
    path("worlds/<id:world_id>/evaluate", decisions.Evaluate.as_view()),
    path("worlds/<id:world_id>/decisions", decisions.Decisions.as_view()),
    path("worlds/<id:world_id>/decisions/<id:decision_id>", decisions.DecisionItem.as_view()),
    path("worlds/<id:world_id>/decisions/<id:decision_id>/replay", decisions.Replay.as_view()),
    path("worlds/<id:world_id>/promotions", decisions.Promotions.as_view()),
    path(
        "worlds/<id:world_id>/promotions/<version:promotion_id>/approve", decisions.ApprovePromotion.as_view()
    ),
    path(
        "worlds/<id:world_id>/promotions/<version:promotion_id>/reject", decisions.RejectPromotion.as_view()
    ),
]
