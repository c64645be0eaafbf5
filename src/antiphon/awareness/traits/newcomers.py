"""New people of an import into the mirror, typed already: not by way of profiles' JSON, which the copier would type again.

What the copier does for everybody stays true. The lake transaction takes the copier's turn first, so that of the two one
fails; then PostgreSQL tells who changed since. Those wait for the copier and are left to it, as are those it wrote already.
Where anything is not plain (a trait is changing its type, somebody was merged or erased) the whole set is left to it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from antiphon.awareness.profiles import Newcomers, hand_over, newcomers_mirrored, touched_since
from antiphon.awareness.traits import store
from antiphon.awareness.traits.columns import FIXED
from antiphon.awareness.traits.mirror import add_columns
from antiphon.awareness.traits.model import Trait, TraitType
from antiphon.foundation.lake import LakeConflict, LakeQueryFailed, LakeSession
from antiphon.foundation.postgres import Connection, load_queries

LAKE = load_queries(Path(__file__).with_name("lake.sql"))
_TRIES = 4


class TypedColumn(NamedTuple):
    """A trait's type, and the column of the source that holds its values exactly as the mirror would."""

    type: TraitType
    column: str


async def mirror_newcomers(
    session: LakeSession, conn: Connection, made: Newcomers, source: str, columns: Mapping[str, TypedColumn]
) -> bool:
    """Write new people into the mirror; whether that was possible. If not, the copier will.

    `source` is a table of the session with profile_id, created_at, updated_at, first_seen, last_seen and `columns` by
    trait. `conn` is a connection of one's own.
    """
    written = False
    for attempt in range(_TRIES):
        try:
            written = await _write(session, conn, made, source, columns)
            break
        except LakeConflict:
            await asyncio.sleep(random.uniform(0.02, 0.1) * 2**attempt)
        except LakeQueryFailed:  # a column went away meanwhile
            break
    async with conn.transaction():
        if written:
            await newcomers_mirrored(conn, made)
            await store.note_mirrored(conn, (one for run in made.runs for one in range(run.first, run.last + 1)))
        else:
            await hand_over(conn, made)
    return written


async def _write(
    session: LakeSession, conn: Connection, made: Newcomers, source: str, columns: Mapping[str, TypedColumn]
) -> bool:
    async with session.transaction() as lake:
        await lake.run(LAKE.take_turn)
        traits = {trait.name: trait for trait in await store.list_traits(conn)}
        touched = await touched_since(conn, made)
        if touched is None or not all(_plain(traits.get(name), typed.type) for name, typed in columns.items()):
            return False
        await add_columns(lake, [traits[name] for name in columns if name in traits])
        chosen = ", ".join(
            [*FIXED, *(f"{typed.column} as {traits[name].column_name}" for name, typed in columns.items() if name in traits)]
        )
        spans = " or ".join(f"profile_id between {run.first} and {run.last}" for run in made.runs)
        await lake.run(
            f"insert into lake.profile by name select {chosen} from {source} "
            f"where profile_id not in (select profile_id from lake.profile where {spans}) "
            "and profile_id not in (select profile_id from touched) order by profile_id",
            tables={"touched": {"profile_id": np.array(touched, dtype=np.int64)}},
        )
    return True


def _plain(trait: Trait | None, kind: TraitType) -> bool:
    """Whether the trait has one column of this type, or (one too many) none at all."""
    return trait is None or (trait.type == kind and trait.next_type is None)
