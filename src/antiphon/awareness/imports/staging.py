"""The lake's part of an import: a CSV becomes numbered rows in a Parquet file, and its columns get types."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from antiphon.awareness.imports import compile as sql
from antiphon.awareness.imports.guessing import guess_select, guessed
from antiphon.awareness.imports.model import LARGEST_ROW, CellType, ImportMap, UnreadableFile, cell, check_map
from antiphon.awareness.imports.reading import is_gzip, mend, open_plain, prepare
from antiphon.awareness.imports.refusing import add_errors, append, begin_errors, safe
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient, LakeQueryFailed

LONG = 6 * 3600.0
"""Seconds a question about a whole file may take."""
_GUESSED_FROM = 2_000
_MOST_BROKEN = 1_000_000


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How a CSV is written."""

    delimiter: str
    quote: str
    columns: list[str]
    header: bool


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """A file as numbered rows, and how many lines were broken (they are in errors.csv already)."""

    rows: int
    broken: int
    dialect: Dialect
    types: dict[str, CellType]


async def sniff(lake: LakeClient, path: Path, imported: ImportMap) -> Dialect:
    """The delimiter, quote and columns of a UTF-8 CSV. Raises UnreadableFile."""
    options = ["all_varchar=true", f"header={str(imported.header).lower()}", "strict_mode=false", "ignore_errors=true"]
    if imported.delimiter:
        options.append(f"delim={sql.literal(imported.delimiter)}")
    options.append(f"quote={sql.literal(imported.quote or chr(34))}")
    if is_gzip(path):
        options.append("compression='gzip'")
    try:
        rows = await lake.run(f"select delimiter, columns from sniff_csv({sql.literal(str(path))}, {', '.join(options)})")
    except LakeQueryFailed as failed:
        raise UnreadableFile(why=str(failed).splitlines()[0][:300]) from failed
    delimiter, columns = rows[0]
    return Dialect(
        delimiter=delimiter or ",", quote=imported.quote or '"', columns=[c["name"] for c in columns], header=imported.header
    )


async def legible(lake: LakeClient, path: Path, imported: ImportMap, folder: Path) -> tuple[Path, Dialect]:
    """How a UTF-8 CSV is written, and the file that told: a copy in `folder` without the lines whose quote nothing closes, where
    these hid it. Raises UnreadableFile."""
    try:
        return path, await sniff(lake, path, imported)
    except UnreadableFile:
        mended = folder / "legible.csv"
        likely = await asyncio.to_thread(_likely_delimiter, path)
        quote, delimiter = (imported.quote or '"').encode(), (imported.delimiter or likely).encode()
        if not await asyncio.to_thread(mend, path, mended, quote=quote, delimiter=delimiter):
            raise
        return mended, await sniff(lake, mended, imported)


def _likely_delimiter(path: Path) -> str:
    """What stands most often in the first line."""
    with open_plain(path) as source:
        first = source.readline(LARGEST_ROW).decode("utf-8", "replace")
    return max(",;\t|", key=first.count)


def _read(path: Path, dialect: Dialect) -> str:
    columns = ", ".join(f"{sql.literal(c)}: 'varchar'" for c in dialect.columns)
    gzip = ", compression='gzip'" if is_gzip(path) else ""
    return (
        f"read_csv({sql.literal(str(path))}, auto_detect=false, columns={{{columns}}}, delim={sql.literal(dialect.delimiter)}, "
        f"quote={sql.literal(dialect.quote)}, escape={sql.literal(dialect.quote)}, header={str(dialect.header).lower()}, "
        f"max_line_size={LARGEST_ROW}, buffer_size={16 * LARGEST_ROW}, store_rejects=true, rejects_limit={_MOST_BROKEN}{gzip})"
    )


async def stage(ctx: Context, path: Path, imported: ImportMap, folder: Path) -> Staged:
    """Read the whole file into `folder`/rows.parquet; broken lines go to `folder`/errors.csv with their reason.

    Raises UnreadableFile, or ColumnMissing when the map speaks of a column the file has not.
    """
    plain = await asyncio.to_thread(prepare, path, folder, encoding=imported.encoding, sheet=imported.sheet)
    told_by, dialect = await legible(ctx.lake, plain, imported, folder)
    if told_by != plain:
        told_by.unlink()
    check_map(imported, dialect.columns)
    errors = folder / "errors.csv"
    await asyncio.to_thread(begin_errors, errors, dialect.columns)
    rows, broken, lost = await _parse(ctx, plain, dialect, folder)
    if lost:
        mended = folder / "mended.csv"
        gone = await asyncio.to_thread(mend, plain, mended, quote=dialect.quote.encode(), delimiter=dialect.delimiter.encode())
        rows, broken, _ = await _parse(ctx, mended, dialect, folder)
        await asyncio.to_thread(
            add_errors, errors, [(str(g.line), "a quote is opened and never closed", g.text) for g in gone], len(dialect.columns)
        )
        broken += len(gone)
        mended.unlink()
    types = await _types(ctx.lake, imported, dialect, folder)
    return Staged(rows=rows, broken=broken, dialect=dialect, types=types)


async def _parse(ctx: Context, path: Path, dialect: Dialect, folder: Path) -> tuple[int, int, bool]:
    """(rows, broken lines, whether a lost quote may have swallowed rows)."""
    into, part = folder / "rows.parquet", folder / "broken.csv"
    async with ctx.lake.transaction(timeout=LONG) as lake:
        for table in ("reject_errors", "reject_scans"):
            await lake.run(f"drop table if exists temp.{table}")
        # Kept in the order of the file, so that a later line wins over an earlier one about the same customer.
        await lake.run("set preserve_insertion_order = true")
        try:
            found = await lake.run(
                f"copy (from {_read(path, dialect)}) to {sql.literal(str(into))} "
                f"(format parquet, row_group_size {sql.CHUNK}, compression lz4)"
            )
        except LakeQueryFailed as failed:
            raise UnreadableFile(why=str(failed).splitlines()[0][:300]) from failed
        kinds = dict(await lake.run("select error_type::varchar, count(distinct line) from reject_errors group by 1"))
        if kinds:
            blanks = "".join(", null" for _ in dialect.columns)
            await lake.run(
                f"copy (select line, min(lower(error_type::varchar) || ': ' || error_message), {safe('min(csv_line)')}{blanks} "
                f"from reject_errors group by line order by line) to {sql.literal(str(part))} (format csv, header false)"
            )
    lost = any(kind in ("UNQUOTED VALUE", "LINE SIZE OVER MAXIMUM") for kind in kinds)
    if kinds and not lost:
        await asyncio.to_thread(append, folder / "errors.csv", part)
    return int(found[0][0]), sum(kinds.values()), lost


async def _types(lake: LakeClient, imported: ImportMap, dialect: Dialect, folder: Path) -> dict[str, CellType]:
    """The type of each trait, property and item: what the map says, else what all values of the column look like."""
    types: dict[str, CellType] = {}
    unknown: dict[str, list[str]] = {}
    for part in ("traits", "properties", "item"):
        for key, source in getattr(imported, part).items():
            one = cell(source)
            place = f"{part}.{key}"
            if one.type is not None:
                types[place] = one.type
            elif one.times:
                types[place] = "number"
            elif isinstance(one.value, bool):
                types[place] = "boolean"
            elif isinstance(one.value, (int, float)):
                types[place] = "number"
            elif one.column and not one.starting and one.otherwise is None:
                unknown.setdefault(one.column, []).append(place)
            else:
                types[place] = "text"
    if unknown:
        few = f"(from {staged_rows(folder)} where {sql.ROW} <= {_GUESSED_FROM})"
        guesses = await _guess(lake, list(unknown), few)
        # A column is of a type only if all its values look like it: what is text at its beginning is read no further.
        guesses |= await _guess(lake, [c for c, guess in guesses.items() if guess != "text"], staged_rows(folder))
        for column, guess in guesses.items():
            types |= dict.fromkeys(unknown[column], guess or "text")
    return types


async def _guess(lake: LakeClient, columns: list[str], rows: str) -> dict[str, CellType | None]:
    """What all values of each column look like; None for a column without any."""
    if not columns:
        return {}
    (row,) = await lake.run(guess_select(columns, rows), timeout=LONG)
    return {column: guessed(row, number) for number, column in enumerate(columns)}


def staged_rows(folder: Path) -> str:
    """The staged rows, numbered from 1 in the order of the file; a range of numbers is read without the rest."""
    path = sql.literal(str(folder / "rows.parquet"))
    return (
        f"(select file_row_number + 1 as {sql.ROW}, * exclude (file_row_number) from read_parquet({path}, file_row_number=true))"
    )
