"""The only code that runs this room's SQL in PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct
from pyroaring import BitMap

from antiphon.awareness.segments.bitmaps import decode, encode
from antiphon.awareness.segments.errors import NameTaken, SegmentNotFound, Superseded
from antiphon.awareness.segments.model import Node
from antiphon.foundation.postgres import Connection, Jsonb, UniqueViolation, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("queries.sql"))

Announce = Literal["changes", "everyone", "never"]
State = Literal["active", "archived"]
Freshness = Literal["live", "periodic"]
SILENCE = timedelta(seconds=30)
"""A live segment of which nobody has said for so long that it is true is refreshed as others are."""


class SegmentRow(Struct, frozen=True, kw_only=True):
    """A row of `segment`."""

    id: int
    name: str
    description: str
    kind: Literal["rule", "static"]
    tree: Node | None
    refs: list[int]
    version: int
    announce: Announce
    state: State
    created_at: datetime
    updated_at: datetime
    revision: int
    evaluated_at: datetime | None
    evaluated_version: int | None
    took_ms: int | None
    size: int
    delta_seq: int
    failed: str | None
    freshness: Freshness
    not_live: str | None


class SegmentVersion(Struct, frozen=True, kw_only=True):
    """A tree a segment had."""

    version: int
    tree: Node
    published_at: datetime
    published_by: str


class Place(Struct, frozen=True, kw_only=True):
    """Where the members of a segment are."""

    id: int
    name: str
    delta_seq: int
    evaluated_at: datetime | None


async def _segments(conn: Connection, query: str, params: Mapping[str, Any]) -> list[SegmentRow]:
    async with conn.cursor(row_factory=struct_row(SegmentRow)) as cursor:
        return await (await cursor.execute(SQL[query], params)).fetchall()


async def _one(conn: Connection, query: str, params: Mapping[str, Any] | None = None) -> Any:
    row = await (await conn.execute(SQL[query], params)).fetchone()
    return row[0] if row else None


async def list_segments(
    conn: Connection, *, state: State, search: str | None, after: tuple[str, int] | None, limit: int
) -> list[SegmentRow]:
    name, last = after or (None, 0)
    params = {"state": state, "search": search, "after_name": name, "after_id": last, "limit": limit}
    return await _segments(conn, "list_segments", params)


async def count_segments(conn: Connection, *, state: State, search: str | None) -> int:
    return int(await _one(conn, "count_segments", {"state": state, "search": search}))


async def find_segment(conn: Connection, segment_id: int) -> SegmentRow:
    """The segment. Raises SegmentNotFound."""
    return await _found(conn, "find_segment", segment_id)


async def hold_segment(conn: Connection, segment_id: int) -> SegmentRow:
    """The segment, held until the transaction ends. Raises SegmentNotFound."""
    return await _found(conn, "hold_segment", segment_id)


async def _found(conn: Connection, query: str, segment_id: int) -> SegmentRow:
    rows = await _segments(conn, query, {"id": segment_id})
    if not rows:
        raise SegmentNotFound(id=segment_id)
    return rows[0]


async def some_segments(conn: Connection, ids: Sequence[int]) -> list[SegmentRow]:
    return await _segments(conn, "some_segments", {"ids": list(ids)})


async def static_lists(conn: Connection) -> list[int]:
    return [row[0] for row in await (await conn.execute(SQL.static_lists)).fetchall()]


async def every_segment(conn: Connection) -> list[int]:
    return [row[0] for row in await (await conn.execute(SQL.every_segment)).fetchall()]


async def hold_definitions(conn: Connection) -> None:
    await conn.execute(SQL.hold_definitions)


async def definitions(conn: Connection) -> dict[int, Node | None]:
    """The tree of every segment, None for a static list."""
    rows = await (await conn.execute(SQL.definitions)).fetchall()
    return {row[0]: None if row[1] is None else msgspec.convert(row[1], Node) for row in rows}


async def due_segments(conn: Connection, buckets: Sequence[int], limit: int) -> list[int]:
    rows = await (await conn.execute(SQL.due_segments, {"buckets": list(buckets), "limit": limit, "silence": SILENCE})).fetchall()
    return [row[0] for row in rows]


async def live_among(conn: Connection, ids: Sequence[int], at: datetime | None) -> set[int]:
    """Those of some segments that are kept live, and are true for ``at`` if it is given."""
    params = {"ids": list(ids), "silence": SILENCE, "at": at}
    return {row[0] for row in await (await conn.execute(SQL.live_among, params)).fetchall()}


async def ages(conn: Connection, buckets: Sequence[int]) -> list[tuple[int, str, datetime | None, int]]:
    return await (await conn.execute(SQL.ages, {"buckets": list(buckets)})).fetchall()


async def referring(conn: Connection, segment_id: int) -> list[str]:
    return [row[0] for row in await (await conn.execute(SQL.referring, {"id": segment_id})).fetchall()]


async def insert_segment(
    conn: Connection, *, name: str, description: str, tree: Node | None, refs: Iterable[int], announce: Announce,
    now: datetime,
) -> int:  # fmt: skip
    """The id of the new segment. Raises NameTaken."""
    params = {
        "name": name, "description": description, "kind": "static" if tree is None else "rule", "tree": _json(tree),
        "refs": sorted(refs), "announce": announce, "now": now,
    }  # fmt: skip
    try:
        return int(await _one(conn, "insert_segment", params))
    except UniqueViolation as taken:
        raise NameTaken(field="name") from taken


async def update_segment(
    conn: Connection, segment_id: int, *, name: str, description: str, tree: Node | None, refs: Iterable[int],
    version: int, announce: Announce, now: datetime,
) -> None:  # fmt: skip
    """Raises NameTaken."""
    params = {
        "id": segment_id, "name": name, "description": description, "tree": _json(tree), "refs": sorted(refs),
        "version": version, "announce": announce, "now": now,
    }  # fmt: skip
    try:
        await conn.execute(SQL.update_segment, params)
    except UniqueViolation as taken:
        raise NameTaken(field="name") from taken


async def set_state(conn: Connection, segment_id: int, state: State, now: datetime) -> None:
    """Raises NameTaken when a segment comes back and its name is used."""
    try:
        await conn.execute(SQL.set_state, {"id": segment_id, "state": state, "now": now})
    except UniqueViolation as taken:
        raise NameTaken(field="name") from taken


async def insert_version(conn: Connection, segment_id: int, version: int, tree: Node, now: datetime, by: str) -> None:
    await conn.execute(SQL.insert_version, {"id": segment_id, "version": version, "tree": _json(tree), "now": now, "by": by})


async def list_versions(conn: Connection, segment_id: int) -> list[SegmentVersion]:
    async with conn.cursor(row_factory=struct_row(SegmentVersion)) as cursor:
        return await (await cursor.execute(SQL.list_versions, {"id": segment_id})).fetchall()


async def places(conn: Connection) -> list[Place]:
    async with conn.cursor(row_factory=struct_row(Place)) as cursor:
        return await (await cursor.execute(SQL.places)).fetchall()


async def read_members(conn: Connection, ids: Sequence[int]) -> dict[int, tuple[int, BitMap]]:
    """(seq, members) of some segments."""
    found: dict[int, tuple[int, BitMap]] = {i: (-1, BitMap()) for i in ids}
    for i, seq, entered, gone in await changes(conn, dict.fromkeys(found, -1)):
        if gone is None:
            found[i] = (seq, decode(entered))
        else:
            found[i] = (seq, (found[i][1] | decode(entered)) - decode(gone))
    return {i: (max(seq, 0), members) for i, (seq, members) in found.items()}


async def changes(conn: Connection, seqs: Mapping[int, int]) -> list[tuple[int, int, bytes, bytes | None]]:
    """Of each segment what is newer than its seq, in order: (segment, seq, entered, gone); whole when ``gone`` is None."""
    params = {"ids": list(seqs), "seqs": list(seqs.values())}
    return await (await conn.execute(SQL.read_members, params, binary=True)).fetchall()


async def take_revision(
    conn: Connection, row: SegmentRow, *, size: int, seq: int, now: datetime, archived: bool = False
) -> SegmentRow:
    """Step to the next revision. Raises Superseded when somebody else was first, or archived it and ``archived`` is false."""
    params = {"id": row.id, "revision": row.revision, "size": size, "seq": seq, "now": now, "archived": archived}
    revision = await _one(conn, "take_revision", params)
    if revision is None:
        raise Superseded
    return msgspec.structs.replace(row, revision=int(revision), size=size, delta_seq=seq)


async def refreshed(conn: Connection, row: SegmentRow, *, now: datetime, took_ms: int, pause: timedelta) -> None:
    params = {"id": row.id, "version": row.version, "now": now, "took_ms": took_ms, "pause": pause}
    await conn.execute(SQL.refreshed, params)


async def write_base(conn: Connection, segment_id: int, seq: int, members: BitMap) -> None:
    """The members written whole; changes up to `seq` are in them."""
    await conn.execute(
        SQL.write_base, {"id": segment_id, "seq": seq, "size": len(members), "ids": encode(members)}, binary=True
    )
    await conn.execute(SQL.drop_deltas, {"id": segment_id, "seq": seq})


async def write_delta(conn: Connection, segment_id: int, seq: int, entered: BitMap, gone: BitMap) -> None:
    params = {
        "id": segment_id, "seq": seq, "changes": len(entered) + len(gone), "entered": encode(entered), "gone": encode(gone),
    }  # fmt: skip
    await conn.execute(SQL.write_delta, params, binary=True)


async def weight(conn: Connection, segment_id: int) -> tuple[int, int, int]:
    """(people changed since the base, deltas, size of the base or -1)."""
    row = await (await conn.execute(SQL.weight, {"id": segment_id})).fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])


async def write_growth(
    conn: Connection, row: SegmentRow, *, now: datetime, size: int, entered: int, gone: int
) -> None:
    params = {"id": row.id, "now": now, "version": row.version, "size": size, "entered": entered, "gone": gone}
    await conn.execute(SQL.write_growth, params)


async def failed(conn: Connection, ids: Sequence[int], why: str, pause: timedelta) -> None:
    await conn.execute(SQL.failed, {"ids": list(ids), "why": why[:1000], "pause": pause})


async def make_due(conn: Connection, ids: Sequence[int]) -> None:
    await conn.execute(SQL.make_due, {"ids": list(ids)})


async def any_alias(conn: Connection) -> bool:
    return bool(await _one(conn, "any_alias"))


async def about_how_many(conn: Connection) -> int:
    return int(await _one(conn, "about_how_many"))


async def any_dirty(conn: Connection) -> bool:
    return bool(await _one(conn, "any_dirty"))


async def merged_among(conn: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Of these profiles, those merged away, and into whom."""
    return dict(await (await conn.execute(SQL.merged_among, {"ids": list(ids)})).fetchall())


async def cards(conn: Connection, ids: Sequence[int]) -> dict[int, tuple[dict[str, Any], str | None]]:
    """(traits, an identity) of some profiles."""
    rows = await (await conn.execute(SQL.cards, {"ids": list(ids)})).fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


async def one_profile(conn: Connection, profile_id: int) -> tuple[dict[str, Any], datetime, Any, Any] | None:
    """(traits, created_at, first_seen, last_seen), or None."""
    return await (await conn.execute(SQL.one_profile, {"id": profile_id})).fetchone()


async def event_names(conn: Connection, limit: int) -> list[tuple[str, datetime, list[Any]]]:
    return await (await conn.execute(SQL.event_names, {"limit": limit})).fetchall()


async def existing_profiles(conn: Connection, ids: Sequence[int]) -> list[int]:
    rows = await (await conn.execute(SQL.existing_profiles, {"ids": list(ids)})).fetchall()
    return [row[0] for row in rows]


def _json(tree: Node | None) -> Jsonb | None:
    return None if tree is None else Jsonb(msgspec.to_builtins(tree))
