"""Random tokens, keyed hashes and signed tokens. Randomness that must repeat is a keyed hash, never a generator."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from binascii import b2a_base64
from functools import lru_cache

from antiphon.foundation.errors import Invalid

_TAG = 12  # bytes of the signature kept: 96 bits
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class BadSignature(Invalid):
    """The token was not signed by this installation."""


def random_token(nbytes: int = 24) -> str:
    """A URL-safe secret of `nbytes` random bytes."""
    return secrets.token_urlsafe(nbytes)


def keyed_hash(key: bytes, *parts: str | int | bytes) -> bytes:
    """16 bytes that depend on the key and on every part; parts are length-framed, so ("a", "bc") ≠ ("ab", "c")."""
    h = hashlib.blake2b(key=key[:64], digest_size=16)
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        h.update(len(data).to_bytes(4, "big"))
        h.update(data)
    return h.digest()


def keyed_fraction(key: bytes, *parts: str | int | bytes) -> float:
    """A number in [0, 1), uniform over keys and parts."""
    return int.from_bytes(keyed_hash(key, *parts)[:7], "big") / (1 << 56)


@lru_cache(maxsize=64)
def _begun(key: bytes, purpose: str) -> hashlib.blake2b:
    """The hash of a purpose's tokens up to where their payload begins."""
    return hashlib.blake2b(purpose.encode() + b"\0", key=key[:64], digest_size=_TAG)


def _tag(key: bytes, purpose: str, payload: bytes) -> bytes:
    h = _begun(key, purpose).copy()
    h.update(payload)
    return h.digest()


def sign(key: bytes, purpose: str, payload: bytes) -> str:
    """A URL-safe token holding `payload`, good only for `purpose`."""
    return b2a_base64(_tag(key, purpose, payload) + payload, newline=False).rstrip(b"=").translate(_URL_SAFE).decode()


def unsign(key: bytes, purpose: str, token: str) -> bytes:
    """The payload of a token made by `sign` with the same key and purpose; BadSignature otherwise."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError as bad:
        raise BadSignature from bad
    tag, payload = raw[:_TAG], raw[_TAG:]
    if not hmac.compare_digest(tag, _tag(key, purpose, payload)):
        raise BadSignature
    return payload
