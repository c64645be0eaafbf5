"""Which events are meant: a name, a kind, and conditions on properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from antiphon.awareness.events.filters import MOST_FILTERS, PropertyFilter, filter_holds

EventKind = Literal["track", "page", "screen"]


class EventMatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Events of a name whose properties fulfil all conditions."""

    event: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    kind: EventKind = "track"
    filters: Annotated[list[PropertyFilter], msgspec.Meta(max_length=MOST_FILTERS)] = []

    def matches(self, kind: str, name: str, properties: Mapping[str, Any]) -> bool:
        """Whether an event is one of these."""
        return (
            name == self.event and kind == self.kind and all(filter_holds(one, dict(properties)) for one in self.filters)
        )
