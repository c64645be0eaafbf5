"""The room's verbs: segments are written, previewed, refreshed, read and explained."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from pyroaring import BitMap

from antiphon.awareness.profiles import ProfilesMerged, display_name, every_id, secret_traits
from antiphon.awareness.segments import store
from antiphon.awareness.segments.errors import NotStatic, SegmentArchived, SegmentInUse, Superseded
from antiphon.awareness.segments.evaluate import Evaluation, evaluate, known, spread
from antiphon.awareness.segments.live import LIVE
from antiphon.awareness.segments.membership import change_quietly, rewrite
from antiphon.awareness.segments.model import Node, references
from antiphon.awareness.segments.rules import refuse_cycle, validate, validate_stored
from antiphon.awareness.segments.store import Announce, SegmentRow
from antiphon.awareness.segments.storing import Refresh, store_together
from antiphon.awareness.segments.users import SegmentUsers
from antiphon.awareness.traits import mirror_profiles
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeConflict
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal

LOOP = "segments.refresh"
PREVIEW = 10.0
"""Seconds a preview may take: somebody waits for it."""
LEAST_PAUSE = timedelta(seconds=10)
ATTEMPTS = 4
FOLLOWED_WITHIN = 5.0
"""Seconds that a live segment may take to be true for now."""
BATCHES = 20
SHARE = 10
"""A refresh may take one part in so many of the time between two."""


class CustomerCard(Struct, frozen=True, kw_only=True):
    """A customer in a list."""

    id: int
    name: str
    traits: dict[str, Any]


class SegmentPreview(Struct, frozen=True, kw_only=True):
    """How many a tree means now, and some of them."""

    count: int
    sample: list[CustomerCard]
    took_ms: int


async def publish(
    ctx: Context, who: Principal, *, name: str, description: str, tree: Node | None, announce: Announce
) -> SegmentRow:
    """Make a segment, in force at once; without a tree it is a static list. Raises InvalidTree or NameTaken."""
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await _accept(ctx, conn, None, tree)
        segment_id = await store.insert_segment(
            conn, name=name, description=description, tree=tree, refs=_refs(tree), announce=announce, now=now
        )
        if tree is not None:
            await store.insert_version(conn, segment_id, 1, tree, now, who.name)
        row = await store.find_segment(conn, segment_id)
        await audit(conn, who, action="segments.publish", subject=f"segment:{segment_id}", after=_audited(row))
        await wake(conn, LOOP)
    return row


async def change(
    ctx: Context, who: Principal, segment_id: int, *, name: str, description: str, tree: Node | None, announce: Announce
) -> SegmentRow:
    """Change a segment; another tree is another version, in force at once.

    Raises InvalidTree, NameTaken, SegmentNotFound, SegmentArchived, and NotStatic when rule and list are mixed up.
    """
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await store.hold_definitions(conn)
        before = await store.hold_segment(conn, segment_id)
        if before.state == "archived":
            raise SegmentArchived
        if (before.tree is None) != (tree is None):
            raise NotStatic(field="tree")
        version = before.version + (tree != before.tree)
        if tree is not None and version != before.version:
            await _accept(ctx, conn, segment_id, tree)
            await store.insert_version(conn, segment_id, version, tree, now, who.name)
        await store.update_segment(
            conn, segment_id, name=name, description=description, tree=tree, refs=_refs(tree), version=version,
            announce=announce, now=now,
        )  # fmt: skip
        row = await store.find_segment(conn, segment_id)
        subject = f"segment:{segment_id}"
        await audit(conn, who, action="segments.publish", subject=subject, before=_audited(before), after=_audited(row))
        await wake(conn, LOOP)
    return row


async def archive(ctx: Context, who: Principal, segment_id: int) -> None:
    """Take a segment out of use; it is kept, with its members. Raises SegmentInUse while others refer to it."""
    async with ctx.db.transaction() as conn:
        await store.hold_definitions(conn)
        row = await store.hold_segment(conn, segment_id)
        if row.state == "archived":
            return
        names = await store.referring(conn, segment_id)
        if ctx.has(SegmentUsers):
            names += [use.name for use in await ctx.get(SegmentUsers).of(conn, segment_id) if use.active]
        if names:
            raise SegmentInUse(names=", ".join(names[:10]))
        await store.set_state(conn, segment_id, "archived", ctx.clock.now())
        await audit(conn, who, action="segments.archive", subject=f"segment:{segment_id}", before=_audited(row))


async def restore(ctx: Context, who: Principal, segment_id: int) -> SegmentRow:
    """Bring an archived segment back. Raises NameTaken, and InvalidTree when what it speaks of is gone."""
    async with ctx.db.transaction() as conn:
        await store.hold_definitions(conn)
        row = await store.hold_segment(conn, segment_id)
        if row.state == "archived":
            await _accept(ctx, conn, segment_id, row.tree)
            await store.set_state(conn, segment_id, "active", ctx.clock.now())
            row = await store.find_segment(conn, segment_id)
            await audit(conn, who, action="segments.restore", subject=f"segment:{segment_id}", after=_audited(row))
            await wake(conn, LOOP)
    return row


async def preview(ctx: Context, who: Principal, tree: Node, *, sample: int = 10, timeout: float = PREVIEW) -> SegmentPreview:
    """Count a tree that is not saved and show some of its people. Raises InvalidTree, and TooSlow after ``timeout``."""
    found = await evaluate_tree(ctx, tree, ctx.clock.now(), timeout=timeout)
    people = found.members[0]
    return SegmentPreview(count=len(people), sample=await cards(ctx, who, spread(people, sample)), took_ms=found.took_ms)


async def evaluate_tree(ctx: Context, tree: Node, now: datetime, *, timeout: float = 300.0) -> Evaluation:
    """Work out, without storing anything, who a tree means at ``now``: ``members[0]``. Raises InvalidTree, TooSlow."""
    async with ctx.db.connection() as conn:
        about = await known(conn, ctx)
    validate(tree, about.traits, about.segments, about.around)
    return await evaluate(ctx, {0: tree}, now, about, timeout=timeout)


async def catch_up(ctx: Context) -> None:
    """Copy changed profiles into the mirror now, as far as a few batches go, so that what was just said counts."""
    for _ in range(BATCHES):
        async with ctx.db.connection() as conn:
            if not await store.any_dirty(conn):
                return
        try:
            await mirror_profiles(ctx)
        except LakeConflict:  # the mirror's own loop is at it
            await asyncio.sleep(0.1)


async def refresh(ctx: Context, ids: Sequence[int], *, held: Held | None = None, timeout: float = 300.0) -> list[SegmentRow]:
    """Work out the members of some segments now, together, and store what changed; static lists are left as they are.

    Asked for by people or rooms (without ``held``), it sees every profile as it is now, not only as the mirror has it.
    A live segment is not worked out but waited for, until it is true for now. Where somebody else refreshed or changed a
    segment meanwhile it is worked out again; Superseded when that goes on. Raises TooSlow.
    """
    done: dict[int, SegmentRow] = {}
    if held is None:
        await catch_up(ctx)
        if live := await _followed(ctx, ids):
            async with ctx.db.connection() as conn:
                done = {row.id: row for row in await store.some_segments(conn, sorted(live))}
            if done.keys() >= set(ids):
                return list(done.values())
    for attempt in range(ATTEMPTS):
        async with ctx.db.connection() as conn:
            rows = [row for row in await store.some_segments(conn, ids) if row.id not in done]
            about = await known(conn, ctx)
        now = ctx.clock.now()
        trees = {row.id: row.tree for row in rows if row.tree is not None}
        validate_stored(trees, about.traits, about.segments, about.around)
        found = await evaluate(ctx, trees, now, about, timeout=timeout) if trees else Evaluation(now, {}, 0)
        done |= await _store(ctx, rows, found, held)
        if all(row.id in done for row in rows):
            break
        if attempt == ATTEMPTS - 1:
            raise Superseded
    return list(done.values())


async def _followed(ctx: Context, ids: Sequence[int]) -> set[int]:
    """Those of some segments that are live, once they are true for now; those that are not soon are not waited for."""
    now, until = ctx.clock.now(), time.monotonic() + FOLLOWED_WITHIN
    async with ctx.db.connection() as conn:
        live = await store.live_among(conn, ids, None)
        if not live:
            return live
        found = await store.live_among(conn, sorted(live), now)
        if found < live:
            await wake(conn, LIVE)
        while found < live and time.monotonic() < until:
            await asyncio.sleep(0.1)
            found = await store.live_among(conn, sorted(live), now)
    return found


async def _store(ctx: Context, rows: Sequence[SegmentRow], found: Evaluation, held: Held | None) -> dict[int, SegmentRow]:
    """Store what was found, and of lists that they are as they were; without those that somebody else changed meanwhile."""
    people = dict(found.members)
    lists = [row.id for row in rows if row.tree is None]
    if lists:
        async with ctx.db.connection() as conn:
            people |= {key: inside for key, (_, inside) in (await store.read_members(conn, lists)).items()}
    pause = max(LEAST_PAUSE, timedelta(milliseconds=found.took_ms * SHARE))
    return await store_together(ctx, rows, people, Refresh(found.now, found.took_ms, pause, held))


async def cards(ctx: Context, who: Principal, ids: Sequence[int]) -> list[CustomerCard]:
    """Return what to show of some customers to somebody, in the order given: traits that are not for them are left out."""
    async with ctx.db.connection() as conn:
        found = await store.cards(conn, ids)
        secret = await secret_traits(conn, who)
    shown = []
    for one in ids:
        if one in found:
            traits, identity = found[one]
            traits = {name: value for name, value in traits.items() if name not in secret}
            shown.append(CustomerCard(id=one, name=display_name(traits, identity or f"#{one}"), traits=traits))
    return shown


async def erase(ctx: Context, conn: Connection, profile_id: int) -> None:
    """Take an erased customer, and whoever was merged into them, out of every segment, archived or not, without a word."""
    gone = BitMap(await every_id(conn, profile_id))
    for segment_id in await store.every_segment(conn):
        row = await store.hold_segment(conn, segment_id)
        await change_quietly(conn, row, BitMap(), gone, ctx.clock.now())
        if (await store.weight(conn, row.id))[1]:
            await rewrite(conn, row.id)


async def fold_together(ctx: Context, conn: Connection, merged: ProfilesMerged) -> None:
    """On static lists, whoever was merged away is who they were merged into; rules are worked out anew anyway."""
    gone = BitMap(merged.gone)
    for segment_id in await store.static_lists(conn):
        row = await store.hold_segment(conn, segment_id)
        inside = (await store.read_members(conn, [segment_id]))[segment_id][1]
        if inside.isdisjoint(gone):
            continue
        become = BitMap(into for one, into in zip(merged.gone, merged.into, strict=True) if one in inside)
        await change_quietly(conn, row, become, gone - become, ctx.clock.now())


async def export(ctx: Context, conn: Connection, profile_id: int) -> Mapping[str, Any]:
    """The segments a customer is in."""
    found = await store.places(conn)
    inside = await store.read_members(conn, [place.id for place in found])
    return {"segments": [{"id": one.id, "name": one.name} for one in found if profile_id in inside[one.id][1]]}


async def _accept(ctx: Context, conn: Connection, segment_id: int | None, tree: Node | None) -> None:
    """Refuse a tree that cannot be evaluated or would close a cycle."""
    if tree is None:
        return
    await store.hold_definitions(conn)
    about = await known(conn, ctx)
    validate(tree, about.traits, about.segments, about.around)
    refuse_cycle(segment_id, tree, about.segments)


def _refs(tree: Node | None) -> set[int]:
    return set() if tree is None else references(tree)


def _audited(row: SegmentRow) -> dict[str, Any]:
    return {"name": row.name, "version": row.version, "announce": row.announce, "tree": msgspec.to_builtins(row.tree)}
