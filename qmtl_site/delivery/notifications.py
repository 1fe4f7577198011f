"""Notifications to people (apprise): Slack, e-mail and others, one message per event."""

from __future__ import annotations

from typing import Any

import apprise
import orjson
from apprise import NotifyBase
from django.conf import settings

from qmtl_site.delivery.destination import allowed_addresses
from qmtl_site.delivery.errors import DeliveryFailed
from qmtl_site.outbox.models import OutboxEvent
from qmtl_site.pages.words import told

# They go to one host, whatever the address says. Every other kind names a host, which must be one that webhooks
# may go to as well.
FIXED_SERVICES = {"slack", "discord", "tgram", "pagerduty", "opsgenie"}
SECONDS_TO_CONNECT = 4.0
SECONDS_TO_READ = 6.0


def service_of(url: str) -> NotifyBase:
    """The service behind an apprise address; DeliveryFailed for one that is not understood or not allowed."""
    scheme = url.partition("://")[0].lower()
    if scheme not in settings.NOTIFY_SCHEMES:
        raise DeliveryFailed(f"{scheme[:20]}:// is none of {', '.join(settings.NOTIFY_SCHEMES)}")
    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if not isinstance(service, NotifyBase):
        raise DeliveryFailed(f"the {scheme}:// address is not complete")
    host = named_host(service, scheme)
    if host:
        allowed_addresses(host, int(service.port or 0))
    service.socket_connect_timeout, service.socket_read_timeout = SECONDS_TO_CONNECT, SECONDS_TO_READ
    return service


def named_host(service: Any, scheme: str) -> str:
    """The host that an address names by itself; those of fixed services put a part of their key there."""
    if scheme in FIXED_SERVICES:
        return ""
    return str(getattr(service, "smtp_host", None) or service.host or "")


def shown(url: str) -> str:
    """The address without its secrets."""
    service: Any = service_of(url)
    return str(service.url(privacy=True))[:2000]


def notify(url: str, event: OutboxEvent) -> None:
    """Raises DeliveryFailed unless the service takes it. The event's id stands at the end: it may come twice."""
    service = service_of(url)
    if not service.notify(title=title_of(event), body=body_of(event)):
        raise DeliveryFailed(f"{service.service_name} did not take it")


def title_of(event: OutboxEvent) -> str:
    return f"{event.stream.lstrip('_')}: {event.type.replace('.', ' ').replace('_', ' ')}"


def body_of(event: OutboxEvent) -> str:
    data = orjson.loads(event.document)["data"]
    words = told({name: value for name, value in data.items() if name != "world_id"})
    return f"{words}\n\n{settings.BASE_URL}/admin/ · event {event.sequence} · {event.event_id}"
