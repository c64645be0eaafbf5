"""What a triggered campaign would have answered: its events of the last days, asked of the lake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import assert_never

import msgspec

from antiphon.awareness.events import event_relation
from antiphon.awareness.events.values import properties_of
from antiphon.execution.campaigns.triggers import Happened, Trigger, spaced
from antiphon.foundation.context import Context

DAYS = 7
MOST = 50_000
"""Events looked at; of more, the latest."""


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """How many events of the last seven days the conditions mean, of how many people, and how many messages those would have
    been. `capped`: there were more events of the name than are looked at."""

    days: int
    events: int
    people: int
    answers: int
    capped: bool


async def foresee(ctx: Context, trigger: Trigger) -> tuple[Foreseen, list[int]]:
    """What the trigger would have answered of late, and whose those events were. Raises LakeTimeout."""
    now = ctx.clock.now()
    columns = ("lane", "seq", "received_at", "ts", "profile_id", "kind", "name", "properties")
    relation = event_relation(columns, names=[trigger.event], since=now - timedelta(days=DAYS))
    rows = await ctx.lake.run(
        f"select {', '.join(columns)} from {relation} where profile_id is not null and kind = ? and ts <= ?"
        f" order by ts desc limit {MOST}",
        [trigger.kind, now],
    )
    found: list[Happened] = []
    for lane, seq, received_at, ts, profile_id, kind, name, properties in rows:
        event = Happened(
            lane, seq, received_at.astimezone(UTC), ts.astimezone(UTC), profile_id, kind, name, properties_of(properties)
        )
        if trigger.matches(kind, name, event.properties):
            found.append(event)
    people = {one.profile_id for one in found}
    answers = _answers(trigger, found)
    seen = Foreseen(days=DAYS, events=len(found), people=len(people), answers=answers, capped=len(rows) == MOST)
    return seen, sorted(people)


def _answers(trigger: Trigger, found: Sequence[Happened]) -> int:
    match trigger.again:
        case "every":
            return len(found)
        case "once":
            return len({one.profile_id for one in found})
        case "key":
            return len({key for one in found if (key := trigger.key_of(one.properties)) is not None})
        case "period":
            return len(spaced(found, {}, timedelta(seconds=trigger.period_seconds or 0))[0])
        case _:
            assert_never(trigger.again)
