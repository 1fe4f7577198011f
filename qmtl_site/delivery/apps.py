from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "qmtl_site.delivery"
    label = "delivery"
    verbose_name = "Delivery of events"

    def ready(self) -> None:
        import_module("qmtl_site.delivery.collectors")
