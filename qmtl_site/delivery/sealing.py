"""Secrets at rest: sealed with a key of the environment, so that a copy of the database does not give them away."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from qmtl_site.delivery.errors import DeliveryFailed


def seal(text: str) -> bytes:
    return keys().encrypt(text.encode())


def unseal(sealed: bytes) -> str:
    """Raises DeliveryFailed for what was sealed with a key that is not here any more."""
    try:
        return keys().decrypt(sealed).decode()
    except InvalidToken:
        raise DeliveryFailed("its secret was sealed with another QMTL_SECRETS_KEY") from None


def keys() -> MultiFernet:
    """The first seals; the others, former ones, still open."""
    return MultiFernet([Fernet(derived(text)) for text in settings.SECRETS_KEYS])


def derived(text: str) -> bytes:
    key = HKDF(hashes.SHA256(), length=32, salt=None, info=b"qmtl secrets at rest").derive(text.encode())
    return base64.urlsafe_b64encode(key)


def fingerprint(text: str) -> str:
    """Enough of a secret to tell it from another one, in the audit."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
