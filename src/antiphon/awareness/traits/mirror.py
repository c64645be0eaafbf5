"""The typed mirror: changed profiles are copied into `lake.profile`, one typed column a trait, in sets.

The copy is one lake transaction; only then do the profiles stop waiting, and only as the version that was copied. A
death between the two copies them once more.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import msgspec

from antiphon.awareness.traits import store
from antiphon.awareness.traits.columns import Shape, inferred, typed_select
from antiphon.awareness.traits.model import DATE, INSTANT, LAKE_TYPES, LONGEST_NAME, WIDENS, Trait, TraitType
from antiphon.awareness.traits.service import observe_traits, retype
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeTransaction
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection, load_queries, read_json

LAKE = load_queries(Path(__file__).with_name("lake.sql"))
BATCH = 50_000


async def mirror_profiles(ctx: Context, held: Held | None = None, batch: int = BATCH) -> int:
    """Copy up to `batch` changed profiles; returns how many. LakeConflict when another copier was first."""
    async with ctx.lake.transaction() as lake:
        await lake.run(LAKE.take_turn)
        await lake.run(LAKE.dirty_batch.replace("LIMIT", str(int(batch))))
        shapes, count = _shapes(await lake.run(LAKE.shapes))
        if not count:
            return 0
        traits = await _registered(ctx, held, lake, shapes)
        await add_columns(lake, traits)
        batch_typed = typed_select(traits, shapes)
        await lake.run(f"create or replace temp table typed as {batch_typed.select}")
        await lake.run(LAKE.forget_dirty)
        await lake.run(f"insert into lake.profile by name select {', '.join(batch_typed.columns)} from typed")
        found = await _misfits(lake, batch_typed.misfits)
        done = await lake.columns(LAKE.copied)
        await lake.run(LAKE.drop_batch)
        await lake.run(LAKE.drop_typed)
    async with ctx.db.transaction() as conn:
        if held is not None:
            await held.fence(conn)
        await store.copied(conn, done["profile_id"], done["version"])
        if found:
            await _refuse_or_widen(conn, traits, found, ctx.clock.now())
        await store.note_mirrored(conn, done["profile_id"].tolist())
    return count


def _shapes(rows: list[tuple[object, ...]]) -> tuple[dict[str, Shape], int]:
    structure, count = rows[0]
    found = msgspec.json.decode(str(structure)) if structure else {}
    return (found if isinstance(found, dict) else {}), int(str(count))


async def _registered(ctx: Context, held: Held | None, lake: LakeTransaction, shapes: dict[str, Shape]) -> list[Trait]:
    """The registry, with the batch's new traits in it."""
    async with ctx.db.connection() as conn:
        known = await store.list_traits(conn)
    names = {trait.name for trait in known}
    new = [name for name in shapes if name not in names and 0 < len(name) <= LONGEST_NAME]
    if not new:
        return known
    texts = [name for name in new if shapes[name] == "VARCHAR"]
    rows = await lake.run(LAKE.inferred, {"keys": texts, "date": DATE, "instant": INSTANT}) if texts else []
    seen = {key: (dates, instants, total) for key, dates, instants, total in rows}
    types: dict[str, TraitType] = {}
    for name in new:
        if shapes[name] == "VARCHAR" and name not in seen:
            continue  # empty text only: nothing can be said yet
        kind = inferred(shapes[name], *seen.get(name, ()))
        if kind is not None:
            types[name] = kind
    async with ctx.db.transaction() as conn:
        if held is not None:
            await held.fence(conn)
        return await observe_traits(conn, types, ctx.clock.now())


async def add_columns(lake: LakeTransaction, traits: list[Trait]) -> None:
    """Columns of the mirror for traits that have none yet."""
    have = {row[0] for row in await lake.run(LAKE.mirror_columns)}
    for trait in traits:
        for column, kind in ((trait.column_name, trait.type), (trait.next_column, trait.next_type)):
            if column and kind and column not in have:
                await lake.run(f"alter table lake.profile add column {column} {LAKE_TYPES[kind]}")


async def _misfits(lake: LakeTransaction, suspects: dict[str, tuple[str, str]]) -> dict[str, str]:
    """One value of each trait that has values of another type, as JSON."""
    found: dict[str, str] = {}
    for name, (read, column) in suspects.items():
        rows = await lake.run(f"select profile_id from typed where {read} <> '' and {column} is null limit 1")
        if rows:
            params = {"path": f"$.{msgspec.json.encode(name).decode()}", "id": rows[0][0]}
            values = await lake.run("select json_extract(traits, $path)::varchar from dirty where profile_id = $id", params)
            if values and values[0][0] not in (None, "null"):
                found[name] = str(values[0][0])
    return found


async def _refuse_or_widen(conn: Connection, traits: list[Trait], found: dict[str, str], at: datetime) -> None:
    """A value that does not fit widens the type where nothing is lost by it; otherwise it is noted for people to see."""
    await store.note_misfits(conn, found, at)
    for trait in traits:
        if trait.name in found and trait.next_type is None and not trait.locked:
            wider = WIDENS.get((trait.type, _of(found[trait.name])))
            if wider is not None:
                await retype(conn, trait.name, wider, by="mirror")


def _of(value: str) -> TraitType:
    decoded = read_json(value)
    if isinstance(decoded, list):
        return "text_list"
    if isinstance(decoded, str) and re.fullmatch(INSTANT, decoded):
        return "instant"
    return "text"
