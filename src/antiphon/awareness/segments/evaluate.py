"""Trees worked out for everybody: the lake is asked once, about all of them, and its answers become sets."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
from msgspec import Struct
from pyroaring import BitMap

from antiphon.awareness.consent import ChannelRegistry, digest_key
from antiphon.awareness.events import hot_relation
from antiphon.awareness.segments import store
from antiphon.awareness.segments.compile import Asked, Plan, plan
from antiphon.awareness.segments.contacts import topics
from antiphon.awareness.segments.errors import TooSlow
from antiphon.awareness.segments.formula import solve
from antiphon.awareness.segments.lookalikes import Lookalikes
from antiphon.awareness.segments.model import Node, Surroundings, TraitColumn
from antiphon.awareness.segments.scans import Question, Tables
from antiphon.awareness.segments.sql import identifier
from antiphon.awareness.traits import LAKE_TYPES, registry
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeQueryFailed, LakeTimeout, LakeTransaction
from antiphon.foundation.postgres import Connection

BUILT_IN = {
    "$created_at": TraitColumn("created_at", "instant"),
    "$first_seen": TraitColumn("first_seen", "instant"),
    "$last_seen": TraitColumn("last_seen", "instant"),
}
"""Instants every profile has, spoken of as traits. No trait of a customer begins with a dollar sign and is one of these."""

_HOT, _MERGED = "segment_hot", "segment_merged"
Part: TypeAlias = tuple[list[str], list[Asked], list[str]]
"""Statements before, questions, and statements after them."""


class Known(Struct, frozen=True):
    """What compiling needs to know: traits, every segment's tree, and whether anybody was merged."""

    traits: Mapping[str, TraitColumn]
    segments: Mapping[int, Node | None]
    merged: bool
    around: Surroundings = Surroundings()


class Evaluation(Struct, frozen=True):
    """The members of each tree at ``now``, and how long it took."""

    now: datetime
    members: Mapping[int, BitMap]
    took_ms: int


async def known(conn: Connection, ctx: Context) -> Known:
    """Read what compiling needs."""
    traits = {name: TraitColumn(trait.column_name, trait.type) for name, trait in (await registry(conn)).items()}
    around = await surroundings(conn, ctx)
    return Known(BUILT_IN | traits, await store.definitions(conn), await store.any_alias(conn), around)


async def surroundings(conn: Connection, ctx: Context) -> Surroundings:
    """Return what this installation has beside traits and segments."""
    channels = {kind.name: kind.identity for kind in ctx.get(ChannelRegistry)} if ctx.has(ChannelRegistry) else {}
    alike = ctx.has(Lookalikes) and bool(ctx.get(Lookalikes))
    return Surroundings(channels, await topics(conn), alike, digest_key(ctx), await store.about_how_many(conn))


async def evaluate(ctx: Context, trees: Mapping[int, Node], now: datetime, about: Known, *, timeout: float = 300.0) -> Evaluation:
    """Work out the members of ``trees`` together, at one state of the lake. Raises TooSlow."""
    began = time.perf_counter()
    planned = plan(trees, now, about.traits, about.segments, about.around)
    try:
        leaves = await _leaves(ctx, planned, about.merged, timeout)
    except LakeQueryFailed:
        profile = await _with_new_traits(ctx, about.traits)
        if profile is None:
            raise
        leaves = await _leaves(ctx, planned, about.merged, timeout, profile)
    stored: dict[Any, BitMap] = {
        (ref, percent): await ctx.get(Lookalikes).find(ctx, ref, percent, now) for ref, percent in sorted(planned.alike)
    }
    if planned.stored:
        async with ctx.db.connection() as conn:
            found = await store.read_members(conn, sorted(planned.stored))
        stored |= {key: people for key, (_, people) in found.items()}
    members = await asyncio.to_thread(_solve, planned, leaves, stored)
    return Evaluation(now, members, round((time.perf_counter() - began) * 1000))


async def _with_new_traits(ctx: Context, traits: Mapping[str, TraitColumn]) -> str | None:
    """The mirror with the columns of traits that are so new that it has none of them yet: nobody has them. None: it has all."""
    have = {row[0] for row in await ctx.lake.run("select column_name from (describe lake.profile)")}
    new = [one for one in traits.values() if one.column not in have]
    if not new:
        return None
    nulls = ", ".join(f"null::{LAKE_TYPES[one.type]} as {identifier(one.column)}" for one in new)
    return f"(select *, {nulls} from lake.profile)"


def statements(planned: Plan, merged: bool, profile: str = Tables.profile) -> Part:
    """Return what is run before, the questions about events, and what is run after them, all in one lake transaction.

    The hot tail is read out of PostgreSQL once, narrowed to what the leaves look at, and so are the merges.
    """
    if not planned.names:
        return [], [], []
    columns = ["profile_id", "ts", "name"] + (["properties"] if planned.properties else [])
    hot = hot_relation(columns, names=planned.names, since=planned.start, properties_of=planned.properties)
    before = [f"create or replace temp table {_HOT} as select * from {hot}"]
    after = [f"drop table if exists {_HOT}"]
    if merged:
        pairs = "select from_id, to_id from alias"
        before.append(f"create or replace temp table {_MERGED} as select * from postgres_query('pg', '{pairs}')")
        after.append(f"drop table if exists {_MERGED}")
    return before, planned.of_events(Tables(profile=profile, hot=_HOT, alias=_MERGED if merged else None)), after


async def _leaves(ctx: Context, planned: Plan, merged: bool, timeout: float, profile: str = Tables.profile) -> list[BitMap]:
    """Ask the lake, about people and about events at once, and make sets of its answers. Raises TooSlow.

    What is asked about events sees one state of the lake; the mirror of profiles, a second behind the store anyway, is a
    state of its own.
    """
    leaves = [BitMap()] * planned.leaves
    people: Part = [], planned.of_people(Tables(profile=profile)), []
    parts = [part for part in (people, statements(planned, merged, profile)) if part[1]]
    answered = await asyncio.gather(*(_part(ctx, part, leaves, timeout) for part in parts), return_exceptions=True)
    for failed in answered:
        if isinstance(failed, LakeTimeout):
            raise TooSlow(seconds=f"{timeout:g}") from failed
        if failed is not None:
            raise failed
    return leaves


async def _part(ctx: Context, part: Part, leaves: list[BitMap], timeout: float) -> None:
    """Ask some questions in one transaction."""
    before, questions, after = part
    async with ctx.lake.transaction(timeout=timeout) as lake:
        for sql in before:
            await lake.run(sql)
        await _ask(lake, questions, leaves)
        for sql in after:
            await lake.run(sql)


async def _ask(lake: LakeTransaction, questions: Sequence[Asked], leaves: list[BitMap]) -> None:
    """Fill in the leaves, making sets of one answer while the lake works on the next; what does not do is asked otherwise."""
    waiting = deque(questions)
    before: tuple[Asked, asyncio.Task[list[BitMap] | None]] | None = None
    while waiting or before:
        now = waiting.popleft() if waiting else None
        answer = await lake.columns(now.sql) if now else {}
        if before:
            asked, sets = before[0], await before[1]
            for index, ids in zip(asked.leaves, sets or (), strict=sets is not None):
                leaves[index] = ids
            if sets is None and not isinstance(asked, Question):
                waiting.extend(asked.otherwise)
        before = (now, asyncio.create_task(asyncio.to_thread(now.sets, answer))) if now else None


def _solve(planned: Plan, leaves: Sequence[BitMap], stored: Mapping[int, BitMap]) -> dict[int, BitMap]:
    everyone = None if planned.everyone is None else leaves[planned.everyone]
    return {key: solve(formula, leaves, everyone, stored) for key, formula in planned.formulas.items()}


def spread(members: BitMap, count: int) -> list[int]:
    """Return up to ``count`` members, evenly spread over all of them."""
    if len(members) <= count:
        return list(members)
    return [members[int(place)] for place in np.linspace(0, len(members) - 1, count)]
