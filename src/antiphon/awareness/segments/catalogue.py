"""What a segment can be built from: traits with their types and frequent values, event names and their properties."""

import time
from datetime import datetime
from typing import Any

from msgspec import Struct

from antiphon.awareness.segments import store
from antiphon.awareness.segments.evaluate import BUILT_IN, surroundings
from antiphon.awareness.segments.sql import identifier
from antiphon.awareness.segments.zones import zone_names
from antiphon.awareness.traits import TraitType, registry
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError

MOST_NAMES = 500
MOST_VALUES = 12
FEW = 500
"""A trait with more distinct values than this has no frequent ones worth showing."""
AGE = 60.0


class TraitItem(Struct, frozen=True, kw_only=True):
    """A trait and its most frequent values, most frequent first; none for personal ones."""

    name: str
    type: TraitType
    description: str
    values: list[str]


class PropertyItem(Struct, frozen=True, kw_only=True):
    """A property seen on an event, and its JSON type (`string`, `number`, `boolean`, `array`, `object`, `null`)."""

    name: str
    type: str


class EventItem(Struct, frozen=True, kw_only=True):
    """An event name, latest seen first."""

    name: str
    last_seen: datetime
    properties: list[PropertyItem]


class Catalogue(Struct, frozen=True, kw_only=True):
    """What the segment builder offers. `zones` names time zones; `lookalike` says whether there is a model of likeness."""

    traits: list[TraitItem]
    events: list[EventItem]
    channels: list[str]
    topics: list[str]
    zones: list[str]
    lookalike: bool


class Catalogues:
    """The catalogue, kept in a process for a minute: it is asked each time somebody opens the builder."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._values: dict[str, list[str]] = {}
        self._read_at = float("-inf")

    async def read(self) -> Catalogue:
        """Return the traits and events known now, with frequent values up to a minute old."""
        async with self._ctx.db.connection() as conn:
            traits = await registry(conn)
            names = await store.event_names(conn, MOST_NAMES)
            around = await surroundings(conn, self._ctx)
        if time.monotonic() - self._read_at > AGE:
            shown = [t for t in traits.values() if not t.personal and t.type in ("text", "text_list", "number")]
            self._values = await _frequent(self._ctx, {t.name: t.column_name for t in shown})
            self._read_at = time.monotonic()
        items = [
            TraitItem(name=t.name, type=t.type, description=t.description, values=self._values.get(t.name, []))
            for t in traits.values()
        ]
        items += [TraitItem(name=name, type=column.type, description="", values=[]) for name, column in BUILT_IN.items()]
        return Catalogue(
            traits=items,
            events=[EventItem(name=n, last_seen=at, properties=_properties(s)) for n, at, s in names],
            channels=sorted(around.channels),
            topics=sorted(around.topics),
            zones=sorted(zone_names()),
            lookalike=around.lookalike,
        )


async def _frequent(ctx: Context, columns: dict[str, str]) -> dict[str, list[str]]:
    """Return the frequent values of some columns of the mirror, out of one scan of a part of it."""
    if not columns:
        return {}
    asked = ", ".join(
        f"approx_count_distinct({identifier(column)}), approx_top_k({identifier(column)}::varchar, {MOST_VALUES})"
        for column in columns.values()
    )
    try:
        (row,) = await ctx.lake.run(f"select {asked} from (select * from lake.profile limit 100000)", timeout=10)
    except AntiphonError:
        return {}
    pairs = zip(columns, row[::2], row[1::2], strict=True)
    return {name: [str(one) for one in top or []] for name, distinct, top in pairs if distinct <= FEW}


def _properties(seen: list[Any]) -> list[PropertyItem]:
    found: dict[str, str] = {}
    for types in seen:
        found |= {name: kind for name, kind in types.items() if kind != "null" or name not in found}
    return [PropertyItem(name=name, type=kind) for name, kind in sorted(found.items())]
