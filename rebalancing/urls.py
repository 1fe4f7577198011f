from __future__ import annotations

from django.urls import path

from rebalancing import api

urlpatterns = [
    path("rebalancing/plan", api.Plan.as_view()),
    path("rebalancing/apply", api.Apply.as_view()),
    path("rebalancing/execute", api.Execute.as_view()),
    path("rebalancing/cancel", api.Cancel.as_view()),
    path("rebalancing/runs/<run:run_id>", api.Run.as_view()),
    path("rebalancing/runs/<run:run_id>/orders", api.Orders.as_view()),
    path("worlds/<id:world_id>/rebalancing/orders", api.OrderWords.as_view()),
    path("worlds/<id:world_id>/allocators", api.Allocators.as_view()),
    path("allocations", api.Allocations.as_view()),
]
