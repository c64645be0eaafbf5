"""Sets of segments: unions, intersections and differences of their members, and how they overlap.

All of it is work on the stored members, as of each segment's last refresh, and reads nothing of anybody's history.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, assert_never

from msgspec import Meta, Struct
from pyroaring import BitMap

from antiphon.awareness.segments import service, store
from antiphon.awareness.segments.errors import InvalidTree, SegmentNotFound
from antiphon.awareness.segments.evaluate import spread
from antiphon.awareness.segments.membership import store_members
from antiphon.awareness.segments.model import And, InSegment, Node, Not, Or
from antiphon.awareness.segments.service import CustomerCard
from antiphon.awareness.segments.store import SegmentRow
from antiphon.foundation.context import Context
from antiphon.foundation.principal import Principal

MOST = 30
"""Segments in one overlap: their pairs are counted one by one."""
DRAWN = 3
"""Segments whose every region is counted, for a drawing."""
DEEPEST = 8

SegmentId = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class SetOf(Struct, frozen=True, forbid_unknown_fields=True):
    """A union, an intersection, or the first without the others, of segments (by id) and of further sets."""

    op: Literal["union", "intersection", "difference"]
    of: Annotated[list["SegmentId | SetOf"], Meta(min_length=1, max_length=MOST)]


class Source(Struct, frozen=True, kw_only=True):
    """A segment whose members were taken, as of `evaluated_at`."""

    id: int
    name: str
    size: int
    evaluated_at: datetime | None


class Combined(Struct, frozen=True, kw_only=True):
    """Who is in a combination of segments, and what it was made of."""

    count: int
    sample: list[CustomerCard]
    sources: list[Source]


class Pair(Struct, frozen=True, kw_only=True):
    """How two segments overlap: how many are in both, as a share of either, and of all in any of the two (Jaccard)."""

    first: int
    second: int
    both: int
    of_first: float
    of_second: float
    jaccard: float


class Region(Struct, frozen=True, kw_only=True):
    """How many are in all of these segments and in none of the others asked about."""

    ids: list[int]
    count: int


class Overlap(Struct, frozen=True, kw_only=True):
    """How segments overlap, pair by pair; for up to three of them also every region. `total` is of all together."""

    segments: list[Source]
    pairs: list[Pair]
    regions: list[Region]
    total: int


async def combine(ctx: Context, who: Principal, wanted: SetOf, *, sample: int) -> Combined:
    """Count a combination and show some of its people. Raises SegmentNotFound, InvalidTree."""
    sources, people = await _people(ctx, wanted)
    return Combined(count=len(people), sample=await service.cards(ctx, who, spread(people, sample)), sources=sources)


async def save(
    ctx: Context, who: Principal, wanted: SetOf, *, name: str, description: str, kind: Literal["rule", "static"]
) -> SegmentRow:
    """Make a segment of a combination: a rule that follows the others, or a list of those in it now.

    Raises SegmentNotFound, InvalidTree, NameTaken.
    """
    if kind == "rule":
        await _people(ctx, wanted)
        return await service.publish(ctx, who, name=name, description=description, tree=tree_of(wanted), announce="changes")
    _, people = await _people(ctx, wanted)
    row = await service.publish(ctx, who, name=name, description=description, tree=None, announce="changes")
    return await store_members(ctx, row, people, ctx.clock.now(), took_ms=0, pause=timedelta(days=1))


async def overlap(ctx: Context, ids: Sequence[int]) -> Overlap:
    """How some segments overlap. Raises SegmentNotFound."""
    wanted = list(dict.fromkeys(ids))
    sources, members = await _members(ctx, wanted)
    return await asyncio.to_thread(_overlap, wanted, sources, members)


def tree_of(wanted: SetOf) -> Node:
    """The combination as a segment's tree."""
    parts: list[Node] = [InSegment(id=one) if isinstance(one, int) else tree_of(one) for one in wanted.of]
    match wanted.op:
        case "union":
            return Or(of=parts)
        case "intersection":
            return And(of=parts)
        case "difference":
            return And(of=[parts[0], *(Not(of=one) for one in parts[1:])])
        case _:
            assert_never(wanted.op)


async def _people(ctx: Context, wanted: SetOf) -> tuple[list[Source], BitMap]:
    ids = list(dict.fromkeys(_ids(wanted, 1)))
    if len(ids) > MOST:
        raise InvalidTree(f"combine at most {MOST} segments", field="expression")
    sources, members = await _members(ctx, ids)
    return sources, await asyncio.to_thread(_work, wanted, members)


def _ids(wanted: SetOf, depth: int) -> Iterator[int]:
    if depth > DEEPEST:
        raise InvalidTree(f"sets are nested deeper than {DEEPEST} levels", field="expression")
    for one in wanted.of:
        if isinstance(one, int):
            yield one
        else:
            yield from _ids(one, depth + 1)


async def _members(ctx: Context, ids: Sequence[int]) -> tuple[list[Source], Mapping[int, BitMap]]:
    async with ctx.db.connection() as conn:
        rows = {row.id: row for row in await store.some_segments(conn, ids)}
        for one in ids:
            if one not in rows:
                raise SegmentNotFound(id=one)
        members = {key: people for key, (_, people) in (await store.read_members(conn, ids)).items()}
    found = [Source(id=one, name=rows[one].name, size=len(members[one]), evaluated_at=rows[one].evaluated_at) for one in ids]
    return found, members


def _work(wanted: SetOf, members: Mapping[int, BitMap]) -> BitMap:
    parts = [members[one] if isinstance(one, int) else _work(one, members) for one in wanted.of]
    if len(parts) == 1:
        return parts[0]
    match wanted.op:
        case "union":
            return BitMap.union(*parts)
        case "intersection":
            return BitMap.intersection(*sorted(parts, key=len))
        case "difference":
            return parts[0].difference(*parts[1:])
        case _:
            assert_never(wanted.op)


def _overlap(ids: Sequence[int], sources: list[Source], members: Mapping[int, BitMap]) -> Overlap:
    pairs = []
    for place, first in enumerate(ids):
        for second in ids[place + 1 :]:
            pairs.append(_pair(first, second, members))
    regions = list(_regions(ids, members)) if len(ids) <= DRAWN else []
    total = len(BitMap.union(*members.values())) if members else 0
    return Overlap(segments=sources, pairs=pairs, regions=regions, total=total)


def _pair(first: int, second: int, members: Mapping[int, BitMap]) -> Pair:
    both = members[first].intersection_cardinality(members[second])
    sizes = len(members[first]), len(members[second])
    return Pair(
        first=first, second=second, both=both, of_first=_share(both, sizes[0]), of_second=_share(both, sizes[1]),
        jaccard=_share(both, sum(sizes) - both),
    )  # fmt: skip


def _regions(ids: Sequence[int], members: Mapping[int, BitMap]) -> Iterator[Region]:
    for mask in range(1, 1 << len(ids)):
        inside = [one for bit, one in enumerate(ids) if mask >> bit & 1]
        outside = [members[one] for one in ids if one not in inside]
        people = BitMap.intersection(*(members[one] for one in inside)) if len(inside) > 1 else members[inside[0]]
        yield Region(ids=inside, count=len(people.difference(*outside) if outside else people))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
