"""Signed webhooks (https://www.standardwebhooks.com): the stored CloudEvent, posted once per try."""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from django.conf import settings
from standardwebhooks.webhooks import Webhook

from qmtl_site.delivery.destination import Destination, destination_of
from qmtl_site.delivery.errors import DeliveryFailed
from qmtl_site.outbox.models import OutboxEvent

MEDIA_TYPE = "application/cloudevents+json"
SECRET_BYTES = 32


def new_secret() -> str:
    return "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def post(url: str, secret: str, event: OutboxEvent) -> None:
    """Raises DeliveryFailed unless the receiver answers 2xx in time. `webhook-id` is the event's id in each try."""
    destination = destination_of(url)
    headers = signed_headers(secret, event)
    try:
        with connection_to(destination) as link:
            link.request("POST", destination.path, event.document.encode(), headers)
            status = link.getresponse().status
    except DeliveryFailed:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise DeliveryFailed(f"{type(error).__name__}: {error}"[:300]) from None
    if 300 <= status < 400:
        raise DeliveryFailed(f"answered {status}: redirects are not followed")
    if not 200 <= status < 300:
        raise DeliveryFailed(f"answered {status}")


def signed_headers(secret: str, event: OutboxEvent) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "Content-Type": MEDIA_TYPE,
        "User-Agent": "qmtl-worldservice",
        "webhook-id": str(event.event_id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(
            msg_id=str(event.event_id), timestamp=now, data=event.document
        ),
    }


@contextmanager
def connection_to(destination: Destination) -> Iterator[http.client.HTTPSConnection]:
    """To an address that was checked, as the name that was asked for; cut at the time-out, however much drips in.

    The standard library's, because it follows no redirect, reads no proxy from the environment, and takes a socket.
    """
    context = ssl.create_default_context()
    if settings.WEBHOOK_CA_FILE:
        context.load_verify_locations(settings.WEBHOOK_CA_FILE)
    link = http.client.HTTPSConnection(destination.host, destination.port, context=context)
    with cut_in_time(connected(destination, context)) as secured:
        secured.do_handshake()
        link.sock = secured
        try:
            yield link
        finally:
            link.close()


def connected(destination: Destination, context: ssl.SSLContext) -> ssl.SSLSocket:
    """One of the first two addresses that answers; its certificate must be the name's."""
    failed: OSError | None = None
    for address in destination.addresses[:2]:
        try:
            raw = socket.create_connection((address, destination.port), settings.WEBHOOK_SECONDS / 2)
        except OSError as error:
            failed = error
        else:
            return context.wrap_socket(raw, server_hostname=destination.host, do_handshake_on_connect=False)
    raise DeliveryFailed(f"no connection to {destination.host}: {failed}")


@contextmanager
def cut_in_time(secured: ssl.SSLSocket) -> Iterator[ssl.SSLSocket]:
    """A socket's own time-out begins anew with each byte: this one does not."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        with suppress(OSError):
            socket.socket.shutdown(secured, socket.SHUT_RDWR)  # below TLS, which the other thread is using

    timer = threading.Timer(settings.WEBHOOK_SECONDS, cut)
    timer.daemon = True
    timer.start()
    try:
        yield secured
    except (OSError, http.client.HTTPException):
        if late.is_set():
            raise DeliveryFailed(f"no answer within {settings.WEBHOOK_SECONDS:g} s") from None
        raise
    finally:
        timer.cancel()
        secured.close()
