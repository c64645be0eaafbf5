"""What a verification is, how it is asked for, and its words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from antiphon.execution.delivery.model import NOBODY, Content, State

VerificationState = Literal["pending", "passed", "locked", "expired", "failed", "cancelled"]
FALLBACK_AFTER = 60.0  # seconds without a receipt after which the other channel says the code

_WORDS = (
    "{% case language %}"
    "{% when 'ru' %}Ваш код: {{ CODE }}. Действует {{ minutes }} мин. Никому его не сообщайте."
    "{% when 'zh' %}您的验证码是 {{ CODE }}，{{ minutes }} 分钟内有效。请勿告诉他人。"
    "{% else %}Your code is {{ CODE }}. It is good for {{ minutes }} minutes. Tell it to nobody.{% endcase %}"
)
_SUBJECT = "{% case language %}{% when 'ru' %}Ваш код{% when 'zh' %}验证码{% else %}Your code{% endcase %}"
WRITTEN = Content(subject=_SUBJECT, text=_WORDS.replace("CODE", "code"))
SPOKEN = Content(subject=_SUBJECT, text=_WORDS.replace("CODE", "code_spaced"))


class NewFactor(msgspec.Struct, frozen=True, kw_only=True):
    """A channel that must pass: the address, unless it is the customer's own, and the channel that says the code when there
    is no receipt (or the message fails) within ``fallback_after`` seconds."""

    channel: str
    address: str | None = None
    fallback: str | None = None
    fallback_after: float = FALLBACK_AFTER


class NewVerification(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. ``text`` is the message's own words, with ``{{ code }}`` in them."""

    factors: Sequence[NewFactor]
    key: str | None = None
    profile_id: int = NOBODY
    length: int = 6
    attempts: int = 5
    sendings: int = 4
    lifetime: timedelta = timedelta(minutes=10)
    language: str | None = None
    text: str | None = None
    subject: str = ""


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """A channel of a verification, with what the ledger says of its latest message. ``address`` is mostly covered."""

    factor: int
    channel: str
    fallback: str | None
    said_by: str | None
    address: str | None
    passed: bool
    attempts_left: int
    sendings_left: int
    sent_at: datetime
    delivery_id: int | None
    delivery_state: State | None
    sentence: str | None


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """A verification as it stands. ``profile_id`` is None for somebody who is no customer."""

    id: int
    key: str
    profile_id: int | None
    state: VerificationState
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    factors: list[Factor]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a code was right, and where that leaves the verification."""

    correct: bool
    verification: Verification


def covered(address: str | None) -> str | None:
    """An address of which one can tell whose it is, but not what it is."""
    if address is None:
        return None
    name, at, domain = address.rpartition("@")
    if at:
        return f"{name[:1]}•••@{domain}"
    return f"{address[:3]}•••{address[-2:]}" if len(address) > 6 else "•••"
