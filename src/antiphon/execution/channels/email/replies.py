"""What a server's answer means for a message."""

from __future__ import annotations

import re
from typing import Literal

from antiphon.execution.channels.email.smtp import Refused, Reply, SmtpError
from antiphon.execution.channels.model import Receipt

Stage = Literal["sender", "recipient", "data", "message"]

_ENHANCED = re.compile(r"^([245])\.(\d{1,3})\.(\d{1,3})\b")
_QUEUED = re.compile(r"\b(?:queued as |id=|id )<?([\w.@+-]{1,100})>?", re.IGNORECASE)
_WAIT = re.compile(r"\b(\d{1,5})\s*(s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hour|hours)\b", re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "h": 3600}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_GREYLIST = 300.0  # seconds; what most greylisting servers want at least


def judged(delivery_id: int, stage: Stage, reply: Reply) -> Receipt:
    """The receipt for a refusal: 4xx is deferred, anything else final."""
    text = _plain(reply.text)
    if 400 <= reply.code < 500:
        return Receipt(
            delivery_id=delivery_id,
            outcome="deferred",
            code=str(reply.code),
            detail=text,
            retry_after=_wait(text) or (_GREYLIST if reply.code in (450, 451) else None),
            account_fault=reply.code == 421,
        )
    status = _ENHANCED.match(text)
    # RFC 3463: X.1 is the address, X.2.1 a disabled mailbox, X.7 policy; without a status 550, 551, 553 name the mailbox.
    bad = (status[2] == "1" or (status[2], status[3]) == ("2", "1")) if status else reply.code in (550, 551, 553)
    return Receipt(
        delivery_id=delivery_id,
        outcome="rejected",
        code=str(reply.code),
        detail=text,
        permanent=True,
        account_fault=(stage == "sender" and reply.code != 552) or reply.code in (530, 535, 538),
        address_fault=stage == "recipient" and bad,
    )


def accepted(delivery_id: int, reply: Reply) -> Receipt:
    """The receipt for a message the server took."""
    queued = _QUEUED.search(reply.text)
    return Receipt(
        delivery_id=delivery_id,
        outcome="sent",
        code=str(reply.code),
        detail=_plain(reply.text),
        provider_id=queued[1] if queued else None,
    )


def broken(delivery_id: int, error: SmtpError, *, spoken: bool) -> Receipt:
    """The receipt when the conversation broke off: what was spoken is unknown, what was not may be tried again."""
    if spoken:
        return Receipt(
            delivery_id=delivery_id, outcome="unknown", code=error.kind, detail=f"{error.detail}, after the message was sent"
        )
    wait = _wait(error.detail) if isinstance(error, Refused) else None
    return Receipt(
        delivery_id=delivery_id,
        outcome="deferred",
        code=str(error.reply.code) if isinstance(error, Refused) else error.kind,
        detail=_plain(error.detail),
        retry_after=wait,
        account_fault=True,
    )


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()[:500]


def _wait(text: str) -> float | None:
    found = _WAIT.search(text)
    if not found:
        return None
    seconds = int(found[1]) * _UNITS[found[2][0].lower()]
    return float(seconds) if 0 < seconds <= 86_400 else None
