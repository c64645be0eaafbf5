"""The room's verbs on definitions: a journey is written, goes live, is edited while people are inside, rolled back, ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from antiphon.execution.delivery import withhold
from antiphon.execution.journeys import definitions as store
from antiphon.execution.journeys.around import around
from antiphon.execution.journeys.beginning import circles_of_journeys, may_begin, others_that_begin
from antiphon.execution.journeys.checking import check
from antiphon.execution.journeys.diff import difference
from antiphon.execution.journeys.errors import DraftChanged, JourneyUnknown, JourneyVersionUnknown, PeopleInside
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.live.effects import said_by
from antiphon.execution.journeys.model import Definition, Finding, JourneyState
from antiphon.execution.journeys.moving import begin_move, moves
from antiphon.execution.journeys.shown import Journey, Queued, Verb, Version
from antiphon.execution.journeys.sources import close_sources
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal

RUN = "journeys.run"
"""The loop that moves people on."""


async def find(conn: Connection, journey_id: int) -> Journey:
    """One journey with its draft. Raises JourneyUnknown."""
    found = await store.find_journey(conn, journey_id)
    if found is None:
        raise JourneyUnknown(journey=journey_id)
    under_way = await moves(conn, journey_id, only_open=True, limit=1)
    return msgspec.structs.replace(found, moving=under_way[0] if under_way else None)


async def locked(conn: Connection, journey_id: int, verb: Verb) -> Journey:
    """One journey, held for a change. Raises JourneyUnknown, JourneyStateConflict."""
    found = await store.lock_journey(conn, journey_id)
    if found is None:
        raise JourneyUnknown(journey=journey_id)
    found.require(verb)
    return found


async def version(conn: Connection, journey_id: int, number: int) -> Version:
    """One version by its number. Raises JourneyUnknown, JourneyVersionUnknown."""
    await find(conn, journey_id)
    found = await store.find_version(conn, journey_id, number)
    if found is None:
        raise JourneyVersionUnknown(version=number)
    return found


async def add_journey(
    ctx: Context, conn: Connection, who: Principal, *, name: str, description: str, draft: Definition
) -> Journey:
    """A new draft, finished or not."""
    now = ctx.clock.now()
    journey_id = await store.insert_journey(
        conn, name=name, description=description, draft=draft, by=who.name, now=now, author=who.subject
    )
    made = await find(conn, journey_id)
    await audit(conn, who, action="journeys.add", subject=f"journey:{journey_id}", before=None, after=made)
    return made


async def copy_journey(ctx: Context, conn: Connection, who: Principal, journey_id: int, *, name: str) -> Journey:
    """A new draft that begins as another's."""
    one = await find(conn, journey_id)
    return await add_journey(ctx, conn, who, name=name, description=one.description, draft=one.draft)


async def rename(
    ctx: Context, conn: Connection, who: Principal, journey_id: int, *, name: str | None, description: str | None
) -> Journey:
    """Another name or description. Raises JourneyUnknown, JourneyStateConflict."""
    one = await locked(conn, journey_id, "change")
    before = {"name": one.name, "description": one.description}
    after = {"name": one.name if name is None else name, "description": one.description if description is None else description}
    await store.rename_journey(conn, journey_id, **after, by=who.name, now=ctx.clock.now())
    await audit(conn, who, action="journeys.rename", subject=f"journey:{journey_id}", before=before, after=after)
    return await find(conn, journey_id)


async def save_draft(
    ctx: Context, conn: Connection, who: Principal, journey_id: int, *, draft: Definition, revision: int
) -> Journey:
    """Save a draft over the revision its author saw. Raises DraftChanged where somebody saved another meanwhile."""
    one = await locked(conn, journey_id, "change")
    changed = difference(one.draft, draft)
    saved = await store.save_draft(
        conn, journey_id, draft=draft, revision=revision, by=who.name, now=ctx.clock.now(), author=who.subject, same=changed.same
    )
    if saved is None:
        raise DraftChanged(field="revision", revision=one.draft_revision)
    if not changed.same:  # a step drawn elsewhere is no news
        before = {"revision": revision}
        await audit(conn, who, action="journeys.draft", subject=f"journey:{journey_id}", before=before, after=changed)
    return await find(conn, journey_id)


async def check_definition(ctx: Context, conn: Connection, definition: Definition, journey_id: int | None) -> list[Finding]:
    """Everything wrong with a definition here and now, errors first."""
    found = check(definition, installed(), await around(ctx, conn, definition, journey_id))
    if may_begin(definition):
        others = await others_that_begin(conn, journey_id)
        own = await store.find_journey(conn, journey_id) if journey_id is not None else None
        found += circles_of_journeys(definition, installed(), others, journey_id, own.name if own is not None else "")
    return sorted(found, key=lambda one: one.level != "error")


async def pause(ctx: Context, conn: Connection, who: Principal, journey_id: int) -> Journey:
    """Nobody moves on until it is resumed, and what was handed to delivery and is not said yet waits, too."""
    return await _turn(ctx, conn, who, journey_id, "pause", "paused")


async def resume(ctx: Context, conn: Connection, who: Principal, journey_id: int) -> Journey:
    """Go on where it was paused: whose time came meanwhile goes on now, and what waited is said unless it has expired."""
    return await _turn(ctx, conn, who, journey_id, "resume", "live")


async def finish(
    ctx: Context, conn: Connection, who: Principal, journey_id: int, *, people: Literal["go_on", "end"], queued: Queued = "say"
) -> Journey:
    """Nobody comes in any more. Those inside go on to their end, or all leave now; then what waits to be said to them is said
    all the same, or not any more (``queued``)."""
    one = await locked(conn, journey_id, "finish")
    if one.state != "finished":
        await store.set_state(conn, journey_id, "finished", ctx.clock.now())
        await close_sources(ctx, conn, journey_id)
    called_off = people == "end" and queued == "cancel"  # the move lets go of the rest, once it has called theirs off
    if called_off or one.state == "paused":
        await withhold(conn, said_by(journey_id), "paused" if called_off else "active")
    if people == "end":
        total = await store.count_inside(conn, journey_id)
        await begin_move(
            conn, journey_id, before=one.live_version_id, after=None, kind="end", back=False, step_map={}, total=total,
            by=who.name, now=ctx.clock.now(), queued=queued,
        )  # fmt: skip
    after = {"state": "finished", "people": people, "queued": queued}
    await audit(conn, who, action="journeys.finish", subject=f"journey:{journey_id}", before={"state": one.state}, after=after)
    await wake(conn, RUN)
    return await find(conn, journey_id)


async def archive(ctx: Context, conn: Connection, who: Principal, journey_id: int, *, away: bool) -> Journey:
    """Put a journey away that nobody is in, or take it out again. Raises PeopleInside."""
    one = await locked(conn, journey_id, "archive" if away else "take out again")
    if away and (people := await store.count_inside(conn, journey_id)):
        raise PeopleInside(people=people)
    state: JourneyState = "archived" if away else "draft" if one.started_at is None else "finished"
    await store.set_state(conn, journey_id, state, ctx.clock.now())
    action = "journeys.archive" if away else "journeys.unarchive"
    await audit(conn, who, action=action, subject=f"journey:{journey_id}", before={"state": one.state}, after={"state": state})
    return await find(conn, journey_id)


async def delete_journey(ctx: Context, conn: Connection, who: Principal, journey_id: int) -> None:
    """Remove a draft that never went live. Raises JourneyStateConflict."""
    one = await locked(conn, journey_id, "delete")
    await store.delete_journey(conn, journey_id)
    await audit(conn, who, action="journeys.delete", subject=f"journey:{journey_id}", before=one, after=None)


async def _turn(
    ctx: Context, conn: Connection, who: Principal, journey_id: int, verb: Verb, state: Literal["live", "paused"]
) -> Journey:
    one = await locked(conn, journey_id, verb)
    await store.set_state(conn, journey_id, state, ctx.clock.now())
    await withhold(conn, said_by(journey_id), "paused" if state == "paused" else "active")
    await audit(
        conn, who, action=f"journeys.{verb}", subject=f"journey:{journey_id}", before={"state": one.state}, after={"state": state}
    )
    await wake(conn, RUN)
    return await find(conn, journey_id)


def errors_of(findings: Sequence[Finding]) -> list[Finding]:
    """Those that keep it from going live."""
    return [one for one in findings if one.level == "error"]
