"""Loading: staged rows become customers, or events of customers, set by set. A job that may run again from its beginning."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from antiphon.awareness.imports import store
from antiphon.awareness.imports.customers import load_customers
from antiphon.awareness.imports.events import load_events
from antiphon.awareness.imports.model import ImportMap, Tally, check_map
from antiphon.awareness.imports.notices import ImportFinished
from antiphon.awareness.imports.staging import Staged, stage
from antiphon.awareness.traits import TraitType, observe_traits
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import JobKind, RunningJob
from antiphon.foundation.notices import publish

RUN = "imports.run"


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
            await load_customers(ctx, job, work, imported, staged, folder, tally)
        else:
            await load_events(ctx, job, work, imported, staged, folder, tally)
    except BaseException:
        with suppress(Exception):
            await _note(ctx, work.id, tally, folder, "failed")
        raise
    finally:
        for leftover in folder.iterdir():
            if leftover.name != "errors.csv":
                leftover.unlink(missing_ok=True)
    await _note(ctx, work.id, tally, folder, "done", None if work.dry_run else work)
    return {key: getattr(tally, key) for key in tally.__struct_fields__}


async def _note(
    ctx: Context, import_id: int, tally: Tally, folder: Path, state: str, told: store.Work | None = None
) -> None:
    errors = str(folder / "errors.csv") if tally.refused else None
    async with ctx.db.transaction() as conn:
        await store.note_import(
            conn, import_id, rows=tally.rows, refused=tally.refused, made=tally.made, changed=tally.changed,
            unchanged=tally.unchanged, said=tally.said, reasons=tally.reasons, errors=errors, state=state,
        )  # fmt: skip
        if told is not None:
            finished = ImportFinished(
                import_id=import_id, kind=told.kind, name=told.name, made=tally.made, changed=tally.changed
            )
            await publish(conn, finished)


async def _declare(ctx: Context, imported: ImportMap, staged: Staged) -> None:
    """The traits of a map have types before the first customer has them."""
    types: dict[str, TraitType] = {}
    for key in imported.traits:
        kind = staged.types[f"traits.{key}"]
        types[key] = "number" if kind == "integer" else kind
    if types:
        async with ctx.db.transaction() as conn:
            await observe_traits(conn, types, ctx.clock.now())


JOBS = (JobKind(RUN, run_import),)
