"""What is heard back about deliveries, and how a customer's history tells of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal

import msgspec

from antiphon.awareness.consent import Evidence
from antiphon.awareness.events import Renaming
from antiphon.execution.channels.email import File
from antiphon.foundation.notices import Notice

Kind = Literal[
    "delivered", "deferred", "opened", "clicked", "unsubscribed", "subscribed", "bounced", "complained", "replied"
]
ENGAGED: frozenset[Kind] = frozenset({"opened", "clicked"})
ONCE: frozenset[Kind] = frozenset({"opened", "clicked", "replied", "unsubscribed", "subscribed"})
"""News that counts or says something each time: told again under the same id, it is dropped."""
OF_PEOPLE: frozenset[Kind] = frozenset({"replied", "unsubscribed", "subscribed"})
"""News that may be of a customer without being of a delivery: they wrote to us."""
MOST_ID = 200  # characters of a message id
MOST_TEXT = 10_000  # characters of a reply that go into the customer's history


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to one delivery. ``at`` is business time.

    The delivery is named by ``delivery_id`` and ``profile_id``, or by what its provider calls it; what a customer wrote by
    their ``address`` on ``channel``. ``id`` tells the same news told twice. ``agent`` and ``ip`` are None where unknown.
    """

    kind: Kind
    at: datetime
    delivery_id: int | None = None
    profile_id: int | None = None
    account_id: int = 0
    provider_id: str | None = None
    channel: str = ""
    link_id: int | None = None
    url: str | None = None
    everything: bool = False  # an unsubscribe from all topics of the channel
    evidence: Evidence = Evidence()
    permanent: bool = False  # a bounce after which the address is not written to again
    detail: str = ""
    address: str | None = None
    recipient: str = ""
    text: str = ""
    id: str = ""
    parts: int = 1  # of the message; of several, the provider's id names one
    agent: str | None = None
    ip: str | None = None
    method: str = "GET"
    prefetch: bool = False
    files: tuple[File, ...] = ()  # attached to a reply

    @property
    def key(self) -> tuple[int, int] | None:
        """The ledger row, where it is known."""
        return None if self.delivery_id is None or self.profile_id is None else (self.delivery_id, self.profile_id)

    def digest(self) -> bytes:
        """The same for the same news, however often it is told."""
        if self.id:
            parts = [self.kind, self.id]
        else:
            parts = [self.kind, str(self.delivery_id or self.provider_id or self.address), self.at.isoformat(), self.url or "",
                     self.agent or "", self.ip or "", self.text]  # fmt: skip
        return blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=16).digest()


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came with a reply and was kept, as the customer's history names it."""

    id: int
    name: str
    content_type: str
    size: int


class Row(msgspec.Struct, frozen=True):
    """A delivery that was heard of, as it was before, and what the news changed."""

    id: int
    profile_id: int
    person: int
    person_known: bool
    campaign_id: int | None
    template_id: int | None
    template_version_id: int | None
    channel: str
    topic: str | None
    address: str | None
    first_open: bool
    first_click: bool
    first_unsubscribe: bool
    first_complaint: bool
    bounces: bool
    delivers: bool
    waits: bool
    chained: bool
    corrections: int


class Replied(Notice, frozen=True, kw_only=True):
    """A customer, or somebody we do not know, wrote to us on a channel."""

    channel: str
    account_id: int
    address: str
    recipient: str
    text: str
    at: datetime
    profile_id: int | None = None
    delivery_id: int | None = None


_NAMES: Mapping[Kind, str] = {
    "delivered": "Email Delivered",
    "opened": "Email Opened",
    "clicked": "Email Link Clicked",
    "unsubscribed": "Unsubscribed",
    "subscribed": "Subscribed",
    "bounced": "Email Bounced",
    "complained": "Email Marked As Spam",
    "replied": "Email Replied",
}
BY_MACHINE: Mapping[Kind, str] = {"opened": "Email Opened By Machine", "clicked": "Email Link Clicked By Machine"}
"""What an open or a click is called that was taken for a person's and was none."""
RETRACTED: Mapping[Kind, str] = {"opened": "Email Open Retracted", "clicked": "Email Link Click Retracted"}


def spoken(name: str, channel: str) -> str:
    """The name of an e-mail's event for another channel, as `Sms Delivered`."""
    return name if channel == "email" else name.replace("Email", channel.capitalize())


def event(heard: Heard, row: Row, attached: Sequence[Attached] = ()) -> bytes:
    """What the customer's history says of an answer to a delivery."""
    properties = _about(row)
    what: str = heard.kind
    if heard.kind in ENGAGED:
        what = _engaged(heard.kind, heard.link_id, heard.url)
    elif heard.kind in ("replied", "subscribed"):
        what = f"{heard.kind}:{heard.digest().hex()}"
    properties |= {"link_url": heard.url, "link_id": heard.link_id}
    if heard.kind == "bounced":
        properties |= {"permanent": heard.permanent, "detail": heard.detail}
    if heard.text:
        properties["text"] = heard.text[:MOST_TEXT]
    properties |= {"attachments": list(attached) or None}
    again = f":{row.corrections}" if row.corrections and heard.kind in ENGAGED else ""
    return _track(spoken(_NAMES[heard.kind], row.channel), f"delivery:{row.id}:{what}{again}", row.person, heard.at, properties)


def event_of_nothing(heard: Heard, person: int, attached: Sequence[Attached] = ()) -> bytes:
    """What the customer's history says of something they wrote to us unasked."""
    name = spoken(_NAMES[heard.kind], heard.channel)
    properties = {"channel": heard.channel, "text": heard.text[:MOST_TEXT] or None, "attachments": list(attached) or None}
    return _track(name, f"{heard.kind}:{heard.account_id}:{heard.digest().hex()}", person, heard.at, properties)


def retraction(kind: Kind, row: Row, at: datetime, url: str | None, link_id: int | None) -> bytes:
    """What the history says when what was told of an open or a click proves to have been a machine's: the event is called so
    from then on (`renaming`), and this one tells when that was found out."""
    what = _engaged(kind, link_id, url)
    before = f":{row.corrections}" if row.corrections else ""
    properties = _about(row) | {"link_url": url, "link_id": link_id, "retracts": f"delivery:{row.id}:{what}{before}"}
    message_id = f"delivery:{row.id}:{what}:retracted:{row.corrections}"
    return _track(spoken(RETRACTED[kind], row.channel), message_id, row.person, at, properties)


def renaming(kind: Kind, row: Row, url: str | None, link_id: int | None) -> Renaming:
    """What was told so far of an open or a click was a machine's."""
    what = _engaged(kind, link_id, url)
    told = [f"delivery:{row.id}:{what}", *(f"delivery:{row.id}:{what}:{n}" for n in range(1, row.corrections + 1))]
    return Renaming(
        profile_id=row.person, name=spoken(_NAMES[kind], row.channel), becomes=spoken(BY_MACHINE[kind], row.channel),
        message_ids=tuple(dict.fromkeys(one[:MOST_ID] for one in told)),
    )  # fmt: skip


def _engaged(kind: Kind, link_id: int | None, url: str | None) -> str:
    return f"clicked:{link_id or url}" if kind == "clicked" else kind


def _about(row: Row) -> dict[str, Any]:
    return {
        "delivery_id": row.id,
        "campaign_id": row.campaign_id,
        "template_id": row.template_id,
        "template_version_id": row.template_version_id,
        "channel": row.channel,
        "topic": row.topic,
    }


def _track(name: str, message_id: str, person: int, at: datetime, properties: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(
        {
            "type": "track",
            "event": name,
            "messageId": message_id[:MOST_ID],
            "profileId": person,
            "timestamp": at,
            "properties": {key: value for key, value in properties.items() if value is not None},
        }
    )
