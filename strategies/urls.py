from __future__ import annotations

from django.urls import path

from strategies import api

urlpatterns = [
    path("strategies", api.Strategies.as_view()),
    path("strategies/<id:strategy_id>", api.StrategyItem.as_view()),
    path("worlds/<id:world_id>/bindings", api.Bindings.as_view()),
    path("worlds/<id:world_id>/broker", api.Broker.as_view()),
    path("worlds/<id:world_id>/broker/credentials", api.BrokerCredentials.as_view()),
    path("worlds/<id:world_id>/activation", api.Activation.as_view()),
    path("worlds/<id:world_id>/activation/state_hash", api.ActivationHash.as_view()),
    path("worlds/<id:world_id>/applies", api.Applies.as_view()),
    path("worlds/<id:world_id>/applies/<run:run_id>", api.ApplyItem.as_view()),
    path("worlds/<id:world_id>/applies/<run:run_id>/acks", api.Acks.as_view()),
    path("worlds/<id:world_id>/gates", api.Gates.as_view()),
    path("worlds/<id:world_id>/gates/<id:client_id>", api.GateItem.as_view()),
    path("worlds/<id:world_id>/gates/<id:client_id>/heartbeat", api.Heartbeat.as_view()),
    path("worlds/<id:world_id>/edges/overrides", api.EdgeOverrides.as_view()),
    path("worlds/<id:world_id>/cross-context-hits", api.CrossContext.as_view()),
    path("worlds/<id:world_id>/strategies/<id:strategy_id>/fills", api.Fills.as_view()),
    path("worlds/<id:world_id>/strategies/<id:strategy_id>/nodes", api.Nodes.as_view()),
    path("worlds/<id:world_id>/strategies/<id:strategy_id>/performance", api.Performance.as_view()),
]
