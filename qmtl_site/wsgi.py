"""WSGI entry point."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db.backends.signals import connection_created
from django.urls import get_resolver

from qmtl_site.database import wait_for_locks
from qmtl_site.http.chunked import ChunkedBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qmtl_site.settings")
# A web worker that waits for somebody's lock serves nobody else: two such requests would stop every heartbeat.
connection_created.connect(wait_for_locks, dispatch_uid="lock_timeout")
application = ChunkedBodies(get_wsgi_application(), settings.MAX_BODY_BYTES)

# Now, or the first request of each worker would wait seconds for the import of all views; with --preload the
# workers share one copy.
_ = get_resolver().url_patterns
