"""Settings of the service, from the environment (12-factor); `.env.example` lists each with its default.

Without `DATABASE_URL` the addresses of a running `make run` are read from `.local/credentials.env`, so that
`manage.py` works beside it; if there is none either, the start stops with a message.
"""

from __future__ import annotations

import hashlib
import os
import sys
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from qmtl_site import environment
from qmtl_site.environment import database, duration, flag, listing, number

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL = environment.local_values(BASE_DIR / ".local" / "credentials.env")


def setting(name: str, default: str = "") -> str:
    return os.environ.get(name) or LOCAL.get(name) or default


EMBEDDED = flag(setting("QMTL_EMBEDDED", "1" if LOCAL else "0"))
DEBUG = flag(setting("DEBUG", "0"))
SECRET_KEY = setting("SECRET_KEY")
if not SECRET_KEY:
    if not EMBEDDED:
        raise ImproperlyConfigured("SECRET_KEY is not set: give the service a long random SECRET_KEY.")
    SECRET_KEY = hashlib.sha256(str(BASE_DIR).encode()).hexdigest() + "-embedded-only"

HTTPS = flag(setting("QMTL_HTTPS", "0" if EMBEDDED or DEBUG else "1"))
ALLOWED_HOSTS = listing(setting("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"))
CSRF_TRUSTED_ORIGINS = listing(setting("CSRF_TRUSTED_ORIGINS"))

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "qmtl_site.http",
    "qmtl_site.ledger",
    "qmtl_site.outbox",
    "qmtl_site.audit",
    "qmtl_site.blobs",
    "qmtl_site.accounts",
    "qmtl_site.metrics",
    "qmtl_site.delivery",
    "qmtl_site.demo",
    "worlds",
    "strategies",
    "evaluation",
    "rebalancing",
    "qmtl_site",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
]

MIDDLEWARE = [
    "qmtl_site.http.middleware.RequestEnvelope",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "qmtl_site.urls"
WSGI_APPLICATION = "qmtl_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- data -----------------------------------------------------------------------------------------------
DATABASE_URL = setting("DATABASE_URL")
if not DATABASE_URL:
    raise ImproperlyConfigured(
        "DATABASE_URL is not set: start the service with `make run`, or give the URL of a PostgreSQL >= 15."
    )
DATABASE_OWNER_URL = setting("DATABASE_OWNER_URL", DATABASE_URL)
DATABASES = {
    # The role of the application: no UPDATE, DELETE or TRUNCATE on evidence.
    "default": database(DATABASE_URL, conn_max_age=60),
    # The role that owns the schema: migrates, grants and purges. No web or worker process opens it.
    "owner": database(DATABASE_OWNER_URL, conn_max_age=0),
}
DATABASE_ROUTERS = ["qmtl_site.database.OwnerMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = setting("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
BLOB_URL = setting("QMTL_BLOB_URL", (BASE_DIR / ".local" / "blobs").as_uri())

# --- people and tokens ----------------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
REST_KNOX = {"TOKEN_TTL": timedelta(days=90), "AUTH_HEADER_PREFIX": "Bearer"}

# --- HTTP -----------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["qmtl_site.accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["qmtl_site.accounts.access.DeclaredAccess"],
    "DEFAULT_PARSER_CLASSES": ["qmtl_site.http.documents.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["qmtl_site.http.documents.DocumentRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "qmtl_site.http.documents.AlwaysJSON",
    "DEFAULT_THROTTLE_CLASSES": ["qmtl_site.accounts.throttling.WritesPerToken"],
    "DEFAULT_SCHEMA_CLASS": "qmtl_site.http.openapi.ContractSchema",
    "EXCEPTION_HANDLER": "qmtl_site.http.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "QMTL WorldService",
    "DESCRIPTION": "Which strategy may trade, with how much, and why.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/",
    "POSTPROCESSING_HOOKS": [],
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}
MAX_BODY_BYTES = number(setting("QMTL_MAX_BODY_BYTES"), default=16 * 1024 * 1024)
MAX_SERIES_POINTS = 1_000_000
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
WRITES_PER_MINUTE = number(setting("QMTL_WRITE_RATE"), default=12_000)
RUN_TTL = duration(setting("QMTL_RUN_TTL", "24h"))
BASE_URL = setting("QMTL_BASE_URL", setting("QMTL_URL", "http://127.0.0.1:8000"))
STREAM_URL = setting("QMTL_STREAM_URL", "http://127.0.0.1:8001")
# A stream process: how many clients it serves, how many events may wait for one of them before it is dropped, how
# long it may take nothing, and how often an idle stream shows that it is alive.
STREAM_LIMIT = number(setting("QMTL_STREAM_LIMIT"), default=5_000)
STREAM_QUEUE = number(setting("QMTL_STREAM_QUEUE"), default=1_000)
STREAM_SLOW_SECONDS = duration(setting("QMTL_STREAM_SLOW", "10s")).total_seconds()
STREAM_HEARTBEAT_SECONDS = duration(setting("QMTL_STREAM_HEARTBEAT", "15s")).total_seconds()
STREAM_POLL_SECONDS = 1.0
STREAM_RECHECK_SECONDS = 2.0
COMPAT_REBALANCE_V2 = flag(setting("QMTL_COMPAT_REBALANCE_V2", "1"))
ALPHA_METRICS_REQUIRED = flag(setting("QMTL_ALPHA_METRICS_REQUIRED", "0"))
# How old an allocation may be before it is shown as stale.
ALLOCATION_MAX_AGE = duration(setting("QMTL_ALLOCATION_MAX_AGE", "7d"))

APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
WHITENOISE_USE_FINDERS = EMBEDDED or DEBUG
WHITENOISE_AUTOREFRESH = False

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]

# --- background work ------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"evaluation.*": {"queue": "evaluation"}}
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    "max_retries": 0,  # who asks for a task does without: the driver, which asks, would sleep for 6 s between tries
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    "evaluate-due-worlds": {"task": "evaluation.tick", "schedule": 5.0},
    "expire-runs": {"task": "evaluation.expire_runs", "schedule": 60.0},
    "settle-executions": {"task": "rebalancing.settle_executions", "schedule": 5.0},
    "forget-idempotency-keys": {"task": "http.forget_idempotency_keys", "schedule": 3600.0},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# How long a run may wait in `evaluating` before the driver evaluates it without the broker.
DRIVER_MAKES_UP_AFTER = duration(setting("QMTL_DRIVER_MAKES_UP_AFTER", "5s"))
# How long a world may be due before the driver evaluates it without the broker.
SCHEDULE_MAKES_UP_AFTER = duration(setting("QMTL_SCHEDULE_MAKES_UP_AFTER", "30s"))
# How long an execution may wait for the worker before the driver goes on with it without the broker.
EXECUTIONS_MAKE_UP_AFTER = duration(setting("QMTL_EXECUTIONS_MAKE_UP_AFTER", "15s"))
# How long a driver is trusted with the applies without a word; then another one takes over.
DRIVER_LEASE = duration(setting("QMTL_DRIVER_LEASE", "10s"))
# How long a transaction of the driver may stand still until the database ends it: a stopped process keeps no lock.
DRIVER_STALL = duration(setting("QMTL_DRIVER_STALL", "20s"))
DRIVER_POLL_SECONDS = 1.0
# How often a process brings what it has counted for the metrics page to the database; 0s: never by itself.
METRICS_FLUSH_SECONDS = duration(setting("QMTL_METRICS_FLUSH", "2s")).total_seconds()
# How long `?wait=true` waits for another evaluation of the world; its web process serves nobody meanwhile.
EVALUATION_JOIN_SECONDS = 5

# --- events to other systems ----------------------------------------------------------------------------
# Events as Redis Streams, each trimmed to about so many entries.
REDIS_STREAMS = flag(setting("QMTL_REDIS_STREAMS", "1"))
REDIS_STREAM_LENGTH = number(setting("QMTL_REDIS_STREAM_LENGTH"), default=10_000)
# Internal networks and hosts that webhooks may go to, besides public addresses; the file of their authority.
WEBHOOK_ALLOW = listing(setting("QMTL_WEBHOOK_ALLOW"))
WEBHOOK_CA_FILE = setting("QMTL_WEBHOOK_CA_FILE")
WEBHOOK_SECONDS = duration(setting("QMTL_WEBHOOK_TIMEOUT", "10s")).total_seconds()
# Services that notification rules may use, by their apprise scheme.
NOTIFY_SCHEMES = listing(
    setting("QMTL_NOTIFY_SCHEMES", "slack,discord,tgram,pagerduty,opsgenie,workflows,mailtos,mailto")
)
# The first rest after a failed delivery; each further one is four times as long.
DELIVERY_BACKOFF_SECONDS = duration(setting("QMTL_DELIVERY_BACKOFF", "1s")).total_seconds()
DELIVERY_POLL_SECONDS = 1.0
# What secrets are sealed with in the database. The first seals; former ones, after it, still open.
SECRETS_KEYS = listing(setting("QMTL_SECRETS_KEY")) or [SECRET_KEY]
# The same for brokers' credentials. The embedded mode makes its own key; elsewhere none are kept without one.
CREDENTIALS_KEYS = listing(setting("QMTL_CREDENTIALS_KEY")) or ([SECRET_KEY] if EMBEDDED else [])
# How long a gate client is trusted without a word, by the database's clock.
GATE_LEASE_SECONDS = duration(setting("QMTL_GATE_LEASE", "15s")).total_seconds()

LOG_FORMAT = setting("QMTL_LOG_FORMAT", "console" if EMBEDDED else "json")
LOG_LEVEL = setting("QMTL_LOG_LEVEL", "INFO")
LOGGING = environment.logging(fmt=LOG_FORMAT, level=LOG_LEVEL, colors=sys.stderr.isatty())

from qmtl_site.admin_theme import UNFOLD  # noqa: E402,F401  (the look of the admin is data of its own)
