"""From what a channel or the gate said to what the ledger keeps. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from antiphon.execution.channels import Receipt
from antiphon.execution.delivery.model import BACKOFF, State, retry_after
from antiphon.execution.delivery.store import Claimed, Record

FAULT_PAUSE = timedelta(seconds=30)  # before a row is tried again after its account did not answer


def state_of(reason: str) -> State:
    """The state a row ends in when the second look refuses it for this reason."""
    if reason == "too_late":
        return "expired"
    return "cancelled" if reason == "campaign_cancelled" else "suppressed"


def ended(row: Claimed, state: State, reason: str, detail: str | None = None) -> Record:
    """A row that ends without having been spoken."""
    return Record(row=row, state=state, reason=reason, detail=detail, attempts=row.attempts)


def from_receipt(row: Claimed, receipt: Receipt, *, secret: bytes, now: datetime, speaking_at: datetime | None) -> Record:
    """What a receipt means for its row.

    A put-off row is tried again with growing pauses until its attempts or its lifetime are used up. A fault of the
    account is not the message's: it costs no attempt.
    """
    detail = " ".join(part for part in (receipt.code, receipt.detail) if part)[:1000]
    tried = row.attempts + 1

    def record(state: State, reason: str | None, *, attempts: int = tried, retry_at: datetime | None = None) -> Record:
        return Record(
            row=row, state=state, reason=reason, detail=detail, provider_id=receipt.provider_id, retry_at=retry_at,
            attempts=attempts, speaking_at=speaking_at,
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
                at = now + max(FAULT_PAUSE, timedelta(seconds=receipt.retry_after or 0))
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
