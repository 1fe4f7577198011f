from __future__ import annotations

from django.urls import path

from worlds import api

urlpatterns = [
    path("worlds", api.Worlds.as_view()),
    path("worlds/<id:world_id>", api.WorldItem.as_view()),
    path("worlds/<id:world_id>/state", api.WorldState.as_view()),
    path("worlds/<id:world_id>/circuit-breaker", api.CircuitBreaker.as_view()),
    path("worlds/<id:world_id>/policy", api.ActivePolicy.as_view()),
    path("worlds/<id:world_id>/policies", api.Policies.as_view()),
    path("worlds/<id:world_id>/policies/<version:version>", api.PolicyItem.as_view()),
    path("worlds/<id:world_id>/policies/<version:version>/activate", api.PolicyActivation.as_view()),
    path("worlds/<id:world_id>/audit", api.Audit.as_view()),
    path("worlds/<id:world_id>/events", api.Events.as_view()),
    path("schema/policy", api.PolicySchema.as_view()),
]
