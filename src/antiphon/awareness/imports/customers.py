"""Loading customers: sets of staged rows go into PostgreSQL and the mirror, several sets under way at once.

A set is first taken for people nobody knows: the lake types and normalises it once, writes it as binary COPY for the tables
and, when it is committed, as typed columns into the mirror. Only when PostgreSQL refuses it, because somebody has one of its
identities, rows are told apart: those that meet known people, or one another, go the careful way of `load_people`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np

from antiphon.awareness.imports import compile as sql, store
from antiphon.awareness.imports.customers_sql import chunk_select, identities_select, trait_columns
from antiphon.awareness.imports.model import ImportMap, Tally
from antiphon.awareness.imports.naming import normalise
from antiphon.awareness.imports.reading import file_chunks
from antiphon.awareness.imports.refusing import append, refuse
from antiphon.awareness.imports.saying import channels_of, record_said
from antiphon.awareness.imports.staging import LONG, Staged, staged_rows
from antiphon.awareness.profiles import (
    AlreadyKnown,
    IdentitiesContended,
    Loaded,
    Run,
    known_rows,
    load_people,
    make_newcomers,
    reserve_ids,
    ruled_traits,
)
from antiphon.awareness.traits import mirror_newcomers
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import RunningJob
from antiphon.foundation.lake import LakeSession
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection

_LOADERS = 3
_TRIES = 6


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What all sets of an import share."""

    ctx: Context
    job: RunningJob
    work: store.Work
    imported: ImportMap
    staged: Staged
    folder: Path
    stamp: str
    channels: list[str]
    """Those a customer may wish for."""
    now: datetime
    ruled: bool
    """Whether something may be refused of a trait the rows say."""
    turn: asyncio.Lock
    """Held while writing the mirror: two writers at once are one too many."""


async def load_customers(
    ctx: Context, job: RunningJob, work: store.Work, imported: ImportMap, staged: Staged, folder: Path, tally: Tally
) -> None:
    """Load every set of an import, or (a dry run) look at each."""
    stamp = store.import_stamp(work.as_of, work.sha256)
    async with ctx.db.connection() as conn:
        ruled = not imported.traits.keys().isdisjoint(await ruled_traits(conn))
    brought = Brought(
        ctx=ctx, job=job, work=work, imported=imported, staged=staged, folder=folder, stamp=stamp,
        channels=channels_of(ctx, imported), now=ctx.clock.now(), ruled=ruled, turn=asyncio.Lock(),
    )  # fmt: skip
    sets = iter(range(1, staged.rows + 1, sql.CHUNK))
    await job.progress(0, staged.rows, "loading customers" if not work.dry_run else "checking customers")
    async with asyncio.TaskGroup() as group:
        for _ in range(_LOADERS):
            group.create_task(_load_sets(brought, sets, tally))


async def _load_sets(brought: Brought, sets: Iterator[int], tally: Tally) -> None:
    conn = await brought.ctx.db.dedicated()
    try:
        await conn.execute("set temp_buffers = '48MB'")
        async with brought.ctx.lake.session(timeout=LONG) as lake:
            loader = Loader(brought, conn, lake)
            for first in sets:
                await loader.load(first, tally)
                await brought.job.progress(min(tally.rows, brought.staged.rows))
    finally:
        await conn.close()


class Loader:
    """Loads one set after another over a connection and a session of its own."""

    def __init__(self, brought: Brought, conn: Connection, lake: LakeSession) -> None:
        self._all = brought
        self._conn = conn
        self._lake = lake
        self._wary = False
        """Whether the last set met known people: then rows are told apart before anything is written."""

    async def load(self, first: int, tally: Tally) -> None:
        """Load the rows `first`… of one set."""
        imported, folder = self._all.imported, self._all.folder
        rows = f"(from {staged_rows(folder)} where {sql.ROW} between {first} and {first + sql.CHUNK - 1})"
        part = folder / f"refused-{first}.csv"
        await self._lake.run(
            "create or replace temp table chunk as "
            + chunk_select(imported, self._all.staged.types, rows, self._all.channels, self._all.now)
        )
        await normalise(
            self._lake, table="chunk", number="n", identities=identities_select(imported), region=imported.region, required=True
        )
        refused, reasons = await refuse(self._lake, "n", rows, part, self._all.staged.dialect.columns)
        if refused:
            await asyncio.to_thread(append, folder / "errors.csv", part)
        accepted = int((await self._lake.run("select count(*) from chunk"))[0][0]) - refused
        if accepted and not self._all.work.dry_run:
            whole = accepted == min(first + sql.CHUNK, self._all.staged.rows + 1) - first
            loaded = await self._load(first, accepted, whole)
            tally.made += loaded.new
            tally.changed += loaded.changed
            tally.unchanged += loaded.unchanged
            tally.said += await record_said(
                self._all.ctx, self._conn, self._all.job, self._lake, self._all.work, self._all.imported
            )
        tally.rows += accepted + refused
        tally.refuse(refused, reasons)

    async def _load(self, first: int, accepted: int, whole: bool) -> Loaded:
        if self._all.ruled:
            await self._lake.run("create or replace temp table apart as select n from chunk where reason is null")
            return await self._careful(first)
        apart = await self._tell_apart(first) if self._wary else 0
        for _ in range(_TRIES):
            try:
                if accepted > apart:
                    await self._newcomers(first, accepted - apart, whole=whole and not apart, apart=apart > 0)
                break
            except AlreadyKnown:
                apart = await self._tell_apart(first)
        else:
            raise IdentitiesContended
        rest = await self._careful(first) if apart else Loaded()
        return msgspec.structs.replace(rest, new=rest.new + accepted - apart)

    async def _newcomers(self, first: int, count: int, *, whole: bool, apart: bool) -> None:
        """People nobody knows: into the tables, then into the mirror."""
        reserved = await reserve_ids(self._conn, count)
        if not whole:  # ids only for rows that become people
            wanted = "reason is null" + (" and n not in (from apart)" if apart else "")
            await self._lake.run(
                "create or replace temp table numbered as select n, row_number() over (order by n) - 1 as place "
                f"from chunk where {wanted}"
            )
        place = f"(n - {first})" if whole else "place"
        joined = "" if whole else " join numbered using (n)"
        number = _number(reserved.runs, place)
        people, identities = (self._all.folder / f"{what}-{first}.bin" for what in ("people", "identities"))
        at, seen = (sql.literal(when.isoformat()) + "::timestamptz" for when in (reserved.at, self._all.work.as_of))
        stamp = f"{sql.literal(self._all.stamp)} || lpad(n::varchar, 12, '0')"
        await self._lake.run(
            f"copy (select {number}, chr(1) || traits, {stamp}, {at}, {at}, {seen}, {seen} from chunk{joined}) "
            f"to {sql.literal(str(people))} (format postgres_binary)"
        )
        await self._lake.run(
            f"copy (select kind, value, {number} from chunk_ids{joined} order by kind, value) "
            f"to {sql.literal(str(identities))} (format postgres_binary)"
        )
        made = await make_newcomers(
            self._conn, reserved.runs, lambda: file_chunks(people), lambda: file_chunks(identities), fence=self._all.job.fence
        )
        for path in (people, identities):
            path.unlink()
        columns = trait_columns(self._all.imported, self._all.staged.types)
        source = (
            f"(select {number} as profile_id, {at} as created_at, {at} as updated_at, {seen} as first_seen, {seen} as last_seen, "
            f"* from chunk{joined}) made"
        )
        async with self._all.turn:
            if not await mirror_newcomers(self._lake, self._conn, made, source, columns):
                await wake(self._conn, "traits.mirror")

    async def _tell_apart(self, first: int) -> int:
        """Set apart the rows that meet somebody known, or another row of the set; returns how many."""
        path = self._all.folder / f"known-{first}.csv"
        await self._lake.run(
            f"copy (select n, kind, value, false from chunk_ids) to {sql.literal(str(path))} (format csv, header false)"
        )
        known = await known_rows(self._conn, lambda: file_chunks(path))
        path.unlink()
        await self._lake.run(
            "create or replace temp table apart as select n from known union select n from chunk_ids semi join "
            "(select kind, value from chunk_ids group by kind, value having count(*) > 1) using (kind, value)",
            tables={"known": {"n": np.array(known, dtype=np.int64)}},
        )
        await self._lake.run("delete from apart where n in (select n from chunk where reason is not null)")
        apart = int((await self._lake.run("select count(*) from apart"))[0][0])
        self._wary = apart > 0
        return apart

    async def _careful(self, first: int) -> Loaded:
        """The rows set apart, by `load_people`."""
        rows, identities = (self._all.folder / f"{what}-{first}.csv" for what in ("rows", "identities"))
        stamp = f"{sql.literal(self._all.stamp)} || lpad(n::varchar, 12, '0')"
        traits = "coalesce(removing, traits)" if self._all.imported.empty == "remove" else "traits"
        await self._lake.run(
            f"copy (select n, {traits}, {stamp} from chunk semi join apart using (n)) "
            f"to {sql.literal(str(rows))} (format csv, header false)"
        )
        await self._lake.run(
            "copy (select n, kind, value, count(*) over (partition by kind, value) > 1 from chunk_ids semi join apart using (n)) "
            f"to {sql.literal(str(identities))} (format csv, header false)"
        )
        loaded = await load_people(
            self._conn,
            lambda: file_chunks(rows),
            lambda: file_chunks(identities),
            at=self._all.work.as_of,
            fence=self._all.job.fence,
        )
        await wake(self._conn, "traits.mirror")
        for path in (rows, identities):
            path.unlink()
        return loaded


def _number(runs: list[Run], place: str) -> str:
    """SQL of the id of the row at a place among those that become people."""
    cases, begin = [], 0
    for run in runs:
        cases.append((begin + run.many, run.first - begin))
        begin += run.many
    if len(cases) == 1:
        return f"({place} + {cases[0][1]})::bigint"
    steps = " ".join(f"when {place} < {end} then {place} + {shift}" for end, shift in cases)
    return f"(case {steps} end)::bigint"
