"""Which events a triggered campaign answers, and how often one person: pure.

A campaign names an event and conditions on its properties. It answers each such event, or each person once, or once in a
period, or each key once: the values of some properties, such as an order's number and status, whoever the event is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from antiphon.awareness.events import EventMatch
from antiphon.awareness.events.filters import BadFilter, check_filter, check_path
from antiphon.awareness.events.values import dig, plain
from antiphon.foundation.errors import Invalid

Again = Literal["every", "once", "period", "key"]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=366 * 86_400)]


class TriggerInvalid(Invalid):
    """The condition on events cannot be used: {why}."""

    code = "trigger-invalid"


class Trigger(EventMatch, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a triggered campaign answers. `again` is how often: `every` event, each person `once`, once in a `period`, or each
    `key` once (the values of the properties named). `delay_seconds` after the event. An event that happened longer than
    `fresh_seconds` before it was received (an import of history) is not answered.
    """

    again: Again = "every"
    period_seconds: Seconds | None = None
    key: Annotated[list[str], msgspec.Meta(max_length=5)] = []
    delay_seconds: Annotated[float, msgspec.Meta(ge=0, le=90 * 86_400)] = 0
    fresh_seconds: Seconds = 86_400

    def key_of(self, properties: Mapping[str, Any]) -> str | None:
        """The event's key as one text; None where one of its properties says nothing."""
        parts = [plain(dig(dict(properties), path)) for path in self.key]
        if any(part is None or part == "" for part in parts):
            return None
        return msgspec.json.encode(parts).decode()

    def is_fresh(self, ts: datetime, received_at: datetime) -> bool:
        """Whether it happened recently when it was received."""
        return received_at - ts <= timedelta(seconds=self.fresh_seconds)


class Happened(msgspec.Struct, frozen=True):
    """An event as campaigns read it; `profile_id` is whose it is now."""

    lane: int
    seq: int
    received_at: datetime
    ts: datetime
    profile_id: int
    kind: str
    name: str
    properties: dict[str, Any]

    @property
    def variables(self) -> dict[str, Any]:
        """What a template may say of it: `event.<property>`, and `event_name`, `event_at`."""
        return {"event": self.properties, "event_name": self.name, "event_at": self.ts.isoformat()}


def check_match(one: EventMatch, place: str) -> None:
    """Raise TriggerInvalid unless the conditions can be evaluated."""
    try:
        for n, condition in enumerate(one.filters):
            check_filter(condition, f"{place}.filters[{n}]")
    except BadFilter as bad:
        raise TriggerInvalid(field=bad.field, why=bad.rule) from bad


def check_trigger(one: Trigger) -> None:
    """Raise TriggerInvalid unless the trigger says all that its way of answering needs."""
    check_match(one, "trigger")
    try:
        for n, path in enumerate(one.key):
            check_path(path, f"trigger.key[{n}]")
    except BadFilter as bad:
        raise TriggerInvalid(field=bad.field, why=bad.rule) from bad
    if one.again == "period" and not one.period_seconds:
        raise TriggerInvalid(field="trigger.period_seconds", why="once in a period needs the period's length")
    if (one.again == "key") != bool(one.key):
        raise TriggerInvalid(field="trigger.key", why="once for each key needs the properties that make it; others have none")


def spaced(
    events: Sequence[Happened], last: Mapping[int, datetime], period: timedelta
) -> tuple[list[Happened], dict[int, datetime]]:
    """Of events in order: those at least a period after the one answered before of the same person, and when each person was
    answered last. Told by when events happened, so that a backlog is answered as it would have been in time."""
    told = dict(last)
    chosen: list[Happened] = []
    for one in sorted(events, key=lambda e: (e.ts, e.lane, e.seq)):
        before = told.get(one.profile_id)
        if before is None or one.ts - before >= period:
            chosen.append(one)
            told[one.profile_id] = one.ts
    return chosen, {person: at for person, at in told.items() if last.get(person) != at}
