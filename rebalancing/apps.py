from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class RebalancingConfig(AppConfig):
    name = "rebalancing"
    verbose_name = "Rebalancing"

    def ready(self) -> None:
        import_module("rebalancing.handlers")
