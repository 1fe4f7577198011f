"""WSGI entry point."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from qmtl_site.http.chunked import ChunkedBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qmtl_site.settings")
application = ChunkedBodies(get_wsgi_application(), settings.MAX_BODY_BYTES)

# Now, or the first request of each worker would wait seconds for the import of all views; with --preload the
# workers share one copy.
_ = get_resolver().url_patterns
