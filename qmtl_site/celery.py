"""The Celery application: `celery -A qmtl_site worker`."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qmtl_site.settings")

app = Celery("qmtl")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
