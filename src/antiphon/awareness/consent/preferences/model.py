"""How a customer wants to be written to, what may be said of it, and how the preference centre looks. Pure."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from zoneinfo import available_timezones

import msgspec

from antiphon.awareness.consent.model import ChannelRegistry, Evidence
from antiphon.foundation.errors import Invalid
from antiphon.foundation.ids import BadSignature, sign, unsign

Aspect = Literal["channel", "frequency", "language", "quiet_hours", "paused_until"]
Frequency = Literal["all", "daily", "weekly", "monthly"]
"""The most often that marketing may come: as it comes, or at most one message a day, a week, a month."""
Language = Literal["en", "ru", "zh"]

ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)
LANGUAGES: tuple[Language, ...] = get_args(Language)
LONGEST_PAUSE = timedelta(days=366)
LINK_DAYS = 365
"""Days for which a link to a customer's own page is good; each message brings a new one."""
OWN_PAGE = "preference page"
"""The source of what customers say on their own page."""
PURPOSE = "preferences"
NOBODY = 0
"""A link of nobody's shows the page as a preview."""

_LINK = struct.Struct(">QI")
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_ZONES = frozenset(available_timezones())


class PreferenceInvalid(Invalid):
    """This cannot be wished for."""

    code = "preference-invalid"


class LinkExpired(Invalid):
    """This link is too old; a newer message has a new one."""

    code = "preferences-link-expired"


class QuietHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """From when until when, by the customer's clock, nothing is to come: `22:00`, `08:00`, `Europe/Berlin`."""

    since: str
    until: str
    zone: str


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What one customer said at once: wishes by aspect (None takes one back), and yes or no by channel and topic."""

    profile_id: int
    at: datetime
    source: str
    wishes: Mapping[Aspect, Any] = {}
    consents: Mapping[tuple[str, str], bool] = {}
    evidence: Evidence = Evidence()
    texts: Mapping[tuple[str, str] | Aspect, str] = {}
    """The text the customer saw beside each choice; elsewhere the evidence's own text counts."""
    dated: bool = False
    """As a statement of consent is."""


class RecordedPreferences(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what was said was news: wishes and consents written."""

    preferences: int
    consents: int


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's latest word on one aspect."""

    aspect: Aspect
    value: Any
    at: datetime
    source: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as customers see it, in other languages as well."""

    name: str
    title: str
    description: str
    translations: Mapping[str, Mapping[str, str]]

    def called(self, language: str) -> tuple[str, str]:
        """Title and description in a language, or as they are if it has none."""
        words = self.translations.get(language, {})
        return words.get("title") or self.title, words.get("description") or self.description


class PreferenceCentre(msgspec.Struct, frozen=True, kw_only=True):
    """How the preference centre looks. Without topics or channels it shows all there are."""

    logo: str
    titles: Mapping[str, str]
    topics: Sequence[str] | None
    channels: Sequence[str] | None
    languages: Sequence[Language]
    changed_at: datetime | None


def checked(aspect: Aspect, value: Any, registry: ChannelRegistry, now: datetime, field: str) -> Any:
    """The value as it is kept. Raises PreferenceInvalid naming the field."""
    if value is None:
        return None
    match aspect:
        case "channel":
            if not isinstance(value, str) or value not in registry:
                raise PreferenceInvalid(f"There is no channel named {str(value)[:40]}", field=field)
        case "frequency":
            if value not in FREQUENCIES:
                raise PreferenceInvalid("Expected one of " + ", ".join(FREQUENCIES), field=field)
        case "language":
            if value not in LANGUAGES:
                raise PreferenceInvalid("Expected one of " + ", ".join(LANGUAGES), field=field)
        case "quiet_hours":
            return _quiet(value, field)
        case "paused_until":
            return _pause(value, now, field)
    return value


def _quiet(value: Any, field: str) -> dict[str, str]:
    try:
        hours = msgspec.convert(value, QuietHours)
    except msgspec.ValidationError as failed:
        raise PreferenceInvalid(str(failed), field=field) from failed
    for name, text in (("from", hours.since), ("to", hours.until)):
        if not _CLOCK.fullmatch(text):
            raise PreferenceInvalid("Expected a time of day as 22:00", field=f"{field}.{name}")
    if hours.since == hours.until:
        raise PreferenceInvalid("Quiet hours begin and end at different times", field=f"{field}.to")
    if hours.zone not in _ZONES:
        raise PreferenceInvalid("Expected the name of a time zone as Europe/Berlin", field=f"{field}.zone")
    built: dict[str, str] = msgspec.to_builtins(hours)
    return built


def _pause(value: Any, now: datetime, field: str) -> str:
    try:
        until = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as failed:
        raise PreferenceInvalid("Expected an instant as 2026-06-01T00:00:00Z", field=field) from failed
    if until.tzinfo is None:
        raise PreferenceInvalid("Expected an instant with its time zone", field=field)
    if until > now + LONGEST_PAUSE:
        raise PreferenceInvalid(f"A pause is at most {LONGEST_PAUSE.days} days", field=field)
    return until.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def link(secret: bytes, base: str, profile_id: int, at: datetime) -> str:
    """The address of a customer's own page; good for LINK_DAYS."""
    day = max(0, int(at.timestamp() // 86_400))
    return f"{base}/p/{sign(secret, PURPOSE, _LINK.pack(profile_id, day))}"


def read_link(secret: bytes, token: str, now: datetime) -> int:
    """Whose page a token leads to. Raises BadSignature, LinkExpired."""
    try:
        profile_id, day = _LINK.unpack(unsign(secret, PURPOSE, token))
    except struct.error as bad:
        raise BadSignature from bad
    if now.timestamp() // 86_400 - day > LINK_DAYS:
        raise LinkExpired(field="token")
    return int(profile_id)
