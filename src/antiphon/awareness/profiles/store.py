"""The only code that runs the statements on profiles, identities and merges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from antiphon.awareness.profiles.identities import Identity
from antiphon.foundation.postgres import Connection, load_queries
from antiphon.foundation.postgres.binary import bigints, instants, jsonbs, texts

SQL = load_queries(Path(__file__).with_name("queries.sql"))


def _pairs(merges: Sequence[tuple[int, int]]) -> dict[str, Any]:
    return {"froms": bigints([m[0] for m in merges]), "intos": bigints([m[1] for m in merges])}


async def owners(conn: Connection, identities: Sequence[Identity]) -> dict[Identity, int]:
    """Whose these identities are now; those nobody has are absent."""
    if not identities:
        return {}
    params = {"kinds": texts([i[0] for i in identities]), "values": texts([i[1] for i in identities])}
    cursor = await conn.execute(SQL.owners, params, binary=True)
    return {Identity(kind, value): owner for kind, value, owner in await cursor.fetchall()}


async def lock_profiles(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Hold these profiles until the transaction ends; those merged away meanwhile are absent."""
    rows = await (await conn.execute(SQL.lock_profiles, {"ids": bigints(ids)})).fetchall()
    return {row[0] for row in rows}


async def next_ids(conn: Connection, count: int) -> list[int]:
    """Ids of profiles to be made."""
    return [row[0] for row in await (await conn.execute(SQL.next_ids, {"count": count})).fetchall()] if count else []


async def follow(conn: Connection, merges: Sequence[tuple[int, int]]) -> None:
    """Groups and times of the first of each pair are the second's as well."""
    for statement in (SQL.copy_memberships, SQL.widen_seen):
        await conn.execute(statement, _pairs(merges))


async def merge_traits(conn: Connection, ids: Sequence[int], traits: Sequence[bytes], stamps: Sequence[str]) -> list[int]:
    """Let traits compete by their stamps; returns the profiles that changed."""
    params = {"ids": bigints(ids), "traits": jsonbs(traits), "stamps": texts(stamps)}
    return [row[0] for row in await (await conn.execute(SQL.merge_traits, params)).fetchall()]


async def mark_dirty(conn: Connection, ids: Iterable[int]) -> None:
    """These profiles changed: the mirror and the search will copy them."""
    if wanted := sorted(set(ids)):
        await conn.execute(SQL.mark_dirty, {"ids": bigints(wanted)})


async def touch(conn: Connection, seen: Sequence[tuple[int, int, int]]) -> None:
    """(profile, first, last) with instants in microseconds since PostgreSQL's epoch."""
    if seen:
        params = {
            "ids": bigints([s[0] for s in seen]),
            "firsts": instants([s[1] for s in seen]),
            "lasts": instants([s[2] for s in seen]),
        }
        await conn.execute(SQL.touch, params)


async def join_groups(conn: Connection, rows: Sequence[tuple[int, str, int]]) -> None:
    """(profile, group, joined at)."""
    groups = texts([r[1] for r in rows])
    await conn.execute(SQL.make_groups, {"groups": groups})
    await conn.execute(
        SQL.join_groups,
        {"ids": bigints([r[0] for r in rows]), "groups": groups, "ats": instants([r[2] for r in rows])},
    )


async def merge_group_traits(conn: Connection, rows: Sequence[tuple[str, bytes, str]]) -> None:
    """(group, traits, stamp)."""
    if rows:
        params = {
            "groups": texts([r[0] for r in rows]),
            "traits": jsonbs([r[1] for r in rows]),
            "stamps": texts([r[2] for r in rows]),
        }
        await conn.execute(SQL.merge_group_traits, params)


async def read_epoch(conn: Connection) -> int:
    """The number under which remembered identities are good; erasure waits for the caller's transaction."""
    row = await (await conn.execute(SQL.read_epoch)).fetchone()
    assert row is not None
    return int(row[1])


async def bump_epoch(conn: Connection) -> None:
    """Make every process forget the identities it remembers."""
    await conn.execute(SQL.bump_epoch)


async def canonical(conn: Connection, profile_id: int) -> int | None:
    row = await (await conn.execute(SQL.canonical, {"id": profile_id})).fetchone()
    return row[0] if row else None


async def every_id(conn: Connection, profile_id: int) -> list[int]:
    """A canonical profile and all that were merged into it."""
    return [row[0] for row in await (await conn.execute(SQL.every_id, {"id": profile_id})).fetchall()]


async def existing(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Those of these profiles that are still there, merged away or not."""
    return {row[0] for row in await (await conn.execute(SQL.existing, {"ids": bigints(ids)})).fetchall()}


async def identity_values(conn: Connection, ids: Sequence[int]) -> list[str]:
    """Every value these profiles are known by."""
    return [row["value"] for row in await rows(conn, "identity_values", ids=list(ids))]


async def rows(conn: Connection, query: str, **params: Any) -> list[dict[str, Any]]:
    """The rows of a named query, by column."""
    cursor = await conn.execute(SQL[query], params)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]


async def run(conn: Connection, query: str, **params: Any) -> int:
    """Run a named statement; returns how many rows it touched."""
    return (await conn.execute(SQL[query], params)).rowcount
