"""Mailgun's webhooks (https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads), and their signature
(https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks).

It signs a time and a token, not the news itself: what keeps news genuine on its way is TLS. A token told twice has the
same signal ids, and so counts once.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec

from antiphon.execution.channels.email.bounces import is_hard
from antiphon.execution.channels.email.news import TOKEN, check_age, epoch, fields, same, text_of
from antiphon.execution.channels.errors import CallbackForged
from antiphon.execution.channels.model import Callback, Signal, SignalKind

OLDEST = timedelta(hours=9)  # Mailgun tries again for eight
_KINDS: Mapping[str, SignalKind] = {
    "delivered": "delivered",
    "failed": "bounced",
    "rejected": "bounced",
    "opened": "opened",
    "clicked": "clicked",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
}
_DEAD = ("suppress-bounce", "bounce")


def read_news(callback: Callback, key: str) -> Sequence[Signal]:
    """The signal of one event. Raises `CallbackForged`."""
    try:
        outer = fields(msgspec.json.decode(callback.body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise CallbackForged from None
    signature = fields(outer.get("signature"))
    stamp, token = text_of(signature.get("timestamp")), text_of(signature.get("token"))
    at = epoch(stamp)
    expected = hmac.new(key.encode(), f"{stamp}{token}".encode(), sha256).hexdigest()
    if not key or not token or at is None or not same(text_of(signature.get("signature")), expected):
        raise CallbackForged
    check_age(callback, at, OLDEST)
    event = fields(outer.get("event-data"))
    found = _signal(event, token)
    return [found] if found else []


def _signal(event: Mapping[str, Any], signed: str) -> Signal | None:
    kind = _KINDS.get(text_of(event.get("event")))
    if kind is None:
        return None  # accepted, stored
    status = fields(event.get("delivery-status"))
    client = fields(event.get("client-info"))
    message = text_of(fields(fields(event.get("message")).get("headers")).get("message-id"))
    code = text_of(status.get("enhanced-code")) or text_of(status.get("code"))
    detail = text_of(status.get("message")) or text_of(status.get("description")) or text_of(event.get("reason"))
    if kind == "bounced" and event.get("severity") == "temporary":
        kind = "deferred"
    return Signal(
        kind=kind,
        token=text_of(fields(event.get("user-variables")).get(TOKEN)) or None,
        provider_id=message or None,
        address=text_of(event.get("recipient")) or None,
        permanent=kind == "complained" or (kind == "bounced" and _permanent(event, status, code, detail)),
        code=code,
        detail=detail,
        at=epoch(event.get("timestamp")),
        id=signed,  # an event's own id is unique for a day only
        url=text_of(event.get("url"), 2000) or None,
        agent=text_of(client.get("user-agent")),
        ip=text_of(event.get("ip")),
    )


def _permanent(event: Mapping[str, Any], status: Mapping[str, Any], code: str, detail: str) -> bool:
    """Whether the address is dead: refused as such by its server, or on Mailgun's list of those that were."""
    if event.get("severity") != "permanent":
        return False
    if event.get("reason") == "suppress-bounce" or text_of(status.get("code")) == "605":
        return True
    return event.get("reason") in _DEAD and is_hard(code, f"{text_of(status.get('code'))} {detail}")
