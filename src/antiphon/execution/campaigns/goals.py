"""What counts as a campaign's success: an event of the people it was for, and the codes by which it is told as the campaign's.
Pure."""

from __future__ import annotations

import hmac
from base64 import b32decode, b32encode
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from antiphon.awareness.events import EventMatch
from antiphon.awareness.events.filters import BadFilter, check_path
from antiphon.awareness.events.values import dig, number, plain
from antiphon.execution.campaigns.triggers import TriggerInvalid, check_match

CLICKS_AFTER = 30 * 86_400
"""Seconds after a message in which a click may still begin a window."""
Path = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Goal(EventMatch, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Events that count as conversions, in the `within_seconds` after the message or after a click in it.

    `value` is the property with what it is worth. `key` is a property (an order's number) by which the same success told twice
    counts once. `code_property` is where the event names a code: `code` itself is the campaign's, and with `personal_codes`
    everybody is given one of their own (`campaign.code` in the template).
    """

    within_seconds: Annotated[float, msgspec.Meta(ge=60, le=180 * 86_400)] = 7 * 86_400
    value: Path | None = None
    key: Path | None = None
    code: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{1,39}$")] | None = None
    code_property: Path | None = None
    personal_codes: bool = False

    def value_of(self, properties: Mapping[str, Any]) -> Decimal | None:
        """What an event is worth; None where it does not say."""
        return None if self.value is None else number(dig(dict(properties), self.value))

    def key_of(self, properties: Mapping[str, Any]) -> str | None:
        """What tells it from other successes; None where it does not say."""
        return None if self.key is None else plain(dig(dict(properties), self.key)) or None

    def code_of(self, properties: Mapping[str, Any]) -> str | None:
        """The code an event names, in capitals."""
        if self.code_property is None:
            return None
        said = plain(dig(dict(properties), self.code_property))
        return said.strip().upper() if said else None


def check_goal(one: Goal) -> None:
    """Raise TriggerInvalid unless the goal can be counted."""
    check_match(one, "goal")
    try:
        for field in ("value", "key", "code_property"):
            if (path := getattr(one, field)) is not None:
                check_path(path, f"goal.{field}")
    except BadFilter as bad:
        raise TriggerInvalid(field=bad.field, why=bad.rule) from bad
    if (one.code is None) != (one.code_property is None):
        field = "goal.code" if one.code is None else "goal.code_property"
        raise TriggerInvalid(field=field, why="a code needs the property that names it, and the other way round")
    if one.personal_codes and one.code is None:
        raise TriggerInvalid(field="goal.code", why="personal codes begin with the campaign's code")


def personal_code(secret: bytes, campaign_id: int, code: str, profile_id: int) -> str:
    """A person's own code: the campaign's, who it was given to, and a check of 20 bits, in letters and digits."""
    who = profile_id.to_bytes(5, "big")
    letters = b32encode(bytes(a ^ b for a, b in zip(who, _pad(secret, campaign_id), strict=True))).decode()
    return f"{code.upper()}-{letters}{_check(secret, campaign_id, letters)}"


def read_code(secret: bytes, campaign_id: int, code: str, said: str) -> int | None:
    """Whose personal code this is; None if it is nobody's."""
    head, _, tail = said.rpartition("-")
    if head != code.upper() or len(tail) != 12 or not hmac.compare_digest(tail[8:], _check(secret, campaign_id, tail[:8])):
        return None
    try:
        hidden = b32decode(tail[:8])
    except ValueError:
        return None
    return int.from_bytes(bytes(a ^ b for a, b in zip(hidden, _pad(secret, campaign_id), strict=True)), "big")


def _pad(secret: bytes, campaign_id: int) -> bytes:
    return hmac.digest(secret, f"campaign code {campaign_id}".encode(), "sha256")[:5]


def _check(secret: bytes, campaign_id: int, letters: str) -> str:
    tag = hmac.digest(secret, f"campaign code {campaign_id} {letters}".encode(), "sha256")
    return b32encode(tag[:5]).decode()[:4]
