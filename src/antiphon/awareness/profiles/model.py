"""A person as messages tell of one, and as the API shows one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from antiphon.awareness.profiles.identities import Identity


def stamp_of(at: datetime, message_id: str) -> str:
    """The pair (timestamp, messageId) as one text that sorts like it (bytewise)."""
    gap = at - _UNIX
    return f"{(gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds:016d} {message_id}"


_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


class Person(msgspec.Struct, frozen=True, gc=False):
    """What one message or one imported row says of one person.

    `identities` are normalised; `traits` is a JSON object as text, or None; a null removes a trait. `stamp` is
    `stamp_of(timestamp, messageId)`: the later one wins, trait by trait, whatever the order of arrival.
    """

    identities: tuple[Identity, ...]
    traits: bytes | None
    stamp: str
    at: datetime
    also: tuple[Identity, ...] = ()
    """Identities that are perhaps this person's as well, should anybody have them: an alias's previous user id."""


class IdentityShown(msgspec.Struct, frozen=True, kw_only=True):
    """One identity of a profile: since when, and which message claimed it, together with which other identity."""

    kind: str
    value: str
    created_at: datetime
    shared: bool
    """Named with more people than its kind allows: it links nobody any more."""
    claimed_at: datetime | None
    message_id: str | None
    with_kind: str | None
    with_value: str | None
    who: str | None
    """Who joined it to the profile, where a person did."""


class FormerIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """An identity that was the profile's until somebody decided that it is another's: nothing is sent to it here."""

    kind: str
    value: str
    who: str | None
    at: datetime


class MergedShown(msgspec.Struct, frozen=True, kw_only=True):
    """A profile that was merged into this one; the merge can be undone."""

    profile_id: int
    at: datetime
    reason: str
    who: str | None


class GroupShown(msgspec.Struct, frozen=True, kw_only=True):
    """A group (company, household) the customer belongs to, with its traits."""

    id: str
    traits: dict[str, Any]
    joined_at: datetime


class TraitShown(msgspec.Struct, frozen=True, kw_only=True):
    """A trait's value, when it was said, and by which message."""

    name: str
    value: Any
    at: datetime | None
    message_id: str | None


class ProfileSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A customer in a list."""

    id: int
    name: str
    email: str | None
    phone: str | None
    user_id: str | None
    known: bool
    first_seen: datetime | None
    last_seen: datetime | None


class ProfileShown(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's page: who it is, what is known, what it was merged from."""

    id: int
    requested_id: int
    """The id asked for; differs from `id` when that profile was merged into this one."""
    name: str
    known: bool
    traits: dict[str, Any]
    hidden: list[str] = []
    """Traits there are whose values are personal, and not for the asker."""
    trait_history: list[TraitShown]
    identities: list[IdentityShown]
    former_identities: list[FormerIdentity]
    groups: list[GroupShown]
    merged: list[MergedShown]
    open_proposals: int
    created_at: datetime
    updated_at: datetime
    first_seen: datetime | None
    last_seen: datetime | None


Question = Literal["one_person", "recycled"]
ProposalState = Literal["open", "accepted", "refused"]


class ProposalShown(msgspec.Struct, frozen=True, kw_only=True):
    """Two known people who share an identity: are they one, or did the number come to another person?"""

    id: int
    one: ProfileSummary
    other: ProfileSummary
    kind: str
    value: str
    question: Question
    state: ProposalState
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None


class ComparedPeople(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal with both people whole; `owner_id` is whose the shared identity is now."""

    id: int
    one: ProfileShown
    other: ProfileShown
    owner_id: int | None
    kind: str
    value: str
    question: Question
    state: ProposalState
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None


_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff·]+")


def display_name(traits: Mapping[str, Any], fallback: str = "") -> str:
    """What to call a customer in lists: the name, or its parts (in Chinese the surname first), or an address."""
    name = traits.get("name")
    if not isinstance(name, str) or not name.strip():
        first = traits.get("firstName") or traits.get("first_name") or ""
        last = traits.get("lastName") or traits.get("last_name") or ""
        name = f"{last}{first}" if _HAN.fullmatch(f"{last}{first}") else f"{first} {last}"
    return str(name).strip() or str(traits.get("email") or fallback)
