"""Reading typed settings out of environment strings; knows no Django settings."""

from __future__ import annotations

import logging as stdlib_logging
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import structlog
from django.core.exceptions import ImproperlyConfigured

from qmtl_site.launcher import credentials

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def local_values(path: Path) -> dict[str, str]:
    """Values of `.local/credentials.env`; nothing when it is absent or not this user's to read."""
    try:
        return credentials.read(path)
    except OSError:
        return {}


def flag(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"", "0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{text!r} is not a flag: use true or false.")


def number(text: str, *, default: int) -> int:
    if not text:
        return default
    if not text.isdigit():
        raise ImproperlyConfigured(f"{text!r} is not a whole number.")
    return int(text)


def listing(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text)
    if match is None:
        raise ImproperlyConfigured(f"{text!r} is not a duration: use 30s, 5m, 24h, 7d or 1w.")
    return timedelta(seconds=float(match[1]) * UNITS[match[2]])


# Uses of a statement on one connection until the server keeps its plan (only of qmtl_site.database.native_cursor).
PREPARE_AFTER = 3


def database(url: str, *, conn_max_age: int) -> dict[str, Any]:
    """Django's database entry for a PostgreSQL URL.

    Raises ImproperlyConfigured for any other engine: the service uses PostgreSQL fully.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"DATABASE_URL must be postgresql://..., not {parts.scheme}://...")
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or parts.hostname or ""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(host),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": conn_max_age,
        "CONN_HEALTH_CHECKS": conn_max_age > 0,
        "OPTIONS": {"prepare_threshold": PREPARE_AFTER, **options},
    }


class AsWarning(stdlib_logging.Filter):
    """Makes a line of what a client did wrong: no traceback, nothing to wake anybody for."""

    def filter(self, record: stdlib_logging.LogRecord) -> bool:
        record.levelno, record.levelname = stdlib_logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
        return True


def logging(*, fmt: str, level: str, colors: bool) -> dict[str, Any]:
    """One structured line per record: JSON in production, readable on a console."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = (
        structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
        if fmt == "console"
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(stdlib_logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    final = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.format_exc_info]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": "structlog.stdlib.ProcessorFormatter",
                "foreign_pre_chain": shared,
                "processors": [*final, renderer] if fmt != "console" else [final[0], renderer],
            }
        },
        "filters": {"as_warning": {"()": AsWarning}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "celery": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "django.server": {"level": "WARNING"},
            "django.security.DisallowedHost": {"filters": ["as_warning"]},
            "uvicorn.access": {"level": "WARNING"},
        },
    }
