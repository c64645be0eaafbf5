"""The loop of computed traits: new events are counted, windows move on, and whoever is touched gets their values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from antiphon.awareness.events import claim_task
from antiphon.awareness.profiles import TraitRule, forget_old_refusals, read_rule, set_rule
from antiphon.awareness.traits.computed import store
from antiphon.awareness.traits.computed.compile import window_start
from antiphon.awareness.traits.computed.counting import (
    MOST_ROWS,
    count_new,
    fill,
    heed_corrections,
    missed_events,
    work_out,
)
from antiphon.awareness.traits.computed.model import Measured, names_of
from antiphon.awareness.traits.computed.store import ComputedRow
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
COMPUTED = "traits.computed"
_TOGETHER = 5_000


async def tick(ctx: Context, held: Held) -> bool:
    """Count, expire, work out; then make what was defined anew. Says whether there is more at once."""
    if await claim_task(ctx, "traits.refusals", timedelta(hours=1)):
        async with ctx.db.transaction() as conn:
            await forget_old_refusals(conn)
    async with ctx.db.connection() as conn:
        rows = await store.list_computed(conn)
    if not rows:
        return False
    counted = [row for row in rows if row.state in ("settling", "ready")]
    more = False
    if counted:
        if await missed_events(ctx, held):
            log.warning("events left before they were counted; computed traits are made anew")
            async with ctx.db.transaction() as conn:
                await held.fence(conn)
                await store.refill(conn)
            return True
        more = await count_new(ctx, held, counted)
        more |= await heed_corrections(ctx, held, counted)
        more |= await _expire(ctx, held, counted)
        more |= await _greet(ctx, held, counted)
    more |= await _drain(ctx, held)
    for row in rows:
        if row.state in ("settling", "removing"):
            more |= await _settle(ctx, held, row)
    empty = [row for row in rows if row.state == "filling"]
    if empty:
        await fill(ctx, held, empty[0], alone=not counted)
    return more or bool(empty)


async def _expire(ctx: Context, held: Held, rows: Sequence[ComputedRow]) -> bool:
    more = False
    for row in rows:
        since = window_start(row.definition, ctx.clock.now().date())
        if since is not None:
            async with ctx.db.transaction() as conn:
                await held.fence(conn)
                more |= await store.expire(conn, row.id, since, MOST_ROWS) == MOST_ROWS
    return more


async def _greet(ctx: Context, held: Held, rows: Sequence[ComputedRow]) -> bool:
    """New people get the defaults. An id may be committed after a higher one: each is looked at twice, moments apart."""
    names = [row.name for row in rows if isinstance(row.definition, Measured) and row.definition.default is not None]
    if not names:
        return False
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        marks = await store.read_newcomers(conn)
        if marks is None:
            return False
        mark, before, last = marks
        ids = await store.newcomers(conn, before, names, MOST_ROWS)
        await store.queue(conn, ids)
        again = len(ids) == MOST_ROWS
        await store.move_newcomers(conn, ids[-1] if again else last, ids[-1] if again else mark, again=again)
    return again


async def _drain(ctx: Context, held: Held) -> bool:
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        ids, more = await store.take_queued(conn, _TOGETHER)
        await work_out(ctx, conn, ids)
    return more


async def _settle(ctx: Context, held: Held, row: ComputedRow) -> bool:
    """Give the next people their values, whoever they are; the last step makes the trait ready, or removes it."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        ids = await store.next_people(conn, row.progress, _TOGETHER)
        await work_out(ctx, conn, ids)
        if ids:
            await store.note_progress(conn, row, ids[-1])
        if len(ids) == _TOGETHER:
            return True
        if row.state == "settling":
            await store.change_state(conn, row, "ready")
            return True
        if await store.drop_tallies(conn, row.id, MOST_ROWS) == MOST_ROWS:
            return True
        for name in names_of(row.name, row.definition):
            rule = await read_rule(conn, name)
            await set_rule(conn, name, TraitRule(type=rule.type, allowed=rule.allowed, personal=rule.personal))
        await store.drop_computed(conn, row.id)
    return False


LOOPS = (Loop(COMPUTED, tick, interval=1.0, buckets=1),)
