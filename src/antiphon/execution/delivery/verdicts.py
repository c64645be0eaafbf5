"""From what a channel or the gate said to what the ledger keeps. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from antiphon.execution.channels import Receipt
from antiphon.execution.delivery.model import BACKOFF, State, retry_after
from antiphon.execution.delivery.store import Claimed, Record

UNSENDABLE = {"channel-too-long": "too_long", "sms-too-many-parts": "too_long", "channel-link-missing": "link_missing"}
"""Why a channel cannot carry a message, by the error it raised; another is ``unsendable``."""
FAULT_PAUSE = timedelta(seconds=30)  # before a row is tried again after its account did not answer


def state_of(reason: str) -> State:
    """The state a row ends in when the second look refuses it for this reason."""
    if reason in ("too_late", "quiet_too_long"):
        return "expired"
    return "cancelled" if reason in ("campaign_cancelled", "answered") else "suppressed"


def ended(row: Claimed, state: State, reason: str, detail: str | None = None) -> Record:
    """A row that ends without having been spoken."""
    return Record(row=row, state=state, reason=reason, detail=detail, attempts=row.attempts)


def from_receipt(
    row: Claimed,
    receipt: Receipt,
    *,
    secret: bytes,
    now: datetime,
    speaking_at: datetime | None,
    account_id: int | None = None,
    parts: int = 0,
    cost_micros: int = 0,
    by_id: bool = False,
    elsewhere: bool = False,
) -> Record:
    """What a receipt means for its row. ``by_id``: news of it will name the receipt's id. ``elsewhere``: another account may
    take it at once when this one is at fault.

    A put-off row is tried again with growing pauses until its attempts or its lifetime are used up. A fault of the
    account is not the message's: it costs no attempt. What was said, or may have been, is paid for.
    """
    detail = " ".join(part for part in (receipt.code, receipt.detail) if part)[:1000]
    tried = row.attempts + 1
    paid = receipt.outcome in ("sent", "unknown")
    names = tuple(dict.fromkeys(name for name in (receipt.provider_id, *receipt.part_ids) if name)) if by_id and paid else ()

    def record(state: State, reason: str | None, *, attempts: int = tried, retry_at: datetime | None = None) -> Record:
        return Record(
            row=row, state=state, reason=reason, detail=detail, provider_id=receipt.provider_id, retry_at=retry_at,
            attempts=attempts, speaking_at=speaking_at, account_id=account_id, parts=parts if paid else 0,
            cost_micros=cost_micros if paid else 0, avoid=account_id if receipt.account_fault else None, provider_ids=names,
            receipts=max(parts, len(names)) if receipt.part_ids else 1,
        )  # fmt: skip

    match receipt.outcome:
        case "sent":
            return record("sent", "accepted")
        case "unknown":
            return record("unknown", "no_answer")
        case "rejected" if not receipt.account_fault:
            return record("failed", "refused")
        case "rejected" | "deferred":
            if receipt.account_fault:
                at = now if elsewhere else now + max(FAULT_PAUSE, timedelta(seconds=receipt.retry_after or 0))
                attempts = row.attempts
            else:
                at = now + retry_after(secret, row.delivery_id, tried, receipt.retry_after)
                attempts = tried
            if attempts > len(BACKOFF):
                return record("failed", "gave_up")
            if row.expires_at is not None and at > row.expires_at:
                return record("expired", "too_late")
            return record("queued", None, attempts=attempts, retry_at=at)
        case _:
            assert_never(receipt.outcome)
