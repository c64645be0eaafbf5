"""Identities: what kinds there are, and the normal form in which two that mean the same are the same."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from antiphon.awareness.profiles.kinds import ANONYMOUS_ID, BUILT_IN, EMAIL, KINDS, PHONE, USER_ID

__all__ = [
    "ANONYMOUS_ID", "EMAIL", "PHONE", "USER_ID", "Identity", "normal_email", "normal_identity", "normal_kind", "normal_phone",
    "strength",
]  # fmt: skip

_STRENGTH = {kind.name: kind.strength for kind in BUILT_IN.values()}
_OTHER = 5  # kinds of the customer's own

LONGEST_IDENTITY = 300
LONGEST_SUBSCRIPTION = 1000
_TELEGRAM = re.compile(r"@[a-z][a-z0-9_]{3,31}|-?[0-9]{3,20}")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")

# What broken code sends for "nobody". Taken as an identity it would merge thousands of people into one.
_NOBODY = frozenset(
    {"", "null", "nil", "none", "undefined", "nan", "0", "-1", "false", "true", "unknown", "anonymous", "guest", "test",
     "n/a", "na", "[object object]", "user_id", "userid", "00000000-0000-0000-0000-000000000000"}
)  # fmt: skip

_PLAIN_EMAIL = re.compile(r"[a-z0-9_+%-]+(?:\.[a-z0-9_+%-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")
_PLAIN_PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
_CALLING_CODES = frozenset(str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
TRUNK_PHONE = (
    rf"\+((?:{'|'.join(sorted(_CALLING_CODES))})0|(?:1|692)1|(?:7|993|370|375)8|29810|35215|4231001|44180020|50619|54[1-8]|5590|61183"
    r"|861[127]|(?:261|378|672)).*"
)
"""Numbers that may have a trunk prefix or a carrier's code after their calling code (`+44020…`), or lack an area's: only who
knows the country can tell how such a number is called from abroad."""
_TRUNK_PHONE = re.compile(TRUNK_PHONE)


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
    found = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if found != value and _TRUNK_PHONE.fullmatch(found):  # there was one prefix after another
        return _careful_phone(found, None)
    if phonenumbers.is_possible_number(parsed):
        return found
    # Plans of numbers change: one in international form that fits no plan we know is taken, however it is written.
    return found if value[:1] in ("+", "\uff0b") and _PLAIN_PHONE.fullmatch(found) else None


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
    if (
        _PLAIN_PHONE.fullmatch(value)
        and not _CALLING_CODES.isdisjoint((value[1:2], value[1:3], value[1:4]))
        and not _TRUNK_PHONE.fullmatch(value)
    ):
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
    text = (value if isinstance(value, str) else number_text(value)).strip()
    longest = LONGEST_SUBSCRIPTION if kind == "push_subscription" else LONGEST_IDENTITY
    if not text or len(text) > longest or "\0" in text or text.lower() in _NOBODY:
        return None
    found: str | None
    match KINDS.of(kind).form:
        case "exact":
            found = text
        case "email":
            found = normal_email(text)
        case "phone":
            found = normal_phone(text, region)
        case "lower":
            found = text.lower()
        case "card":
            found = re.sub(r"[\s-]", "", text).upper()
            found = None if found.lower() in _NOBODY else found
        case "handle":
            found = normal_handle(text)
    return Identity(kind, found) if found else None


def number_text(value: float) -> str:
    """A number that stands for an id as text: of a whole one its digits."""
    return str(value) if isinstance(value, int) or not value.is_integer() else str(int(value))


def normal_handle(value: str) -> str | None:
    """A Telegram name as `@name` in small letters, or a numeric id; None if it is neither."""
    lower = re.sub(r"^(https?://)?(t|telegram)\.me/", "", value.strip().lower())
    if not lower.lstrip("-").isdecimal() and not lower.startswith("@"):
        lower = "@" + lower
    return lower if lower.isascii() and _TELEGRAM.fullmatch(lower) else None
