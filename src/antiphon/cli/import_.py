"""`antiphon import`: customers and events out of a file."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from antiphon.app import rooms_of
from antiphon.awareness.imports import ImportMap, begin_import, parse_map, preview, store, take_file
from antiphon.cli.installation import prepare_data_folder, private_folder, reached_database
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.config import Settings, load_settings
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.jobs import KINDS, LOOPS as JOB_LOOPS
from antiphon.foundation.lake import object_storage, start_lake
from antiphon.foundation.loops import LoopRunner
from antiphon.foundation.notices import LISTENERS
from antiphon.foundation.process import open_context

_WATCH = 0.3  # seconds between two looks


class ImportFailed(AntiphonError):
    """The import {state}: {why}"""


@click.command("import")
@click.argument("kind", type=click.Choice(["customers", "events"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--map", "map_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="How columns are read: TOML or JSON."
)
@click.option("--encoding", help="The file's encoding, in place of the map's.")
@click.option("--dry-run", is_flag=True, help="Check every row and change nothing.")
@click.option(
    "--errors", type=click.Path(dir_okay=False, path_type=Path), help="Write the refused rows, with reasons, to this file."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def command(
    kind: str, file: Path, map_file: Path | None, encoding: str | None, dry_run: bool, errors: Path | None, as_json: bool
) -> None:
    """Import customers or events from FILE (CSV, also packed by gzip, or a workbook: XLSX, XLS, XLSB, ODS).

    Importing the same file twice adds nothing. Without --map the file's beginning is shown with a map to begin from.
    """
    settings = load_settings()
    prepare_data_folder(settings)
    imported = None
    if map_file is not None:
        imported = parse_map(map_file.read_text(encoding="utf-8"))
        if encoding:
            imported = msgspec.structs.replace(imported, encoding=encoding)
        if imported.kind != kind:
            raise click.BadParameter(f"the map is one of {imported.kind}", param_hint="--map")
    with reached_database(settings) as database_url:
        asyncio.run(_run(settings, database_url, kind, file, imported, encoding or "utf-8", dry_run, errors, as_json))


async def _run(
    settings: Settings, database_url: str, kind: Any, file: Path, imported: ImportMap | None, encoding: str, dry_run: bool,
    errors: Path | None, as_json: bool,
) -> None:  # fmt: skip
    async with working(settings, database_url) as ctx:
        taken = await take_file(ctx, SYSTEM, file)
        if imported is None:
            shown = await preview(ctx, taken.id, kind=kind, encoding=encoding, delimiter=None, sheet=None)
            _show_preview(shown)
            return
        begun = await begin_import(ctx, SYSTEM, file_id=taken.id, imported=imported, dry_run=dry_run)
        done = await watch(ctx, begun.id, quiet=as_json)
        await _keep_errors(ctx, done, errors)
    _show_result(done, errors, as_json)


@asynccontextmanager
async def working(settings: Settings, database_url: str) -> AsyncIterator[Context]:
    """A process that can do the import's work itself, with a lake of its own: beside running workers it shares the loops with
    them. Other jobs than imports are the workers', who know all rooms; what other rooms are to hear is left for them."""
    every = rooms_of(settings)
    rooms = [room for room in every if room.floor in ("foundation", "awareness") or room.name == "channels"]
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(private_folder())
        lake = await asyncio.to_thread(
            start_lake, database_url, settings.data_path, lake_path=settings.lake_path, socket=folder / "lake",
            memory=settings.lake_memory, threads=settings.lake_threads, storage=object_storage(settings),
        )  # fmt: skip
        stack.push_async_callback(asyncio.to_thread, lake.close)
        ctx = await stack.enter_async_context(
            open_context(settings, "cli", rooms, database_url=database_url, lake_socket=str(lake.socket))
        )
        for room in every:
            LISTENERS.register(room.listeners)
        ours = {job.name for room in rooms if room.name == "imports" for job in room.jobs}
        for other in KINDS.keys() - ours:
            del KINDS[other]
        wanted = ("intake", "traits.mirror", "lake.events")
        loops = [*JOB_LOOPS, *(loop for room in rooms for loop in room.loops if loop.name in wanted)]
        runner = LoopRunner(ctx, loops)
        await runner.start()
        stack.push_async_callback(runner.stop)
        yield ctx


async def watch(ctx: Context, import_id: int, *, quiet: bool) -> store.Import:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task("waiting", total=None)
        while True:
            async with ctx.db.connection() as conn:
                now = await store.find_import(conn, import_id)
            bar.update(task, description=now.message or now.state, completed=now.done, total=now.total)
            if now.state in ("done", "failed", "cancelled"):
                break
            await asyncio.sleep(_WATCH)
        if now.state != "done":
            raise ImportFailed(state=now.state, why=now.error or "it was stopped")
        bar.update(task, description="settling", total=None)
        await _settle(ctx)
    return now


async def _settle(ctx: Context) -> None:
    """Wait until what was imported is understood and copied to the mirror."""
    while True:
        async with ctx.db.connection() as conn:
            row = await (await conn.execute("select exists (select from profile_dirty)")).fetchone()
            waiting = await (
                await conn.execute(
                    "select exists (select from intake_cursor c "
                    "where exists (select from journal j where j.lane = c.lane and j.seq > c.seq))"
                )
            ).fetchone()
        if not (row and row[0]) and not (waiting and waiting[0]):
            return
        await asyncio.sleep(_WATCH)


async def _keep_errors(ctx: Context, done: store.Import, errors: Path | None) -> None:
    if errors is None:
        return
    async with ctx.db.connection() as conn:
        path = await store.errors_of(conn, done.id)
    if path is not None:
        await asyncio.to_thread(shutil.copyfile, path, errors)


def _show_preview(shown: Any) -> None:
    console = Console()
    table = Table(*shown.columns, title="The file's first rows")
    for row in shown.rows[:8]:
        table.add_row(*((value or "") for value in row))
    console.print(table)
    console.print("Encodings it may be in:", ", ".join(shown.encodings))
    console.print("A map to begin from (save it, and give it as --map):")
    console.print_json(msgspec.json.encode(shown.map).decode())


def _show_result(done: store.Import, errors: Path | None, as_json: bool) -> None:
    if as_json:
        click.echo(
            msgspec.json.encode(
                {k: getattr(done, k) for k in ("rows", "refused", "made", "changed", "unchanged", "dry_run")}
                | {"reasons": {one.wording: one.rows for one in done.reasons}}
            )
        )
        return
    table = Table("what", "rows")
    for label, count in (
        ("read", done.rows), ("new", done.made), ("changed", done.changed), ("unchanged", done.unchanged),
        ("refused", done.refused),
    ):  # fmt: skip
        table.add_row(label, f"{count:,}")
    for one in done.reasons[:12]:
        table.add_row(f"  {one.wording}", f"{one.rows:,}")
    Console().print(table)
    if done.refused and errors is None:
        click.echo("Refused rows with their reasons: give --errors FILE to keep them, or fetch them from the console.")
