from __future__ import annotations

from django.apps import AppConfig


class BlobsConfig(AppConfig):
    name = "qmtl_site.blobs"
    label = "blobs"
    verbose_name = "Blobs"
