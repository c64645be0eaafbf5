"""Loading: staged rows become customers, or events of customers, set by set. A job that may run again from its beginning."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from antiphon.awareness.events import Journal
from antiphon.awareness.imports import store
from antiphon.awareness.imports.compile import CHUNK
from antiphon.awareness.imports.model import ImportMap, check_map
from antiphon.awareness.imports.staging import Exported, Staged, export_customers, gather_events, read_events, stage
from antiphon.awareness.profiles import Identity, Person, load_people, resolve, stamp_of, touch
from antiphon.awareness.traits import TraitType, observe_traits
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import JobKind, RunningJob
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import micros

RUN = "imports.run"
_LOADERS = 2
_EVENTS = 5_000
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


class Tally(msgspec.Struct):
    """What became of the rows so far. `made` are new customers, or new events."""

    rows: int = 0
    refused: int = 0
    made: int = 0
    changed: int = 0
    unchanged: int = 0
    reasons: dict[str, int] = {}

    def refuse(self, count: int, reasons: Mapping[str, int]) -> None:
        self.refused += count
        for reason, many in reasons.items():
            if reason in self.reasons or len(self.reasons) < 100:
                self.reasons[reason] = self.reasons.get(reason, 0) + many


def import_folder(ctx: Context, import_id: int) -> Path:
    """Where an import keeps its staged rows and its error file."""
    return ctx.settings.data_path / "imports" / str(import_id)


async def run_import(ctx: Context, job: RunningJob) -> Mapping[str, Any]:
    """Import a file: read it, refuse what is wrong, load the rest."""
    async with ctx.db.transaction() as conn:
        await job.fence(conn)
        work = await store.read_import(conn, job.id)
        await store.begin_import(conn, work.id)
    imported = msgspec.convert(work.map, ImportMap)
    check_map(imported)
    folder = import_folder(ctx, work.id)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tally = Tally()
    try:
        await job.progress(message="reading the file")
        staged = await stage(ctx, Path(work.path), imported, folder)
        tally.refuse(staged.broken, {"broken line": staged.broken} if staged.broken else {})
        await _declare(ctx, imported, staged)
        if imported.kind == "customers":
            await _load_customers(ctx, job, work, imported, staged, folder, tally)
        else:
            await _load_events(ctx, job, work, imported, staged, folder, tally)
    except BaseException:
        with suppress(Exception):
            await _note(ctx, work.id, tally, folder, "failed")
        raise
    finally:
        for leftover in folder.iterdir():
            if leftover.name != "errors.csv":
                leftover.unlink(missing_ok=True)
    await _note(ctx, work.id, tally, folder, "done")
    return {key: getattr(tally, key) for key in tally.__struct_fields__}


async def _note(ctx: Context, import_id: int, tally: Tally, folder: Path, state: str) -> None:
    errors = str(folder / "errors.csv") if tally.refused else None
    async with ctx.db.transaction() as conn:
        await store.note_import(
            conn, import_id, rows=tally.rows, refused=tally.refused, made=tally.made, changed=tally.changed,
            unchanged=tally.unchanged, reasons=tally.reasons, errors=errors, state=state,
        )  # fmt: skip


async def _declare(ctx: Context, imported: ImportMap, staged: Staged) -> None:
    """The traits of a map have types before the first customer has them."""
    types: dict[str, TraitType] = {}
    for key in imported.traits:
        kind = staged.types[f"traits.{key}"]
        types[key] = "number" if kind == "integer" else kind
    if types:
        async with ctx.db.transaction() as conn:
            await observe_traits(conn, types, ctx.clock.now())


# Customers.


async def _load_customers(
    ctx: Context, job: RunningJob, work: store.Work, imported: ImportMap, staged: Staged, folder: Path, tally: Tally
) -> None:
    stamp = stamp_of(work.as_of, f"import:{work.sha256[:16]}:")
    sets = iter(range(1, staged.rows + 1, CHUNK))
    await job.progress(0, staged.rows, "loading customers" if not work.dry_run else "checking customers")

    async def loader() -> None:
        conn = await ctx.db.dedicated()
        try:
            await conn.execute("set temp_buffers = '48MB'")
            for first in sets:
                ready = await export_customers(ctx, imported, staged, folder, first, stamp=stamp, load=not work.dry_run)
                if not work.dry_run and ready.accepted:
                    await _load_set(ctx, conn, job, ready, work.as_of, tally)
                tally.rows += ready.accepted + ready.refused
                tally.refuse(ready.refused, ready.reasons)
                await job.progress(min(tally.rows, staged.rows))
        finally:
            await conn.close()

    await _together(loader)


async def _together(loader: Callable[[], Any]) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(_LOADERS):
            group.create_task(loader())


async def _load_set(ctx: Context, conn: Connection, job: RunningJob, ready: Exported, at: datetime, tally: Tally) -> None:
    loaded = await load_people(
        conn, lambda: file_chunks(ready.rows), lambda: file_chunks(ready.identities), at=at, fence=job.fence
    )
    await wake(conn, "traits.mirror")
    for path in (ready.rows, ready.identities):
        path.unlink()
    tally.made += loaded.new
    tally.changed += loaded.changed
    tally.unchanged += loaded.unchanged


async def file_chunks(path: Path) -> AsyncIterator[bytes]:
    """A file a piece at a time."""
    with path.open("rb") as file:
        while block := file.read(1 << 18):
            yield block


# Events.


async def _load_events(
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


JOBS = (JobKind(RUN, run_import),)
