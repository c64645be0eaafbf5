"""Identities and how they lead to a person: kinds, normal forms, and the pure rules of linking and merging."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec
import phonenumbers
from email_validator import EmailNotValidError, validate_email

USER_ID, EMAIL, PHONE, ANONYMOUS_ID = "user_id", "email", "phone", "anonymous_id"

_STRENGTH = {USER_ID: 0, EMAIL: 1, PHONE: 2, ANONYMOUS_ID: 9}
_OTHER = 5  # kinds of the customer's own: a loyalty card, a device

LONGEST_IDENTITY = 300
_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")

# What broken code sends for "nobody". Taken as an identity it would merge thousands of people into one.
_NOBODY = frozenset(
    {"", "null", "nil", "none", "undefined", "nan", "0", "-1", "false", "true", "unknown", "anonymous", "guest", "test",
     "n/a", "na", "[object object]", "user_id", "userid", "00000000-0000-0000-0000-000000000000"}
)  # fmt: skip

_PLAIN_EMAIL = re.compile(r"[a-z0-9_+%-]+(?:\.[a-z0-9_+%-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")
_PLAIN_PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
_CALLING_CODES = frozenset(str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


class Identity(NamedTuple):
    """A normalised identity: what kind, and its value."""

    kind: str
    value: str


def strength(identity: Identity) -> int:
    """How surely an identity names one person; smaller is surer."""
    return _STRENGTH.get(identity[0], _OTHER)


@lru_cache(maxsize=4096)
def _careful_email(value: str) -> str | None:
    try:
        found = validate_email(value, check_deliverability=False, allow_smtputf8=True, test_environment=True)
    except EmailNotValidError:
        return None
    return f"{found.local_part.lower()}@{found.ascii_domain or found.domain}".lower()


@lru_cache(maxsize=4096)
def _careful_phone(value: str, region: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def normal_email(value: str) -> str | None:
    """The address in lower case, its domain in ASCII (IDNA); None if it is no address. Syntax only (RFC 5321/6531)."""
    value = value.strip()
    lower = value.lower()
    if len(lower) <= 254 and lower.isascii() and _PLAIN_EMAIL.fullmatch(lower) and lower.index("@") <= 64:
        return lower
    return _careful_email(value) if len(value) <= 320 else None


def normal_phone(value: str, region: str | None = None) -> str | None:
    """The number in E.164; None if it is none. Without `+` it needs the `region` (ISO 3166) it was written in."""
    value = value.strip()
    if _PLAIN_PHONE.fullmatch(value) and not _CALLING_CODES.isdisjoint((value[1:2], value[1:3], value[1:4])):
        return value
    return _careful_phone(value, region) if len(value) <= 60 else None


def normal_kind(kind: str) -> str | None:
    """The kind in our spelling (`userId` and `user-id` are `user_id`), or None if it can be no kind."""
    spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.strip()).lower().replace("-", "_").replace(" ", "_")
    return spelled if _KIND.fullmatch(spelled) else None


def normal_identity(kind: str, value: object, *, region: str | None = None) -> Identity | None:
    """The identity in its normal form; None if the value says nobody (`null`, `undefined`, an address that is none)."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = value if isinstance(value, str) else str(int(value) if float(value).is_integer() else value)
    text = text.strip()
    if not text or len(text) > LONGEST_IDENTITY or "\0" in text or text.lower() in _NOBODY:
        return None
    if kind == EMAIL:
        found = normal_email(text)
    elif kind == PHONE:
        found = normal_phone(text, region)
    else:
        found = text
    return Identity(kind, found) if found else None


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


class Proposal(NamedTuple):
    """Two known profiles that share an identity."""

    one: int
    other: int
    identity: Identity


class Plan(msgspec.Struct):
    """What linking must write. Negative ids are profiles yet to be made."""

    profiles: list[int]
    """The profile of each bundle, in order."""
    made: list[int]
    attach: dict[Identity, int]
    merges: list[tuple[int, int]]
    """(merged away, into), both existing."""
    proposals: list[Proposal]


class Linker:
    """Decides, bundle by bundle, whose identities they are. No I/O: it starts from what the tables say.

    The rules. A bundle names one person; its strongest identity decides. Identities nobody has yet are given to that
    person. Another profile found by a weaker identity is merged into it, unless both have a user id (two known
    people: a proposal; by an anonymous id alone it is a shared device and nothing happens), or unless it was found by
    phone and both have their own e-mail (a household's telephone: a proposal).
    """

    def __init__(self, owner: Mapping[Identity, int], with_user: Iterable[int], with_email: Iterable[int]) -> None:
        self.owner = dict(owner)
        self.with_user = set(with_user)
        self.with_email = set(with_email)
        self._into: dict[int, int] = {}
        self._made: list[int] = []
        self._attach: dict[Identity, int] = {}
        self._proposals: dict[tuple[int, int], Proposal] = {}

    def root(self, profile: int) -> int:
        while (further := self._into.get(profile)) is not None:
            profile = further
        return profile

    def link(self, bundles: Sequence[Sequence[Identity]]) -> Plan:
        profiles = [self._link(sorted(bundle, key=strength)) for bundle in bundles]
        made = {one for one in self._made if one not in self._into}
        return Plan(
            profiles=[self.root(one) for one in profiles],
            made=sorted(made, reverse=True),
            attach={identity: self.root(one) for identity, one in self._attach.items()},
            merges=[(one, self.root(one)) for one in self._into if one > 0],
            proposals=[
                Proposal(self.root(one), self.root(other), identity)
                for (one, other), (_, _, identity) in self._proposals.items()
                if self.root(one) != self.root(other)
            ],
        )

    def _link(self, bundle: Sequence[Identity]) -> int:
        user = any(identity[0] == USER_ID for identity in bundle)
        email = any(identity[0] == EMAIL for identity in bundle)
        target: int | None = None
        others: list[tuple[int, Identity]] = []
        for identity in bundle:
            if (found := self.owner.get(identity)) is None:
                continue
            found = self.root(found)
            if target is None and not self._stranger(identity, found, user, email):
                target = found
            elif target is None or found != target:
                if target is not None and not self._two_people(identity, target, found, email):
                    target = self._merge(found, target)
                else:
                    others.append((found, identity))
        if target is None:
            target = -1 - len(self._made)
            self._made.append(target)
        for found, identity in others:
            if identity[0] != ANONYMOUS_ID and found != target:
                self._proposals.setdefault((min(found, target), max(found, target)), Proposal(found, target, identity))
        for identity in bundle:
            if identity not in self.owner:
                self._give(identity, target)
        return target

    def _stranger(self, identity: Identity, found: int, user: bool, email: bool) -> bool:
        """Whether the bundle's own, stronger identity says that it is not the person found by this weaker one."""
        if identity[0] != USER_ID and user and found in self.with_user:
            return True
        return identity[0] == PHONE and email and found in self.with_email

    def _two_people(self, identity: Identity, target: int, found: int, email: bool) -> bool:
        if target in self.with_user and found in self.with_user:
            return True
        return identity[0] == PHONE and (email or target in self.with_email) and found in self.with_email

    def _give(self, identity: Identity, target: int) -> None:
        self.owner[identity] = self._attach[identity] = target
        if identity[0] == USER_ID:
            self.with_user.add(target)
        elif identity[0] == EMAIL:
            self.with_email.add(target)

    def _merge(self, one: int, other: int) -> int:
        """Keep the one that exists already; of two, the one with a user id; else the older."""

        def rank(profile: int) -> tuple[bool, bool, int]:
            return profile < 0, profile not in self.with_user, abs(profile)

        kept, gone = sorted((one, other), key=rank)
        self._into[gone] = kept
        if gone in self.with_user:
            self.with_user.add(kept)
        if gone in self.with_email:
            self.with_email.add(kept)
        return kept


# What the API shows.

TimelineKind = Literal["track", "page", "screen", "identify", "group", "alias"]


class IdentityShown(msgspec.Struct, frozen=True, kw_only=True):
    """One identity of a profile, and since when."""

    kind: str
    value: str
    created_at: datetime


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
    trait_history: list[TraitShown]
    identities: list[IdentityShown]
    groups: list[GroupShown]
    merged: list[MergedShown]
    open_proposals: int
    created_at: datetime
    updated_at: datetime
    first_seen: datetime | None
    last_seen: datetime | None


class ProposalShown(msgspec.Struct, frozen=True, kw_only=True):
    """Two known people who seem to be one, by a shared identity."""

    id: int
    one: ProfileSummary
    other: ProfileSummary
    kind: str
    value: str
    state: Literal["open", "accepted", "refused"]
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None


def display_name(traits: Mapping[str, Any], fallback: str = "") -> str:
    """What to call a customer in lists: the name, or its parts, or an address."""
    name = traits.get("name")
    if not isinstance(name, str) or not name.strip():
        first = traits.get("firstName") or traits.get("first_name") or ""
        last = traits.get("lastName") or traits.get("last_name") or ""
        name = f"{first} {last}"
    return str(name).strip() or str(traits.get("email") or fallback)
