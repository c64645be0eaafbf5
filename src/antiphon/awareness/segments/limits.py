"""Limits of a tree, and the rules for single values in it. Each breach is an InvalidTree with its field and the rule."""

from datetime import datetime, timedelta
from decimal import Decimal

from antiphon.awareness.events.filters import BadFilter, check_text
from antiphon.awareness.events.values import LIMIT, number
from antiphon.awareness.segments.errors import InvalidTree
from antiphon.awareness.segments.windows import Span, Unit, duration

MAX_DEPTH = 16
MAX_NODES = 300
MAX_VALUES = 1_000
MAX_OPERANDS = 10_000
"""Values in all conditions of a tree together."""
MAX_PROFILES = 10_000
MAX_LEVELS = 12
"""How far segments may refer to segments that refer to segments."""
MAX_REACH = 3_000
"""Conditions of a tree and of all the segments it refers to, each counted once."""
MAX_STEPS = 10
MAX_SPAN = timedelta(days=36_525)
MAX_AGE = 1_000
MAX_LENGTH = 1_000_000


def refuse(rule: str, field: str) -> InvalidTree:
    return InvalidTree(rule, field=field)


def text(value: object, place: str) -> None:
    """Refuse what is not a text that can be stored."""
    try:
        check_text(value, place)
    except BadFilter as wrong:
        raise refuse(wrong.rule, wrong.field) from None


def event_name(name: str, place: str) -> None:
    """Refuse what is no name of an event."""
    if not name:
        raise refuse("give the name of an event", place)
    text(name, place)


def numeric(value: object, place: str) -> Decimal:
    """Return a number properties are compared by; refuse others."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse("must be a number", place)
    exact = number(value)
    if exact is None:
        raise refuse(f"must be a number below {LIMIT:.0e}", place)
    return exact


def whole(value: int | None, most: int, place: str) -> int:
    """Return a whole number from 0 to ``most``; refuse others."""
    if value is None or not 0 <= value <= most:
        raise refuse(f"must be a whole number from 0 to {most}", place)
    return value


def length(amount: int, unit: Unit, place: str) -> timedelta:
    """Return a length of time that is not absurd."""
    if amount * duration(1, unit).total_seconds() > MAX_SPAN.total_seconds():
        raise refuse(f"at most {MAX_SPAN.days} days", f"{place}.amount")
    return duration(amount, unit)


def span(value: Span | None, place: str, *, least: int = 0) -> timedelta | None:
    """Return the length of a span, if there is one."""
    if value is None:
        return None
    if value.amount < least:
        raise refuse(f"must be at least {least}", f"{place}.amount")
    return length(value.amount, value.unit, place)


def sane(at: datetime | None, place: str) -> None:
    """Refuse an instant without an offset, or of another age."""
    if at is not None and not (at.tzinfo is not None and 1900 <= at.year <= 2200):
        raise refuse("must be an instant with its offset, between 1900 and 2200", place)
