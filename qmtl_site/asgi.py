"""ASGI entry point: the stream process. Pages and the API are served under WSGI, which is faster at it."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qmtl_site.settings")
django.setup(set_prefix=False)

from qmtl_site.stream.application import StreamApplication  # noqa: E402  (needs the apps)

application = StreamApplication()
