from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class StrategiesConfig(AppConfig):
    name = "strategies"
    verbose_name = "Strategies"

    def ready(self) -> None:
        import_module("strategies.handlers")
        import_module("strategies.collectors")
