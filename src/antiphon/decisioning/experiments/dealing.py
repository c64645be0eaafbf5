"""Dealing an experiment's arms within strata when it starts, for everybody there is."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from pyroaring import BitMap

from antiphon.awareness.segments import find_segment, members
from antiphon.awareness.traits import TraitType, registry
from antiphon.decisioning.experiments.assigning import Assignment, deal, first_stratum
from antiphon.decisioning.experiments.design import MOST_STRATA, InvalidExperiment, SegmentStrata, Strata, TraitStrata
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection

NONE = ""
"""The stratum of those who have no value, or are in no segment."""
_LONGEST = 200
_SINGLE: tuple[TraitType, ...] = ("text", "boolean", "number", "date")


class Dealt(Struct, frozen=True):
    """The strata, and for each the people of every arm."""

    strata: tuple[str, ...]
    people: tuple[tuple[BitMap, ...], ...]


async def column_of(conn: Connection, trait: str, field: str) -> str:
    """The mirror's column of a trait people can be told apart by.

    Raises InvalidExperiment for a trait there is not, or of a type that has no single value.
    """
    found = (await registry(conn)).get(trait)
    if found is None:
        raise InvalidExperiment(f"there is no trait {trait}", field=field)
    if found.type not in _SINGLE:
        raise InvalidExperiment("the trait must be text, a number, a date, or true or false", field=field)
    return found.column_name


async def mirrored(ctx: Context, column: str) -> bool:
    """Whether the mirror has a column by now; without it nobody has a value."""
    rows = await ctx.lake.run("select 1 from (describe lake.profile) where column_name = $name", {"name": column})
    return bool(rows)


async def check_strata(conn: Connection, strata: Strata | None) -> None:
    """Raise InvalidExperiment or SegmentNotFound unless the strata can be told apart."""
    match strata:
        case TraitStrata(trait=trait):
            await column_of(conn, trait, "strata.trait")
        case SegmentStrata(ids=ids):
            if len(set(ids)) < len(ids):
                raise InvalidExperiment("a segment is named twice", field="strata.ids")
            for one in ids:
                await find_segment(conn, one)


async def deal_everybody(ctx: Context, one: Assignment, strata: Strata) -> Dealt:
    """Deal the arms to all customers there are now who take part. Raises InvalidExperiment for too many strata."""
    names, ids, of = await (_by_trait(ctx, strata.trait) if isinstance(strata, TraitStrata) else _by_segments(ctx, strata.ids))
    return await asyncio.to_thread(_dealt, ctx.secret, one, names, ids, of)


Numbered = tuple[list[str], NDArray[np.int64], NDArray[np.int64]]
"""The strata, everybody, and the number of each one's stratum; the last is of those in no other."""


async def _by_segments(ctx: Context, segments: Sequence[int]) -> Numbered:
    async with ctx.db.connection() as conn:
        sets = [await members(conn, segment) for segment in segments]
    ids = (await ctx.lake.ids("select profile_id from lake.profile")).astype(np.int64)
    return [*(f"segment:{segment}" for segment in segments), NONE], ids, await asyncio.to_thread(first_stratum, ids, sets)


async def _by_trait(ctx: Context, trait: str) -> Numbered:
    async with ctx.db.connection() as conn:
        column = await column_of(conn, trait, "strata.trait")
    quoted = column.replace('"', '""')
    value = f"""nullif("{quoted}"::varchar, '')""" if await mirrored(ctx, column) else "null::varchar"
    async with ctx.lake.transaction() as lake:
        rows = await lake.run(
            f"select distinct {value} as v from lake.profile where v is not null order by v limit {MOST_STRATA + 1}"
        )
        names = [str(row[0]) for row in rows]
        if len(names) > MOST_STRATA:
            raise InvalidExperiment(f"the trait has more than {MOST_STRATA} values: strata are few", field="strata.trait")
        if any(len(name) > _LONGEST for name in names):
            raise InvalidExperiment(f"the trait has values longer than {_LONGEST} characters", field="strata.trait")
        found = await lake.columns(
            f"select profile_id::bigint as id, coalesce(list_position($names::varchar[], {value}), 0)::bigint as n "
            "from lake.profile",
            {"names": names},
        )
    numbers = np.asarray(found["n"], dtype=np.int64) - 1
    return [*names, NONE], np.asarray(found["id"], dtype=np.int64), np.where(numbers < 0, len(names), numbers)


def _dealt(
    secret: bytes, one: Assignment, names: Sequence[str], ids: NDArray[np.int64], of: NDArray[np.int64]
) -> Dealt:
    inside = one.takes_part(secret, ids)
    ids, of = ids[inside], of[inside]
    arms = deal(secret, one, ids, of)
    return Dealt(
        tuple(names),
        tuple(tuple(_set(ids[(of == n) & (arms == arm)]) for arm in range(len(one.weights))) for n in range(len(names))),
    )


def _set(ids: NDArray[np.int64]) -> BitMap:
    return BitMap(array("I", np.sort(ids).astype(np.uint32).tobytes()))
