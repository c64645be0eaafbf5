"""Loading events: staged rows become events of customers, in sets, through this process's lane of the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from antiphon.awareness.events import Journal
from antiphon.awareness.imports import compile as sql, store
from antiphon.awareness.imports.model import LARGEST_ROW, ImportMap, Tally
from antiphon.awareness.imports.naming import normalise
from antiphon.awareness.imports.refusing import append, refuse
from antiphon.awareness.imports.staging import LONG, Staged, staged_rows
from antiphon.awareness.profiles import Identity, Person, resolve, stamp_of, touch
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import RunningJob
from antiphon.foundation.postgres.binary import micros

_EVENTS = 5_000
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_NAMED = "select i, d.kind, d.raw, d.value from chunk, unnest(ids) u (d)"


async def load_events(
    ctx: Context, job: RunningJob, work: store.Work, imported: ImportMap, staged: Staged, folder: Path, tally: Tally
) -> None:
    total = await gather_events(ctx, imported, staged, folder)
    await job.progress(0, total, "loading events" if not work.dry_run else "checking events")
    tally.rows = staged.rows
    for first in range(1, total + 1, _EVENTS):
        events, ids, refused, reasons = await read_events(ctx, imported, staged, folder, first, _EVENTS)
        tally.refuse(refused, reasons)
        if not work.dry_run and len(events["i"]):
            made = await _append_events(ctx, job, work, events, ids)
            tally.made += made
            tally.unchanged += len(events["i"]) - made
        await job.progress(min(first + _EVENTS - 1, total))


async def _append_events(
    ctx: Context, job: RunningJob, work: store.Work, events: Mapping[str, Any], ids: Mapping[str, Any]
) -> int:
    """Events never imported before, with their customers, in one transaction of this process's lane; how many."""
    bundles: dict[int, list[Identity]] = {}
    for number, kind, value in zip(ids["i"].tolist(), ids["kind"], ids["value"], strict=True):
        bundles.setdefault(number, []).append(Identity(kind, value))
    context = {"import": work.id}
    async with ctx.get(Journal).transaction() as journal:
        await job.fence(journal.conn)
        keys = [UUID(hex=key) for key in events["key"]]
        fresh = await store.take_keys(journal.conn, keys)
        people: list[Person] = []
        owners: list[int] = []
        new: list[int] = []
        for n, (number, key) in enumerate(zip(events["i"].tolist(), keys, strict=True)):
            if key not in fresh:
                continue
            fresh.discard(key)  # the same key twice in a set is one event
            new.append(n)
            if number in bundles:
                at = _UNIX + timedelta(microseconds=int(events["ts"][n]))
                traits = events["traits"][n]
                said = traits.encode() if traits and traits != "{}" else None
                people.append(Person(tuple(bundles[number]), said, stamp_of(at, f"import:{key.hex}"), at))
                owners.append(n)
        profiles: dict[int, int] = {}
        if people:
            found = await resolve(journal.conn, people, at=ctx.clock.now())
            profiles = dict(zip(owners, found, strict=True))
            await touch(journal.conn, _seen(found, [person.at for person in people]))
        await journal.append([(0, None, _payload(events, n, keys[n], profiles.get(n), context)) for n in new])
    return len(new)


def _seen(found: list[int], ats: list[datetime]) -> list[tuple[int, int, int]]:
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for profile, at in zip(found, ats, strict=True):
        when = micros(at)
        first[profile] = min(first.get(profile, when), when)
        last[profile] = max(last.get(profile, when), when)
    return [(profile, first[profile], last[profile]) for profile in sorted(first)]


def _payload(events: Mapping[str, Any], n: int, key: UUID, profile: int | None, context: dict[str, int]) -> bytes:
    at = _UNIX + timedelta(microseconds=int(events["ts"][n]))
    call: dict[str, Any] = {
        "type": "track", "event": events["name"][n], "messageId": f"import:{key.hex}", "timestamp": at.isoformat(),
        "context": context, "properties": msgspec.Raw(events["properties"][n].encode()),
    }  # fmt: skip
    if profile is not None:
        call["profileId"] = profile
    return msgspec.json.encode(call)


async def gather_events(ctx: Context, imported: ImportMap, staged: Staged, folder: Path) -> int:
    """Rows become events, one a row or one a group, in `folder`/events.parquet; returns how many."""
    select = sql.events_select(imported, staged.types, staged_rows(folder), staged.dialect.columns)
    into = sql.literal(str(folder / "events.parquet"))
    found = await ctx.lake.command(
        f"copy (select row_number() over (order by n) as i, * from ({select}) order by i) to {into} "
        f"(format parquet, row_group_size {sql.CHUNK}, compression lz4)",
        timeout=LONG,
    )
    return int(found[0][0])


async def read_events(
    ctx: Context, imported: ImportMap, staged: Staged, folder: Path, first: int, count: int
) -> tuple[Mapping[str, Any], Mapping[str, Any], int, dict[str, int]]:
    """(events by column, their identities by column, refused, reasons) of events `first`…"""
    source = f"(from read_parquet({sql.literal(str(folder / 'events.parquet'))}) where i between {first} and {first + count - 1})"
    part = folder / f"refused-{first}.csv"
    async with ctx.lake.transaction(timeout=LONG) as lake:
        await lake.run(f"create or replace temp table chunk as from {source}")
        await lake.run(
            f"update chunk set reason = 'larger than 1 MB' where reason is null and strlen(properties) > {LARGEST_ROW}"
        )
        await normalise(lake, table="chunk", number="i", identities=_NAMED, region=imported.region, required=False)
        refused, reasons = await refuse(lake, "unnest(ns)", staged_rows(folder), part, staged.dialect.columns)
        events = await lake.columns("select i, key, name, ts, traits, properties from chunk where reason is null order by i")
        ids = await lake.columns("select i, kind, d.value from chunk_ids d join chunk using (i) where reason is null order by i")
    if refused:
        await asyncio.to_thread(append, folder / "errors.csv", part)
    return events, ids, refused, reasons
