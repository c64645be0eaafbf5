"""What the API shows of events, names, rejects and sources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec


class EventShown(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `profile_id` is whose it is now, None when nobody's; `ts` is corrected for a wrong clock.

    `customer` is what they are called, in lists of everybody's events and where names may be shown.
    In a timeline also what is no event: consents (`lane` -1, `seq` their id) and merges (`lane` -2, `seq` the merged profile).
    """

    lane: int
    seq: int
    ts: datetime
    received_at: datetime
    profile_id: int | None
    name: str
    kind: str
    message_id: str | None
    source_id: int | None
    properties: dict[str, Any]
    context: dict[str, Any] | None
    customer: str | None = None


def masked_events(events: Sequence[EventShown], secret: frozenset[str]) -> list[EventShown]:
    """The events without what identify calls say of traits that are not for the asker: their values are null."""
    if not secret:
        return list(events)
    return [
        msgspec.structs.replace(one, properties={key: None if key in secret else said for key, said in one.properties.items()})
        if one.kind == "identify"
        else one
        for one in events
    ]


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived since `after`, newest first; send `after` back to see what follows."""

    items: list[EventShown]
    after: str


class EventNameShown(msgspec.Struct, frozen=True, kw_only=True):
    """A name that was seen, with the JSON types of its properties."""

    name: str
    kind: str
    first_seen: datetime
    last_seen: datetime
    properties: dict[str, str]


class RejectShown(msgspec.Struct, frozen=True, kw_only=True):
    """A call that could not be understood, and why."""

    id: int
    received_at: datetime
    source_id: int
    code: str
    detail: str
    payload: str
    replayed_at: datetime | None


class Rejects(msgspec.Struct, frozen=True, kw_only=True):
    """A page of rejects, and how many wait by reason."""

    items: list[RejectShown]
    next: str | None
    waiting: dict[str, int]


class WriteKeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """A write key of a source; the key itself was shown once."""

    id: int
    name: str
    hint: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class SourceShown(msgspec.Struct, frozen=True, kw_only=True):
    """Something that sends events. 0 is Antiphon itself."""

    id: int
    name: str
    created_at: datetime
    write_keys: list[WriteKeyShown]


class IssuedWriteKey(msgspec.Struct, frozen=True, kw_only=True):
    """A source and its new write key, which is shown this once."""

    source: SourceShown
    write_key: str
