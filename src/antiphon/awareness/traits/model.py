"""Trait types: how one is inferred, what fits it, and which change of type loses nothing."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from antiphon.foundation.errors import Conflict, NotFound

TraitType = Literal["text", "number", "boolean", "instant", "date", "text_list"]
TYPES: tuple[TraitType, ...] = ("text", "number", "boolean", "instant", "date", "text_list")

MOST_TRAITS = 1000
"""Traits that get a column. Whoever sends more is sending data as names."""
LONGEST_NAME = 200

LAKE_TYPES: dict[TraitType, str] = {
    "text": "varchar", "number": "double", "boolean": "boolean", "instant": "timestamptz", "date": "date",
    "text_list": "varchar[]",
}  # fmt: skip

# Changes that lose nothing happen by themselves; any other is a person's to make.
WIDENS: dict[tuple[TraitType, TraitType], TraitType] = {
    ("date", "instant"): "instant",
    ("text", "text_list"): "text_list",
}

DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = "([01][0-9]|2[0-3])"
INSTANT = DATE + rf"[T ]{_CLOCK}:[0-5][0-9](:[0-5][0-9](\.[0-9]{{1,9}})?)?(Z|[+-]{_CLOCK}(:?[0-5][0-9])?)?"
NUMBER = r"[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})"


class NoSuchTrait(NotFound):
    """No profile has a trait called {name}."""


class TraitIsChanging(Conflict):
    """The type of {name} is being changed already; wait until it is done."""


class TraitIsComputed(Conflict):
    """{name} is computed from events: its type and values follow from its definition."""


class Trait(msgspec.Struct, frozen=True, kw_only=True):
    """A trait: its type, its column in `lake.profile`, what people say of it. `misfit` is a value that has another type.

    `locked`: values of another type are refused, and the profile keeps what it has. `allowed`: the only values there may
    be (of a list, its items). `archived`: no longer offered, though whatever uses it goes on. `computed`: Antiphon works it
    out from events, and nobody else's word counts. `personal`: shown to those only who may see what is personal.
    """

    name: str
    type: TraitType
    column_name: str
    next_type: TraitType | None
    next_column: str | None
    description: str
    personal: bool
    first_seen: datetime
    misfit: str | None
    misfit_at: datetime | None
    locked: bool = False
    allowed: list[str] | None = None
    unit: str = ""
    archived: bool = False
    computed: bool = False


def column_for(name: str, taken: set[str]) -> str:
    """A column name of a trait's own: readable, and distinct from `taken` whatever their case."""
    base = "t_" + (re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "trait")
    found, number = base, 1
    while found in taken:
        number += 1
        found = f"{base}_{number}"
    taken.add(found)
    return found


def typed(value: Any, kind: TraitType) -> Any:
    """A trait's JSON value as its type, or None where it does not fit: exactly what the mirror holds.

    A number beyond all measure is none, nor is an instant whose date in UTC has a year of more than four digits.
    """
    match kind, value:
        case _, None:
            return None
        case "text", str():
            return value
        case "text", bool():
            return "true" if value else "false"
        case "text", int():
            return str(value)
        case "text", float():
            return _shown(value)
        case "number", bool():
            return None
        case "number", int() | float():
            return _finite(value)
        case "number", str():
            return float(value) if re.fullmatch(NUMBER, value.strip(" ")) else None
        case "boolean", bool():
            return value
        case "boolean", str():
            return {"true": True, "false": False}.get(value.strip(" ").lower())
        case "date", str():
            return _date(value)
        case "instant", str():
            return _instant(value)
        case "text_list", list():
            texts = [typed(item, "text") for item in value]
            return [text for text in texts if text is not None]
        case "text_list", _:
            one = typed(value, "text")
            return None if one is None else [one]
    return None


def _finite(value: float) -> float | None:
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _shown(value: float) -> str:
    """A fraction as the lake writes it: the shortest decimal, with an exponent where it is below 1e-6 or from 1e21 on."""
    if not math.isfinite(value):
        return str(value)
    sign, found, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    every = "".join(map(str, found))
    digits = every.rstrip("0") or "0"
    point = len(every) + exponent if digits != "0" else 1
    minus = "-" if sign else ""
    if point <= _SMALLEST or point > _LARGEST:
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{minus}{digits[0]}{rest}e{point - 1}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{digits}"
    return f"{minus}{digits[:point].ljust(point, '0')}.{digits[point:] or '0'}"


_SMALLEST, _LARGEST = -6, 21


def _date(value: str) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if re.fullmatch(DATE, value) else None
    except ValueError:
        return None


def _instant(value: str) -> datetime | None:
    if not re.fullmatch(f"{INSTANT}|{DATE}", value):
        return None
    text = re.sub(r"(\.\d{6})\d+", r"\1", value)
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
