"""Message classes, ledger states, reasons, and the pure rules between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from antiphon.awareness.consent import SuppressionReason
from antiphon.foundation.ids import keyed_fraction

MessageClassName = Literal["one_time_code", "transactional", "service", "marketing", "staff", "test"]
State = Literal[
    "planned", "queued", "claimed", "speaking", "sent", "delivered", "bounced", "failed", "expired", "cancelled",
    "unknown", "suppressed",
]  # fmt: skip
DispatchState = Literal["active", "paused", "cancelled"]
BUCKETS = 64
NOBODY = 0  # the profile id of what is said to staff


class MessageClass(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of message and its rules.

    ``obeys`` are the reasons on the suppression list that stop it. ``resend_unknown``: say it again when a crash left
    open whether it was said. ``lifetime``: it is not said later than this after it was due. ``priority``: lower first.
    """

    name: MessageClassName
    title: str
    description: str
    needs_consent: bool = False
    obeys: tuple[SuppressionReason, ...] = ("hard_bounce", "complaint", "manual")
    resend_unknown: bool = False
    lifetime: timedelta
    attempts: int = 6
    priority: int
    can_unsubscribe: bool = False


CLASSES: Mapping[MessageClassName, MessageClass] = {
    c.name: c
    for c in (
        MessageClass(
            name="one_time_code",
            title="One-time code",
            description="A code the customer is waiting for. Needs no consent; said again if a crash left it open.",
            obeys=("hard_bounce", "manual"),
            resend_unknown=True,
            lifetime=timedelta(minutes=10),
            priority=0,
        ),
        MessageClass(
            name="transactional",
            title="Transactional",
            description="Part of something the customer did: an order, a payment. Needs no consent.",
            obeys=("hard_bounce", "manual"),
            resend_unknown=True,
            lifetime=timedelta(days=2),
            priority=1,
        ),
        MessageClass(
            name="service",
            title="Service",
            description="About a service the customer has, and requests to confirm a consent. Needs no consent.",
            lifetime=timedelta(days=3),
            priority=2,
        ),
        MessageClass(
            name="staff",
            title="Staff",
            description="To people who work here: alerts and invitations.",
            obeys=("hard_bounce", "manual"),
            resend_unknown=True,
            lifetime=timedelta(days=1),
            priority=1,
        ),
        MessageClass(
            name="test",
            title="Test",
            description="A test of a message, to an address of staff.",
            obeys=("manual",),
            lifetime=timedelta(days=1),
            priority=1,
        ),
        MessageClass(
            name="marketing",
            title="Marketing",
            description="News and offers. Needs the customer's consent to channel and topic; never said twice.",
            needs_consent=True,
            lifetime=timedelta(days=3),
            priority=3,
            can_unsubscribe=True,
        ),
    )
}

BACKOFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=20), timedelta(hours=1), timedelta(hours=4))

ADDRESS_RULES: Mapping[str, str] = {
    "email": r"^[^\s@<>(),;:\[\]\\\"]{1,64}@([^\s@.<>(),;:\[\]\\\"]{1,63}\.)+[^\s@.<>(),;:\[\]\\\"]{2,63}$",
    "phone": r"^\+[1-9][0-9]{6,14}$",
}
ANY_ADDRESS = r"^\S"  # how long an identity may be is its own room's matter; PostgreSQL counts repetitions to 255 at most


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What is said when there is no template: Liquid over the intent's variables, in ``subject`` and ``text``."""

    subject: str
    text: str
    html: str | None = None


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message goes next: said on this channel when the hop before was refused, failed or expired, or has no
    receipt (``receipt_within``) or no open, click or reply (``answer_within``) so many seconds after it was sent. One that was
    answered ends the chain. Without a template or text of its own it says what the hop before said.
    """

    channel: str
    account_id: int | None = None
    template_version_id: int | None = None
    content: Content | None = None
    receipt_within: float | None = None
    answer_within: float | None = None


class NewDispatch(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said and how: shared by all intents handed in under its ``key``.

    ``purpose`` is what the message is for: it decides which channels suit, and which is taken when ``channel`` is empty.
    ``split``: a text may go in several parts. ``hops`` are the channels after this one; ``hop`` counts those that were before
    it. ``priority``, from 0 (first) to 9, counts among messages of a class: where a cap has room for one only, a more urgent
    one displaces what still waits.
    """

    key: str
    channel: str
    message_class: MessageClassName
    topic: str | None = None
    account_id: int | None = None
    template_version_id: int | None = None
    content: Content | None = None
    campaign_id: int | None = None
    occurrence: str = ""
    track_opens: bool = False
    track_clicks: bool = False
    purpose: str = ""
    split: bool = False
    hops: tuple[Hop, ...] = ()
    hop: int = 0
    priority: int = 5


class Dispatch(msgspec.Struct, frozen=True, kw_only=True):
    """A stored dispatch."""

    id: int
    key: str
    channel: str
    message_class: MessageClassName
    topic: str | None
    account_id: int | None
    template_version_id: int | None
    content: Content | None
    campaign_id: int | None
    occurrence: str
    track_opens: bool
    track_clicks: bool
    state: DispatchState
    created_at: datetime
    purpose: str = ""
    split: bool = False
    hops: tuple[Hop, ...] = ()
    hop: int = 0
    priority: int = 5

    @property
    def rules(self) -> MessageClass:
        """The rules of its message class."""
        return CLASSES[self.message_class]


class Intents(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to say it to. One row each; the lists beside ``profile_ids`` are as long as it, or empty.

    ``suffixes`` tell several intents of one dispatch to one person apart (an order's number). ``addresses`` are given
    only for people who are no customers. ``variables`` are values for the template. ``excluded`` and ``held_out`` are ids
    that are refused, with a row that says so. ``local_at``, without a zone, is a wall time: due then by each person's own clock.
    """

    profile_ids: Sequence[int]
    suffixes: Sequence[str] = ()
    addresses: Sequence[str] = ()
    variables: Sequence[Mapping[str, Any]] = ()
    excluded: Sequence[int] = ()
    held_out: Sequence[int] = ()
    due_at: datetime | None = None
    local_at: datetime | None = None
    expires_at: datetime | None = None


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate reserved: of which budgets, how much for each message, and for how many messages at most; ``short`` are the
    budgets that allow no more."""

    budgets: list[int]
    each_micros: int
    allowed: int
    at: datetime
    short: Sequence[int] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate decided for a set: how many passed, and how many were refused for which reason.

    ``postponed`` of those that passed wait for the end of quiet hours where they are.
    """

    passed: int = 0
    refused: Mapping[str, int] = {}
    postponed: int = 0

    def __add__(self, other: Verdict) -> Verdict:
        refused = dict(self.refused)
        for reason, count in other.refused.items():
            refused[reason] = refused.get(reason, 0) + count
        return Verdict(
            passed=self.passed + other.passed, refused=refused, postponed=self.postponed + other.postponed
        )  # fmt: skip

    @property
    def total(self) -> int:
        """How many intents were decided."""
        return self.passed + sum(self.refused.values())


def retry_after(secret: bytes, delivery_id: int, attempts: int, asked: float | None) -> timedelta:
    """How long to wait after the ``attempts``-th failed attempt (from 1), spread by ±20 %, no less than was asked."""
    base = BACKOFF[min(attempts, len(BACKOFF)) - 1]
    spread = base * (0.8 + 0.4 * keyed_fraction(secret, "retry", delivery_id, attempts))
    return max(spread, timedelta(seconds=asked or 0))
