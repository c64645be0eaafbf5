"""Signatures of the Standard Webhooks specification (symmetric, ``v1``): HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime

from antiphon.execution.channels.errors import CallbackForged

TOLERANCE = 300  # seconds a timestamp may be off; the specification's own libraries allow as much
PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The key in a secret ``whsec_…`` (Base64). Raises ValueError."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as bad:
        raise ValueError("is not Base64") from bad


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature`` for a request."""
    signed = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode()


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a request that was signed with the secret and is not old. Raises `CallbackForged`."""
    message_id, stamped = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not stamped.isascii() or not stamped.isdigit() or len(stamped) > 12:
        raise CallbackForged
    expected = signature(secret, message_id, int(stamped), body).encode()
    given = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(expected, one.encode("utf-8", "replace")) for one in given):
        raise CallbackForged
    if abs(now.timestamp() - int(stamped)) > TOLERANCE:
        raise CallbackForged(cause="replayed")
    return message_id
