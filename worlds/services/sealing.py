"""Credentials at rest: sealed with a key of the environment, each bound to its world."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.crypto import salted_hmac

from qmtl_site.http.refusals import Unavailable


def seal(world_id: str, secrets: Mapping[str, str]) -> bytes:
    return keys().encrypt(orjson.dumps({"world": world_id, "secrets": dict(secrets)}))


def unseal(world_id: str, sealed: bytes) -> dict[str, str]:
    """Unavailable for what was sealed with a key that is not here any more, or for another world."""
    try:
        document = orjson.loads(keys().decrypt(sealed))
    except InvalidToken:
        raise Unavailable("The credentials were sealed with another QMTL_CREDENTIALS_KEY") from None
    if document["world"] != world_id:
        raise Unavailable("The credentials were sealed for another world")
    secrets: dict[str, str] = document["secrets"]
    return secrets


def reseal(sealed: bytes) -> bytes:
    """The same under the first key; Unavailable where no key opens it."""
    try:
        return keys().rotate(sealed)
    except InvalidToken:
        raise Unavailable("The credentials were sealed with another QMTL_CREDENTIALS_KEY") from None


def keys() -> MultiFernet:
    """The first seals; the others, former ones, still open."""
    if not settings.CREDENTIALS_KEYS:
        raise Unavailable("Credentials cannot be kept: this service has no QMTL_CREDENTIALS_KEY")
    return MultiFernet([Fernet(derived(text)) for text in settings.CREDENTIALS_KEYS])


def derived(text: str) -> bytes:
    key = HKDF(hashes.SHA256(), length=32, salt=None, info=b"qmtl broker credentials").derive(text.encode())
    return base64.urlsafe_b64encode(key)


def fingerprint(secrets: Mapping[str, str]) -> str:
    """Enough to tell credentials from others, and useless to whoever wants to guess them."""
    text = orjson.dumps(dict(secrets), option=orjson.OPT_SORT_KEYS)
    return salted_hmac("qmtl.broker.credentials", text, algorithm="sha256").hexdigest()[:12]
