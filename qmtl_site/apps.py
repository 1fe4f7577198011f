"""The site itself as an app, for its management commands."""

from __future__ import annotations

from django.apps import AppConfig

from qmtl_site.celery import app as celery_app


class SiteConfig(AppConfig):
    name = "qmtl_site"
    verbose_name = "Site"
    # Tasks declared with `shared_task` must find this application wherever they are sent from.
    celery = celery_app
