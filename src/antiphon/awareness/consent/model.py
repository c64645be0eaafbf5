"""Statements of consent, suppressed addresses, and the registry of channels that can reach a customer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from antiphon.awareness.profiles import EMAIL, normal_identity
from antiphon.foundation.errors import Conflict, Invalid, NotFound
from antiphon.foundation.notices import Notice

ConsentState = Literal["granted", "withdrawn", "pending"]
SuppressionReason = Literal["hard_bounce", "complaint", "manual"]


class ChannelUnknown(Invalid):
    """There is no channel named {channel}."""

    code = "channel-unknown"


class TopicUnknown(NotFound):
    """There is no topic named {topic}."""

    code = "topic-unknown"


class TopicInUse(Conflict):
    """Customers have said something about the topic {topic}; it cannot be removed."""

    code = "topic-in-use"


class TopicExists(Conflict):
    """There already is a topic named {topic}."""

    code = "topic-exists"


class NotSuppressed(NotFound):
    """{address} is not on the suppression list of {channel}."""

    code = "not-suppressed"


class NotAnAddress(Invalid):
    """{address} can be no address of the channel {channel}; a number is written with + and its country's code."""

    code = "not-an-address"


class InTheFuture(Invalid):
    """Nobody can have consented in the future."""

    code = "consent-in-the-future"


class LinkUsedUp(Invalid):
    """This confirmation link is not valid any more."""

    code = "confirmation-link-invalid"


class ConfirmationExpired(Invalid):
    """This confirmation link has expired."""

    code = "confirmation-link-expired"


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What shows that the customer said so: the text they saw, the page, the address and the program it came from."""

    text: str = ""
    url: str = ""
    address: str = ""
    user_agent: str = ""
    note: str = ""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a customer said: yes, no, or not yet confirmed. ``at`` is business time."""

    profile_id: int
    channel: str
    topic: str
    state: ConsentState
    at: datetime
    source: str
    evidence: Evidence = Evidence()
    dated: bool = False
    """Whether whoever tells of it says when it was; what repeats the latest word at a later time is then news."""


class Suppressed(msgspec.Struct, frozen=True, kw_only=True):
    """An address nothing is sent to on a channel, and why."""

    channel: str
    address: str
    reason: SuppressionReason
    source: str
    at: datetime
    expires_at: datetime | None = None
    note: str = ""


class ConfirmationRequested(Notice, frozen=True, kw_only=True):
    """A customer is to be asked to confirm a consent they gave; ``url`` is where they do."""

    profile_id: int
    channel: str
    topic: str
    topic_title: str
    consent_id: int
    url: str


class ChannelKind(msgspec.Struct, frozen=True):
    """A channel by name, the kind of identity that reaches a person on it, and its title."""

    name: str
    identity: str
    title: str


class ChannelRegistry:
    """The channels of this installation. Empty until execution's channels are added to it."""

    def __init__(self, kinds: tuple[ChannelKind, ...] = ()) -> None:
        self._kinds = {kind.name: kind for kind in kinds}

    def add(self, kind: ChannelKind) -> None:
        """Make a channel known."""
        self._kinds[kind.name] = kind

    def __getitem__(self, name: str) -> ChannelKind:
        try:
            return self._kinds[name]
        except KeyError:
            raise ChannelUnknown(field="channel", channel=name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def __iter__(self) -> Iterator[ChannelKind]:
        return iter(self._kinds.values())


def normal_address(channel_identity: str, address: str) -> str:
    """An address as identities keep it; one that can be no identity of its kind as it is, without blanks around."""
    found = normal_identity(channel_identity, address)
    return found.value if found is not None else address.strip()


def listed_address(channel_identity: str, address: str) -> str | None:
    """An address as the suppression list keeps it; None for what nobody can have, and so would stop nothing."""
    found = normal_identity(channel_identity, address)
    if found is not None:
        return found.value
    return address.strip() if channel_identity == EMAIL and "@" in address else None
