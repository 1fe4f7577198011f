from __future__ import annotations

from django.urls import path

from evaluation import api

RUNS = "worlds/<id:world_id>/strategies/<id:strategy_id>/runs"

urlpatterns = [
    path("worlds/<id:world_id>/describe", api.DescribeWorld.as_view()),
    path(RUNS, api.Runs.as_view()),
    path(f"{RUNS}/<run:run_id>", api.RunItem.as_view()),
    path(f"{RUNS}/<run:run_id>/results", api.RunResults.as_view()),
    path(f"{RUNS}/<run:run_id>/metrics", api.RunMetrics.as_view()),
    path(f"{RUNS}/<run:run_id>/history", api.RunHistory.as_view()),
    path("worlds/<id:world_id>/snapshots", api.Snapshots.as_view()),
    path("worlds/<id:world_id>/snapshots/<snapshot:snapshot_id>", api.SnapshotItem.as_view()),
    path("worlds/<id:world_id>/blobs/<sha256:sha256>.parquet", api.SeriesFile.as_view()),
]
