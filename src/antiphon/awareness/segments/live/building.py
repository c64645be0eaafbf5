"""Making what live segments need out of the stores: first, after a loss, and when more segments are to be followed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from pyroaring import BitMap

from antiphon.awareness.events import corrected_reach
from antiphon.awareness.segments import store
from antiphon.awareness.segments.errors import InvalidTree
from antiphon.awareness.segments.evaluate import Known as About, evaluate, known
from antiphon.awareness.segments.live import looks, people, reading
from antiphon.awareness.segments.live.reading import Candidate
from antiphon.awareness.segments.live.sayings import Sayings, TooMany
from antiphon.awareness.segments.live.state import Arranger, Condition, Following, State
from antiphon.awareness.segments.live.strands import (
    NUMBERED,
    NUMBERED_ROWS,
    NUMBERED_TEXTS,
    TOO_MANY,
    Strand,
    Unfit,
    Wanted,
    loaded,
    strand_sql,
)
from antiphon.awareness.segments.model import (
    And,
    InSegment,
    Node,
    Surroundings,
    TraitColumn,
    TraitCondition,
    walk,
)
from antiphon.awareness.segments.rules import validate_stored
from antiphon.foundation.context import Context

SLACK = 1.25
"""What is held may outgrow the memory meant for it by so much before it is made anew with less."""
_TOO_LARGE = "the events that it looks at do not fit into the memory there is for live segments"
_EVERYBODY = -1
_LONG = 600.0
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Built:
    """What was made for some segments, true for ``now`` and the places ``lanes`` and ``mirror``. ``unfit``: those that
    cannot be live, and why."""

    now: datetime
    segments: list[Following] = field(default_factory=list)
    conditions: dict[int, Condition] = field(default_factory=dict)
    wanted: dict[str, Wanted] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    strands: dict[str, Strand] = field(default_factory=dict)
    watches: dict[str, people.Watch] = field(default_factory=dict)
    traits: dict[str, TraitColumn] = field(default_factory=dict)
    around: Surroundings = field(default_factory=Surroundings)
    lists: dict[int, tuple[int, BitMap]] = field(default_factory=dict)
    everyone: BitMap = field(default_factory=BitMap)
    lanes: dict[int, int] = field(default_factory=dict)
    mirror: int = 0
    corrected: int = 0
    unfit: dict[int, str] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)

    def join(self, state: State) -> None:
        """Make it part of a state, which goes back to where this was made: what came since is followed once more."""
        if not state.segments:
            state.everyone, state.lanes, state.mirror = self.everyone, dict(self.lanes), self.mirror
            state.corrected = self.corrected
        state.conditions |= {i: kept for i, kept in self.conditions.items() if i not in state.conditions}
        state.strands |= self.strands
        state.watches |= self.watches
        state.traits |= self.traits
        state.around = self.around
        state.lists |= {one: kept for one, kept in self.lists.items() if one not in state.lists}
        state.lanes = {lane: min(seq, self.lanes.get(lane, 0)) for lane, seq in state.lanes.items()}
        state.mirror = min(state.mirror, self.mirror)
        state.corrected = min(state.corrected, self.corrected)
        for segment in self.segments:
            segment.members = state.solved(segment.formula)
            state.segments[segment.id] = segment
        state.drop(())  # what was made for segments that were left out is not followed, and soon would not be true


async def build(ctx: Context, state: State, wanted: Sequence[Candidate], banned: Mapping[str, str], most_bytes: int) -> Built:
    """Make what some segments need beside what the state has. What does not fit into ``most_bytes`` is left out."""
    async with reading.snapshot(ctx) as conn:
        about = await known(conn, ctx)
        standing = await reading.versions(conn)
        built = Built(
            ctx.clock.now(), lanes=await reading.read_lanes(conn), mirror=await reading.mirror_reach(conn),
            corrected=await corrected_reach(conn),
        )  # fmt: skip
    built.around = about.around
    built.versions = {one.id: one.version for one in wanted}
    arranger = Arranger(state, about.segments)
    for one in wanted:
        try:
            await _arrange(ctx, state, built, arranger, one, about, standing, banned, most_bytes)
        except Unfit as why:
            built.unfit[one.id] = str(why)
    for name in list(built.wanted):
        try:
            await _load(ctx, built, name)
            if sum(one.bytes for one in (state.strands | built.strands).values()) > SLACK * most_bytes:
                raise Unfit(_TOO_LARGE)
        except Unfit as why:
            _leave_out(built, arranger.new, name, str(why))
    if built.segments:
        await _evaluate(ctx, built, arranger.new, about)
    return built


async def _arrange(
    ctx: Context, state: State, built: Built, arranger: Arranger, one: Candidate, about: About,
    standing: Mapping[int, int], banned: Mapping[str, str], most_bytes: int,
) -> None:  # fmt: skip
    tree = about.segments.get(one.id)
    if tree is None:
        return
    try:
        validate_stored([one.id], about.traits, about.segments, about.around)
    except InvalidTree as bad:
        raise Unfit(f"{bad.field}: {bad}") from bad
    formula = arranger.formula(tree)
    closure = {ref: standing[ref] for ref in _closure(one.id, about.segments)}
    segment = Following(one.id, one.name, one.version, one.revision, False, formula, closure)
    nodes = [arranger.new[leaf] for leaf in segment.leaves if leaf in arranger.new]
    for name in {name for node in nodes for name in looks.names(node)}:
        if name in banned:
            raise Unfit(banned[name])
    wanted = _wanted(nodes, built, state)
    sizes = {name: await _size(ctx, name, kept, built.lanes) for name, kept in wanted.items()}
    had = {name: strand.bytes for name, strand in state.strands.items()} | built.sizes
    if sizes and sum((had | sizes).values()) > most_bytes:
        raise Unfit(_TOO_LARGE)
    built.wanted |= wanted
    built.sizes |= sizes
    built.segments.append(segment)
    for each in nodes:
        built.traits |= {name: about.traits[name] for name in people.traits_of(each) if name in about.traits}


def _closure(segment_id: int, trees: Mapping[int, Node | None]) -> set[int]:
    """The rule segments a segment is made of, itself included."""
    found: set[int] = set()
    todo = [segment_id]
    while todo:
        here = todo.pop()
        tree = trees.get(here)
        if here not in found and tree is not None:
            found.add(here)
            todo += [part.id for _, _, part in walk(tree) if isinstance(part, InSegment)]
    return found


def _wanted(nodes: Iterable[Node], built: Built, state: State) -> dict[str, Wanted]:
    """What is to be read for some conditions: strands nobody has, or not with all that is looked at."""
    found: dict[str, Wanted] = {}
    for name, asked in (pair for node in nodes for pair in looks.wanted(node, built.now).items()):
        had = found.get(name) or built.wanted.get(name)
        if had is None and name in state.strands:
            had = state.strands[name].wanted
        if had is None or not had.covers(asked):
            found[name] = asked if had is None else had.plus(asked)
    return found


async def _size(ctx: Context, name: str, wanted: Wanted, lanes: Mapping[int, int]) -> int:
    """How many bytes a strand will take."""
    sql = f"select count(*) from ({strand_sql(name, Wanted(), lanes, _instant(wanted.start))})"
    ((count,),) = await ctx.lake.run(sql, timeout=_LONG)
    return int(count) * wanted.width


def _instant(at: int | None) -> datetime | None:
    return None if at is None else _UNIX + timedelta(microseconds=at)


async def _load(ctx: Context, built: Built, name: str) -> None:
    wanted = built.wanted[name]
    sql = strand_sql(name, wanted, built.lanes, _instant(wanted.start))
    sayings = None
    if not wanted.paths:
        columns = await ctx.lake.columns(sql, timeout=_LONG)
    else:
        async with ctx.lake.transaction(timeout=_LONG) as lake:
            for statement in NUMBERED:
                await lake.run(statement.format(sql=sql))
            columns = await lake.columns(NUMBERED_ROWS)
            texts = await lake.columns(NUMBERED_TEXTS)
            await lake.run("drop table live_rows")
            await lake.run("drop table live_texts")
        try:
            sayings = await asyncio.to_thread(Sayings, wanted.paths, list(texts["said"]))
        except TooMany:
            raise Unfit(TOO_MANY) from None
    built.strands[name] = await asyncio.to_thread(loaded, name, wanted, columns, built.lanes, sayings)


def _leave_out(built: Built, nodes: Mapping[int, Node], name: str, why: str) -> None:
    """Without a strand: the segments that look at it are not live."""
    del built.wanted[name]
    built.strands.pop(name, None)
    over = {index for index, node in nodes.items() if name in looks.names(node)}
    for segment in [one for one in built.segments if over & set(one.leaves)]:
        built.unfit[segment.id] = why
        built.segments.remove(segment)


async def _evaluate(ctx: Context, built: Built, nodes: Mapping[int, Node], about: About) -> None:
    """The members of the new conditions, everybody, the lists, and the dates to be watched."""
    used = {leaf for segment in built.segments for leaf in segment.leaves}
    trees: dict[int, Node] = {index: node for index, node in nodes.items() if index in used}
    built.now = ctx.clock.now()
    found = await evaluate(ctx, trees | {_EVERYBODY: And(of=[])}, built.now, about, timeout=_LONG)
    built.everyone = found.members[_EVERYBODY]
    for index, node in trees.items():
        remembered = people.Known(node, about.traits[node.trait]) if isinstance(node, TraitCondition) else None
        built.conditions[index] = Condition(node, found.members[index], built.now, remembered)
        if isinstance(node, TraitCondition) and people.moving(node) and node.trait not in built.watches:
            columns: Mapping[str, Any] = await ctx.lake.columns(people.watch_sql(about.traits[node.trait]), timeout=_LONG)
            values, who = np.asarray(columns["value"], dtype=np.int64), np.asarray(columns["who"], dtype=np.uint32)
            built.watches[node.trait] = await asyncio.to_thread(people.Watch, values, who)
    async with ctx.db.connection() as conn:
        built.lists = await store.read_members(conn, sorted({one for segment in built.segments for one in segment.lists}))
