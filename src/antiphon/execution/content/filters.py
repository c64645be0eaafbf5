"""Liquid filters that the library's own are replaced by, because those could be made to run away or leave the fence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import nh3
from dateutil import parser as dates
from liquid import Markup, soft_str
from liquid.filter import liquid_filter, string_filter, with_context, with_environment
from liquid.undefined import is_undefined

MAX_TEXT = 200_000  # characters a filter takes or gives
MAX_ITEMS = 10_000  # items of a list
MAX_BITS = 4_096  # of a whole number

_DIRECTIVE = re.compile(r"%(?:[-_0^#]?[aAbBcdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%])")
_TAG = re.compile(r"<[^<>]*>")  # linear: a tag never contains another's beginning


class TooLong(ValueError):
    """A value grew over a filter's limits."""


def checked(name: str, value: Any, args: Sequence[Any]) -> None:
    """Raise `TooLong` if a filter was given, or gives, more than it may work on."""
    _measure(name, value)
    for item in args:
        _measure(name, item)


def _measure(name: str, item: Any) -> None:
    if isinstance(item, str):
        if len(item) > MAX_TEXT:
            raise TooLong(f"more than {MAX_TEXT:,} characters in filter {name}")
    elif isinstance(item, int):
        if item.bit_length() > MAX_BITS:
            raise TooLong(f"too large a number in filter {name}")
    elif isinstance(item, (list, tuple, range, dict)) and len(item) > MAX_ITEMS:
        raise TooLong(f"more than {MAX_ITEMS:,} items in filter {name}")


@string_filter
def replace(text: str, old: object, new: object = "") -> str:
    """Each occurrence of `old` replaced; the result's length is known before it is made."""
    before, after = soft_str(old), soft_str(new)
    if len(text) + text.count(before) * len(after) > MAX_TEXT:
        raise TooLong(f"more than {MAX_TEXT:,} characters in filter replace")
    return text.replace(before, after)


@with_environment
@liquid_filter
def join(items: Any, separator: object = " ", *, environment: Any) -> str:
    """The items of a list as one text."""
    if isinstance(items, (str, bytes)) or not isinstance(items, (list, tuple, range)):
        items = [] if items is None or is_undefined(items) else [items]
    glue = soft_str(separator)
    parts = ["" if item is None else soft_str(item) for item in items]
    if sum(map(len, parts)) + len(glue) * len(parts) > MAX_TEXT:
        raise TooLong(f"more than {MAX_TEXT:,} characters in filter join")
    return (
        glue.join(parts)
        if not environment.autoescape
        else Markup(glue).join(parts)
        if isinstance(glue, Markup)
        else glue.join(str(p) for p in parts)
    )


@string_filter
def strip_html(text: str) -> str:
    """The text without tags; in one pass, however many angle brackets there are."""
    return _TAG.sub("", str(text))


@string_filter
def safe(text: str) -> str:
    """HTML from data, kept as HTML after cleaning: no scripts, handlers, frames or dangerous addresses."""
    return Markup(nh3.clean(str(text)))


@with_context
@liquid_filter
def format_date(value: Any, pattern: object = "%Y-%m-%d", zone: object = None, *, context: Any) -> str:
    """A date or instant by strftime pattern, in a time zone if one is named. ``now`` is business time."""
    if value is None or is_undefined(value):
        return ""
    when = context.globals.get("\0now") if value in ("now", "today") else _instant(value)
    if when is None:
        return str(value)
    if zone is not None and not is_undefined(zone) and isinstance(when, datetime):
        when = (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(_zone(str(zone)))
    layout = str(pattern)
    if len(layout) > 200 or "%" in _DIRECTIVE.sub("", layout):
        raise ValueError(f"date pattern {layout[:40]!r} has an unknown directive")
    return when.strftime(layout)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as unknown:
        raise ValueError(f"unknown time zone {name[:60]!r}") from unknown


def _instant(value: Any) -> datetime | date | None:
    if isinstance(value, (datetime, date)):
        return value
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        text = str(value).strip()
        if not text or len(text) > 64:
            return None
        if text.isdigit() and len(text) > 8:
            return datetime.fromtimestamp(int(text), UTC)
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            # Missing parts come from a fixed day, not from today: the same input gives the same result.
            return dates.parse(text, default=datetime(2000, 1, 1, tzinfo=UTC))
    except (ValueError, OverflowError, OSError, TypeError):
        return None


FILTERS: Mapping[str, Callable[..., Any]] = {
    "replace": replace,
    "join": join,
    "strip_html": strip_html,
    "safe": safe,
    "date": format_date,
}
