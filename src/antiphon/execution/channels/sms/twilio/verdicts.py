"""What Twilio's errors mean for a message (https://www.twilio.com/docs/api/errors)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from antiphon.execution.channels.model import Receipt
from antiphon.foundation.outbound import Answer, OutboundFailed

_DEAD = frozenset({21211, 21214, 21217, 21401, 21614, 30005, 30006})  # not a number, or one that takes no messages
_ACCOUNT = frozenset({
    20003, 20005, 20006, 20404, 20426, 21212, 21219, 21266, 21603, 21606, 21607, 21608, 21609, 21618, 21620, 21621, 21655, 21659,
    21660, 21661, 21701, 21702, 21703, 21704, 21705, 21712, 30002, 30024, 30034,
})  # fmt: skip
"""Credentials, senders and services: every message would be told the same, and waits until that is put right."""
_BUSY = frozenset({14107, 20429, 21611, 30001, 30022, 30023, 63018, 63038})
_BUSY_WAIT = 30.0
_SETTINGS_WAIT = 300.0


class Fault(msgspec.Struct, frozen=True):
    """An error's answer, as Twilio writes it."""

    code: int = 0
    message: str = ""


class Created(msgspec.Struct, frozen=True):
    """A message's resource, as far as it matters."""

    sid: str = ""
    status: str = ""
    error_code: int | None = None
    error_message: str | None = None


def dead(code: int) -> bool:
    """Whether an error says that a number will never take a message."""
    return code in _DEAD


def _read(answer: Answer, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(answer.body, type=kind, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return kind()


def judged(delivery_id: int, answer: Answer) -> Receipt:
    """The receipt for an answer."""
    if answer.ok:
        made: Created = _read(answer, Created)
        if made.status in ("failed", "undelivered") and made.error_code:
            return refused(delivery_id, made.error_code, made.error_message or "")
        return Receipt(delivery_id=delivery_id, outcome="sent", code=made.status or "accepted", provider_id=made.sid or None)
    fault: Fault = _read(answer, Fault)
    if answer.status == 429 or fault.code in _BUSY:
        wait = max(answer.retry_after or _BUSY_WAIT, 1.0)
        return _deferred(delivery_id, str(fault.code or 429), fault.message, account=True, wait=wait)
    if answer.status in (401, 403, 404) or answer.status < 400:
        return _deferred(delivery_id, str(fault.code or answer.status), fault.message, account=True, wait=_SETTINGS_WAIT)
    if answer.status in (500, 502, 504):  # a gateway cannot know what was done behind it
        return Receipt(delivery_id=delivery_id, outcome="unknown", code=str(answer.status), detail=fault.message[:300])
    if answer.status > 500:
        code = str(fault.code or answer.status)
        return _deferred(delivery_id, code, fault.message, account=True, wait=answer.retry_after)
    return refused(delivery_id, fault.code or answer.status, fault.message)


def refused(delivery_id: int, code: int, detail: str) -> Receipt:
    """The receipt for an error of Twilio's."""
    if code in _ACCOUNT:
        return _deferred(delivery_id, str(code), detail, account=True, wait=_SETTINGS_WAIT)
    return Receipt(
        delivery_id=delivery_id, outcome="rejected", code=str(code), detail=detail[:300], permanent=True, address_fault=dead(code)
    )


def broken(delivery_id: int, failed: OutboundFailed) -> Receipt:
    """The receipt when no answer came: unknown if the request may have been taken."""
    code = "timeout" if failed.timeout else "closed" if failed.reached else "connect"
    if failed.reached:
        return Receipt(delivery_id=delivery_id, outcome="unknown", code=code, detail=str(failed))
    return _deferred(delivery_id, code, str(failed), account=True)


def _deferred(delivery_id: int, code: str, detail: str, *, account: bool, wait: float | None = None) -> Receipt:
    return Receipt(
        delivery_id=delivery_id, outcome="deferred", code=code, detail=detail[:300], retry_after=wait, account_fault=account
    )


def words(fields: Mapping[str, str]) -> tuple[int, str]:
    """An error's code and message in a status callback."""
    code = fields.get("ErrorCode", "")
    return int(code) if code.isascii() and code.isdigit() and len(code) < 10 else 0, fields.get("ErrorMessage", "")
