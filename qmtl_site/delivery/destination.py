"""Where a webhook may go: https, to public addresses, which are asked for once and then kept to.

A name that answers with a public address when it is checked and with an internal one when it is connected to (DNS
rebinding) gains nothing: there is no second question.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from qmtl_site.delivery.errors import DeliveryFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
PORT = 443


@dataclass(frozen=True)
class Destination:
    """`addresses` are what the name stood for, all of them allowed."""

    host: str
    port: int
    path: str
    addresses: Sequence[str]

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORT else f"{host}:{self.port}"


def destination_of(url: str) -> Destination:
    """Raises DeliveryFailed, in words, for whatever must not be reached."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORT
    except ValueError as error:
        raise DeliveryFailed(f"not an address: {error}") from None
    if parts.scheme != "https":
        raise DeliveryFailed("webhooks go to https:// only")
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise DeliveryFailed("the address needs a host, and no user, password or fragment")
    if not url.isascii() or any(character.isspace() or ord(character) < 32 for character in url):
        raise DeliveryFailed("the address holds characters that must be escaped")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(host, port, path, allowed_addresses(host, port))


def allowed_addresses(host: str, port: int) -> list[str]:
    """What the name stands for now. One address among them that is not allowed makes the name not allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryFailed(f"{host} is not known: {error}") from None
    addresses = list(dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found))
    if host.lower() not in allowed_hosts():
        for address in addresses:
            if not is_allowed(ipaddress.ip_address(address)):
                raise DeliveryFailed(f"{host} is an internal address, and none that QMTL_WEBHOOK_ALLOW names")
    return addresses


def is_allowed(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return is_public(address) or any(address in network for network in allowed_networks())


def is_public(address: Address) -> bool:
    """Reserved ones and 6to4 are taken out as well: they carry IPv4 addresses inside."""
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not (address.version == 6 and address in SIX_TO_FOUR)
    )


def allowed_networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text) for text in settings.WEBHOOK_ALLOW if is_network(text)]


def allowed_hosts() -> set[str]:
    return {text.lower() for text in settings.WEBHOOK_ALLOW if not is_network(text)}


def is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
