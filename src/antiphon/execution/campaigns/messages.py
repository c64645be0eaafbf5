"""The transactional API: one message to one person, handed in by a program, many at a time.

What is asked at once goes to the gate as one set in one transaction. A key makes asking twice the same as once: it is kept, with
a digest of what was asked, for `KEPT`; the same key with another message is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from antiphon.awareness.consent import ChannelRegistry, normal_address
from antiphon.awareness.profiles import USER_ID, Identity, normal_identity, normal_kind
from antiphon.execution.campaigns.model import Fallback
from antiphon.execution.delivery import Content, State, explain
from antiphon.foundation.context import Context
from antiphon.foundation.errors import Conflict, Invalid, NotFound
from antiphon.foundation.http import Body
from antiphon.foundation.recurrence import is_near

KEPT = timedelta(days=7)
"""How long a key stands for what was asked by it."""
MOST = 500
"""Messages in one call of the batch."""
MOST_VARIABLES = 32 * 1024
MessageApiClass = Literal["one_time_code", "transactional", "service", "marketing"]
Ref = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Text = Annotated[str, msgspec.Meta(max_length=200_000)]


class MessageKeyReused(Conflict):
    """This key was used for another message."""

    code = "message-key-reused"


class RecipientUnknown(Invalid):
    """There is no customer with this {what}."""

    code = "recipient-unknown"


class MessageInvalid(Invalid):
    """The message cannot be said: {why}."""

    code = "message-invalid"


class MessageUnknown(NotFound):
    """No message {message} was handed in by the API."""

    code = "message-unknown"


class IdentityOf(Body, frozen=True, kw_only=True):
    """An identity of a customer: `{"kind": "loyalty_card", "value": "123"}`."""

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class Recipient(Body, frozen=True, kw_only=True):
    """Whom it is for: one of the four. An address that no customer has is written to without making a customer, unless `create`
    says so; `create` makes one of an unknown identity, too."""

    profile_id: Annotated[int, msgspec.Meta(ge=1, lt=2**32)] | None = None
    user_id: Annotated[str, msgspec.Meta(min_length=1, max_length=400)] | None = None
    identity: IdentityOf | None = None
    address: Annotated[str, msgspec.Meta(min_length=3, max_length=1000)] | None = None
    create: bool = False


class InlineContent(Body, frozen=True, kw_only=True):
    """What is said without a template. Liquid over the message's variables and the customer's traits; what differs by person
    belongs into variables, so that messages alike are one text."""

    subject: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    text: Text
    html: Text | None = None

    def plain(self) -> Content:
        """As delivery takes it."""
        return Content(subject=self.subject, text=self.text, html=self.html)


class MessageHop(Fallback, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next channel of a message, with a template or a text of its own, or saying what the one before said."""

    content: InlineContent | None = None


class MessageBody(Body, frozen=True, kw_only=True):
    """One message. `key` (or the header Idempotency-Key) makes a repeated call the same as one; it is kept for 7 days.

    Either `template_id` (its newest published version) or `content`. `channel` is the template's where there is one; else it may
    be left out where `purpose` or the class has a usual one. Without `hops` it goes the usual path of its class, if `usual_path`.
    `send_at` is when it is said, now if it is not given; it is not said after `expires_at`, or `expires_in` seconds from now.
    `metadata` comes back with the message, and is there for templates as `metadata.*`.
    """

    to: Recipient
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    template_id: Ref | None = None
    content: InlineContent | None = None
    variables: dict[str, Any] = {}
    message_class: MessageApiClass = "transactional"
    purpose: Annotated[str, msgspec.Meta(max_length=40)] = ""
    topic: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    account_id: Ref | None = None
    hops: Annotated[list[MessageHop], msgspec.Meta(max_length=5)] = []
    usual_path: bool = True
    split: bool = False
    track_opens: bool = False
    track_clicks: bool = False
    send_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    expires_in: Annotated[float, msgspec.Meta(ge=1, le=90 * 86_400)] | None = None
    metadata: Annotated[dict[str, Annotated[str, msgspec.Meta(max_length=500)]], msgspec.Meta(max_length=20)] = {}


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A message's row in the ledger. `state` is queued, planned (its time is to come) or suppressed, and `sentence` says why.
    `repeated`: its key was used before for the same message, and this is what became of that one."""

    id: int
    state: State
    reason: str | None
    sentence: str
    profile_id: int | None
    key: str | None = None
    repeated: bool = False


class MessageHopShown(msgspec.Struct, frozen=True, kw_only=True):
    """A hop of a message, as the ledger has it."""

    id: int
    profile_id: int
    hop: int
    channel: str
    address: str | None
    state: State
    reason: str | None
    planned_at: datetime
    due_at: datetime
    expires_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    bounced_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    replied_at: datetime | None
    ended_at: datetime | None
    attempts: int
    next_attempt_at: datetime | None
    parts: int | None
    cost_micros: int | None
    detail: str | None
    message_class: str
    topic: str | None
    metadata: dict[str, str] | None = None
    sentence: str = ""


class MessageShown(msgspec.Struct, frozen=True, kw_only=True):
    """A message handed in by the API: how far it is (that of its last hop), and each hop. `profile_id` is null for an address
    that was no customer's."""

    id: int
    state: State
    reason: str | None
    sentence: str
    profile_id: int | None
    metadata: dict[str, str]
    hops: list[MessageHopShown]


def check_body(body: MessageBody) -> None:
    """What can be known to be wrong of a message by itself. Raises MessageInvalid."""
    to = body.to
    if sum(one is not None for one in (to.profile_id, to.user_id, to.identity, to.address)) != 1:
        raise MessageInvalid(field="to", why="name one of profile_id, user_id, identity and address")
    if (body.template_id is None) == (body.content is None):
        raise MessageInvalid(field="template_id", why="it has either a template or content")
    for field in ("send_at", "expires_at"):
        at = getattr(body, field)
        if at is not None and not is_near(at):
            raise MessageInvalid(field=field, why="the time is between the years 2000 and 2100")
    if body.expires_at is not None and body.expires_in is not None:
        raise MessageInvalid(field="expires_in", why="either an instant or seconds, not both")
    if {"metadata", "event"} & set(body.variables):
        raise MessageInvalid(field="variables", why="metadata and event are not names of variables")
    if any(name.startswith("_") for name in body.variables):
        raise MessageInvalid(field="variables", why="a variable's name does not begin with _")
    if len(msgspec.json.encode(body.variables)) > MOST_VARIABLES:
        raise MessageInvalid(field="variables", why=f"at most {MOST_VARIABLES} bytes")
    for n, hop in enumerate(body.hops):
        if hop.template_id is not None and hop.content is not None:
            raise MessageInvalid(field=f"hops[{n}].content", why="it has either a template or content")


def identity_of(ctx: Context, body: MessageBody, channel: str) -> Identity | None:
    """The identity a recipient is found by; None for one named by profile. Raises RecipientUnknown for one that cannot be."""
    to = body.to
    if to.user_id is not None:
        wanted = normal_identity(USER_ID, to.user_id)
        field, what = "to.user_id", "user id"
    elif to.identity is not None:
        kind = normal_kind(to.identity.kind)
        wanted = None if kind is None else normal_identity(kind, to.identity.value)
        field, what = "to.identity", "identity"
    elif to.address is not None:
        kind = ctx.get(ChannelRegistry)[channel].identity
        wanted = normal_identity(kind, to.address) or Identity(kind, normal_address(kind, to.address))
        field, what = "to.address", "address"
    else:
        return None
    if wanted is None:
        raise RecipientUnknown(field=field, what=what)
    return wanted


def accepted(
    row: tuple[int, State, str | None], profile_id: int, *, key: str | None, repeated: bool, facts: Mapping[str, object]
) -> Accepted:
    """The answer for a row of the ledger."""
    delivery_id, state, reason = row
    return Accepted(
        id=delivery_id, state=state, reason=reason, sentence=explain(state, reason, facts),
        profile_id=profile_id if profile_id > 0 else None, key=key, repeated=repeated,
    )  # fmt: skip


def shown(message_id: int, rows: Sequence[MessageHopShown]) -> MessageShown:
    """The message its rows make."""
    told = [
        msgspec.structs.replace(row, sentence=explain(row.state, row.reason, facts_of(row)), metadata=None) for row in rows
    ]
    last, first = told[-1], rows[0]
    return MessageShown(
        id=message_id, state=last.state, reason=last.reason, sentence=last.sentence,
        profile_id=first.profile_id if first.profile_id > 0 else None, metadata=first.metadata or {}, hops=told,
    )  # fmt: skip


def facts_of(row: MessageHopShown) -> Mapping[str, object]:
    """What a sentence about a row may speak of."""
    facts: dict[str, object] = msgspec.structs.asdict(row)
    for name, value in facts.items():
        if isinstance(value, datetime):
            facts[name] = f"{value:%Y-%m-%d %H:%M} UTC"
    return facts | {"identity": "address"}

