"""One person as a tree sees them: what is asked about them, as Python values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct


class Happened(Struct, frozen=True):
    """An event of one person."""

    ts: datetime
    name: str
    properties: dict[str, Any]


class Person(Struct, frozen=True):
    """All that a tree may ask about one person.

    ``lists``: the static segments they are in. ``consents``: their latest word by (channel, topic). ``addresses``: by
    channel, the address they would be written to at. ``suppressed``: the channels whose address is suppressed. ``alike``:
    the lookalike conditions (segment, percent) they satisfy.
    """

    id: int
    traits: dict[str, Any]
    events: list[Happened]
    lists: frozenset[int] = frozenset()
    consents: Mapping[tuple[str, str], str] = {}
    addresses: Mapping[str, str] = {}
    suppressed: frozenset[str] = frozenset()
    alike: frozenset[tuple[int, float]] = frozenset()
