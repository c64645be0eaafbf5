"""SendGrid's events (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event), and their ECDSA signature
(https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features)."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from antiphon.execution.channels.email.news import TOKEN, check_age, epoch, fields, text_of
from antiphon.execution.channels.errors import CallbackForged
from antiphon.execution.channels.model import Callback, Signal, SignalKind

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
OLDEST = timedelta(hours=26)  # SendGrid tries again for a day
_ID = re.compile(r"^(.+?)\.(?:filter|recv|p3|ismtpd)")
_PEM = re.compile(r"-----[^-]+-----|\s+")
_KINDS: Mapping[str, SignalKind] = {
    "delivered": "delivered",
    "deferred": "deferred",
    "bounce": "bounced",
    "dropped": "bounced",
    "open": "opened",
    "click": "clicked",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
    "group_resubscribe": "subscribed",
}
_DEAD = ("bounced address", "invalid")  # why something was dropped that would be dropped again


@lru_cache(maxsize=64)
def load_key(text: str) -> EllipticCurvePublicKey:
    """Read a verification key: base64 of its DER, PEM lines or not. Raises ValueError."""
    try:
        key = load_der_public_key(b64decode(_PEM.sub("", text), validate=True))
    except (ValueError, UnsupportedAlgorithm) as bad:
        raise ValueError("not a public key") from bad
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("not an elliptic-curve key")
    return key


def read_news(callback: Callback, key: str) -> Sequence[Signal]:
    """The signals of one array of events. Raises `CallbackForged`."""
    stamp = callback.headers.get(TIMESTAMP, "")
    at = epoch(stamp)
    if not key or at is None:
        raise CallbackForged
    try:
        signature = b64decode(callback.headers.get(SIGNATURE, ""), validate=True)
        load_key(key).verify(signature, stamp.encode() + callback.body, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        raise CallbackForged from None
    check_age(callback, at, OLDEST)
    try:
        events = msgspec.json.decode(callback.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    return list(_signals(events if isinstance(events, list) else []))


def _signals(events: Sequence[Any]) -> Iterator[Signal]:
    for one in events:
        event = fields(one)
        name = text_of(event.get("event"))
        kind = _KINDS.get(name)
        if kind is None:
            continue  # processed, and whatever comes to be
        message = text_of(event.get("sg_message_id"))
        found = _ID.match(message)
        reason = text_of(event.get("reason")) or text_of(event.get("response"))
        yield Signal(
            kind=kind,
            token=text_of(event.get(TOKEN)) or None,
            provider_id=(found[1] if found else message.partition(".")[0]) or None,
            address=text_of(event.get("email")) or None,
            permanent=kind == "complained" or _permanent(name, event, reason),
            code=text_of(event.get("status")) or (name if kind == "bounced" else ""),
            detail=reason,
            at=epoch(event.get("timestamp")),
            id=text_of(event.get("sg_event_id")),
            url=text_of(event.get("url"), 2000) or None,
            agent=text_of(event.get("useragent")),
            ip=text_of(event.get("ip")),
        )


def _permanent(name: str, event: Mapping[str, Any], reason: str) -> bool:
    if name == "dropped":
        return reason.lower().startswith(_DEAD)
    return name == "bounce" and event.get("type", "bounce") == "bounce"  # the other type is "blocked"
