"""Postmark's webhooks (https://postmarkapp.com/developer/webhooks/webhooks-overview). They carry no signature but the user name
and password written into their address or settings there: HTTP Basic authentication over TLS."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from antiphon.execution.channels.email.news import TOKEN, fields, instant, same, text_of
from antiphon.execution.channels.errors import CallbackForged
from antiphon.execution.channels.model import Callback, Signal, SignalKind

# https://postmarkapp.com/developer/api/bounce-api#bounce-types
_DEAD = frozenset(["HardBounce", "BadEmailAddress", "ManuallyDeactivated"])
_LATER = frozenset(["Transient", "DnsError"])
_NO_NEWS = frozenset(["AutoResponder", "AddressChange", "Subscribe", "OpenRelayTest", "ChallengeVerification"])


def read_news(callback: Callback, user: str, password: str) -> Sequence[Signal]:
    """The signal of one webhook. Raises `CallbackForged`."""
    kind, _, given = callback.headers.get("authorization", "").partition(" ")
    try:
        shown = b64decode(given, validate=True).decode()
    except ValueError:
        raise CallbackForged from None
    if kind.lower() != "basic" or not password or not same(shown, f"{user}:{password}"):
        raise CallbackForged
    try:
        record = fields(msgspec.json.decode(callback.body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    found = _signal(record)
    return [found] if found else []


def _signal(record: Mapping[str, Any]) -> Signal | None:
    what: tuple[SignalKind, Mapping[str, Any]] | None = None
    number = text_of(record.get("ID"))
    match record.get("RecordType"):
        case "Bounce":
            what = _bounce(record)
        case "SpamComplaint":
            what = "complained", {"permanent": True, "code": "abuse", "at": instant(record.get("BouncedAt"))}
        case "Delivery":
            what = "delivered", {"at": instant(record.get("DeliveredAt")), "detail": text_of(record.get("Details"))}
        case "Open":
            what = "opened", {"at": instant(record.get("ReceivedAt"))}
        case "Click":
            what = "clicked", {"at": instant(record.get("ReceivedAt")), "url": text_of(record.get("OriginalLink"), 2000) or None}
        case "SubscriptionChange":
            what = _change(record)
    if what is None:
        return None
    kind, more = what
    message = text_of(record.get("MessageID"))
    at = more.get("at")
    return Signal(
        kind=kind,
        token=text_of(fields(record.get("Metadata")).get(TOKEN)) or None,
        provider_id=message or None,
        address=text_of(record.get("Email") or record.get("Recipient")) or None,
        agent=text_of(record.get("UserAgent")),
        ip=text_of(fields(record.get("Geo")).get("IP")),
        id=f"{record.get('RecordType')}:{number or message}:{at.isoformat() if at else ''}"[:200],
        **more,
    )


def _bounce(record: Mapping[str, Any]) -> tuple[SignalKind, Mapping[str, Any]] | None:
    kind = text_of(record.get("Type"))
    if kind in _NO_NEWS:
        return None
    more = {
        "code": kind,
        "detail": text_of(record.get("Details")) or text_of(record.get("Description")),
        "at": instant(record.get("BouncedAt")),
    }
    if kind == "Unsubscribe":
        return "unsubscribed", more
    if kind in ("SpamNotification", "SpamComplaint"):
        return ("complained", {**more, "permanent": True}) if kind == "SpamComplaint" else ("bounced", more)
    return ("deferred", more) if kind in _LATER else ("bounced", {**more, "permanent": kind in _DEAD})


def _change(record: Mapping[str, Any]) -> tuple[SignalKind, Mapping[str, Any]] | None:
    more = {"code": text_of(record.get("SuppressionReason")), "at": instant(record.get("ChangedAt"))}
    if record.get("SuppressSending") is not True:
        return None  # taken off Postmark's list again: no word of the customer's
    match record.get("SuppressionReason"):
        case "SpamComplaint":
            return "complained", {**more, "permanent": True}
        case "HardBounce":
            return "bounced", {**more, "permanent": True}
        case _:
            return "unsubscribed", more
