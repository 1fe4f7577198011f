from __future__ import annotations

from django.urls import path

from strategies import api

urlpatterns = [
    path("strategies", api.Strategies.as_view()),
    path("strategies/<id:strategy_id>", api.StrategyItem.as_view()),
    path("worlds/<id:world_id>/bindings", api.Bindings.as_view()),
    path("worlds/<id:world_id>/strategies/<id:strategy_id>/performance", api.Performance.as_view()),
]
