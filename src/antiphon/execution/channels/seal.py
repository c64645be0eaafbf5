"""Secrets at rest: AES-256-GCM under a key derived from the installation's secret."""

from __future__ import annotations

import os
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from antiphon.execution.channels.errors import SecretsUnreadable

NONCE = 12


class Seal:
    """Encrypts small JSON objects. What was sealed for one purpose does not open for another."""

    def __init__(self, secret: bytes) -> None:
        key = HKDF(SHA256(), length=32, salt=None, info=b"antiphon channel account secrets").derive(secret)
        self._cipher = AESGCM(key)

    def close(self, secrets: dict[str, Any], purpose: str) -> bytes:
        """Encrypt: nonce, then ciphertext with its tag."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, msgspec.json.encode(secrets), purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> dict[str, Any]:
        """Decrypt. Raises `SecretsUnreadable` if the installation's secret changed or the value was altered."""
        try:
            plain = self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], purpose.encode())
        except InvalidTag:
            raise SecretsUnreadable() from None
        return msgspec.json.decode(plain, type=dict[str, Any])
