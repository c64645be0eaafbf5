"""Which journeys run, and their plans: made once in a process, since a version never changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from antiphon.awareness.events import EventMatch
from antiphon.awareness.segments import ENTERED, LEFT
from antiphon.execution.delivery import withhold
from antiphon.execution.journeys.contract import Heard
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.kinds.registry import StepKindUnknown, installed
from antiphon.execution.journeys.model import Definition, EventEntry, JourneyState, SegmentEntry
from antiphon.foundation.access import SYSTEM, audit
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.postgres import Connection, load_queries

SQL = load_queries(Path(__file__).with_name("queries.sql"))
RUN_LOOP = "journeys.run"
HEAR_LOOP = "journeys.hear"
BUCKETS = 64
_FRESH = 86_400_000_000
"""Who entered a segment longer ago, in microseconds, does not come in by it."""


@dataclass(frozen=True, slots=True)
class Door:
    """A way in by an event: of a name, that is meant, and that was not received long after it happened."""

    name: str
    match: EventMatch | None
    segment_id: int | None
    fresh: int

    def opens(self, event: Heard) -> bool:
        """Whether who does this comes in here."""
        if event.name != self.name or event.received - event.at > self.fresh:
            return False
        if self.match is not None:
            return event.is_one_of(self.match)
        return event.properties.get("segment_id") == self.segment_id


def doors(definition: Definition) -> tuple[Door, ...]:
    """The ways into a journey that are events."""
    found = []
    for one in definition.entries:
        if isinstance(one, EventEntry):
            found.append(Door(one.match.event, one.match, None, int(one.fresh_seconds * 1_000_000)))
        elif isinstance(one, SegmentEntry):
            found.append(Door(ENTERED if one.when == "entered" else LEFT, None, one.segment_id, _FRESH))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Running:
    """A version that people enter or are in. ``enters``: they may enter it now; ``started_at``: when its journey began."""

    plan: Plan
    state: JourneyState
    enters: bool
    started_at: datetime
    doors: tuple[Door, ...]
    shut: bool
    """They would enter, but it is paused: by its definition they are kept, or not."""
    names: frozenset[str]
    """Names of the events that mean something here: an entry, a way out, the goal, or what a step listens for."""
    lets_in: bool
    """A step of its may have people enter journeys."""

    @property
    def definition(self) -> Definition:
        return self.plan.definition


class Plans:
    """The plans this process has made."""

    def __init__(self) -> None:
        self.kind_of = installed()
        self.broken: dict[int, tuple[int, Exception]] = {}
        """Of the versions that are to move people, those that cannot run here: their journeys, and why."""
        self.spare_ids: list[int] = []
        """Ids of passages taken in advance."""
        self._plans: dict[int, Plan] = {}
        self._failed: dict[int, tuple[int, Exception]] = {}

    async def of(self, conn: Connection, ids: Iterable[int]) -> dict[int, Plan]:
        """Plans by version. A version whose kinds of step are not installed here is absent."""
        wanted = set(ids)
        missing = wanted - self._plans.keys() - self._failed.keys()
        if missing:
            rows: Sequence[Any] = await (await conn.execute(SQL.definitions, {"ids": sorted(missing)})).fetchall()
            for version_id, journey_id, definition in rows:
                try:
                    meant = msgspec.convert(definition, Definition, strict=False)
                    self._plans[version_id] = Plan(version_id, journey_id, meant, self.kind_of)
                except (StepKindUnknown, msgspec.ValidationError, KeyError) as failed:
                    self._failed[version_id] = (journey_id, failed)
        return {one: self._plans[one] for one in wanted if one in self._plans}

    def note_broken(self, ids: Iterable[int]) -> None:
        """These are to move people."""
        self.broken = {one: self._failed[one] for one in ids if one in self._failed}

    def keep(self, ids: Iterable[int]) -> None:
        """Forget all but these."""
        kept = set(ids)
        self._plans = {one: plan for one, plan in self._plans.items() if one in kept}


def plans(ctx: Context) -> Plans:
    """This process's plans."""
    if not ctx.has(Plans):
        ctx.put(Plans, Plans())
    return ctx.get(Plans)


async def running(ctx: Context, conn: Connection) -> list[Running]:
    """The versions that people enter or are in, by id."""
    rows = await (await conn.execute(SQL.running_versions)).fetchall()
    made = plans(ctx)
    found = await made.of(conn, [row[0] for row in rows])
    made.note_broken(row[0] for row in rows if row[2] != "paused")
    if len(found) < len(made._plans) // 2:
        made.keep(found)
    return [_running(found[row[0]], row[2], row[3], row[4], row[5]) for row in rows if row[0] in found]


def _running(plan: Plan, state: JourneyState, enters: bool, shut: bool, started_at: datetime) -> Running:
    ways = doors(plan.definition) if enters or shut else ()
    goal = plan.definition.goal
    names = {name for step in plan.steps for name in step.hears} | plan.leaves_on | {one.name for one in ways}
    if goal is not None and goal.event is not None:
        names.add(goal.event.event)
    return Running(
        plan=plan, state=state, enters=enters, shut=shut, started_at=started_at, doors=ways, names=frozenset(names),
        lets_in=any(step.step.kind in ("start_journey", "jump") for step in plan.steps),
    )  # fmt: skip


async def hold(conn: Connection, journey_id: int, failed: AntiphonError | Exception) -> None:
    """A journey that cannot go on is paused, where a person sees it with the reason."""
    reason = failed.code if isinstance(failed, AntiphonError) else "step-failed"
    await conn.execute(SQL.hold_journey, {"journey_id": journey_id, "reason": reason})
    await withhold(conn, f"journey:{journey_id}:", "paused")
    await audit(conn, SYSTEM, action="journeys.pause", subject=f"journey:{journey_id}", after={"why": str(failed) or reason})
