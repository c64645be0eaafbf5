"""The lake's part of an import: a CSV becomes numbered rows in a Parquet file, and sets of them go out ready to load."""

from __future__ import annotations

import asyncio
import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from antiphon.awareness.imports import compile as sql
from antiphon.awareness.imports.model import LARGEST_ROW, CellType, ImportMap, UnreadableFile, cell, check_map
from antiphon.awareness.imports.reading import is_gzip, mend, prepare
from antiphon.awareness.profiles import normal_identity
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient, LakeQueryFailed, LakeTransaction

_LONG = 6 * 3600.0
_MOST_BROKEN = 1_000_000
_FORMULA = r"^[=+\-@\t\r]"
_NO_FORMULA = r"^[+-]?[0-9][0-9 ().,-]*$"


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
    dialect = await sniff(ctx.lake, plain, imported)
    check_map(imported, dialect.columns)
    errors = folder / "errors.csv"
    await asyncio.to_thread(_begin_errors, errors, dialect.columns)
    rows, broken, lost = await _parse(ctx, plain, dialect, folder)
    if lost:
        mended = folder / "mended.csv"
        gone = await asyncio.to_thread(mend, plain, mended, quote=dialect.quote.encode(), delimiter=dialect.delimiter.encode())
        rows, broken, _ = await _parse(ctx, mended, dialect, folder)
        await asyncio.to_thread(
            _add_errors, errors, [(str(g.line), "a quote is opened and never closed", g.text) for g in gone], len(dialect.columns)
        )
        broken += len(gone)
        mended.unlink()
    types = await _types(ctx.lake, imported, dialect, folder)
    return Staged(rows=rows, broken=broken, dialect=dialect, types=types)


async def _parse(ctx: Context, path: Path, dialect: Dialect, folder: Path) -> tuple[int, int, bool]:
    """(rows, broken lines, whether a lost quote may have swallowed rows)."""
    into, part = folder / "rows.parquet", folder / "broken.csv"
    async with ctx.lake.transaction(timeout=_LONG) as lake:
        for table in ("reject_errors", "reject_scans"):
            await lake.run(f"drop table if exists temp.{table}")
        # Kept in the order of the file, so that a later line wins over an earlier one about the same customer.
        await lake.run("set preserve_insertion_order = true")
        try:
            found = await lake.run(
                f"copy (select row_number() over () as {sql.ROW}, * from {_read(path, dialect)}) to {sql.literal(str(into))} "
                f"(format parquet, row_group_size {sql.CHUNK}, compression lz4)"
            )
        except LakeQueryFailed as failed:
            raise UnreadableFile(why=str(failed).splitlines()[0][:300]) from failed
        kinds = dict(await lake.run("select error_type::varchar, count(distinct line) from reject_errors group by 1"))
        if kinds:
            blanks = "".join(", null" for _ in dialect.columns)
            await lake.run(
                f"copy (select line, min(lower(error_type::varchar) || ': ' || error_message), {_safe('min(csv_line)')}{blanks} "
                f"from reject_errors group by line order by line) to {sql.literal(str(part))} (format csv, header false)"
            )
    lost = any(kind in ("UNQUOTED VALUE", "LINE SIZE OVER MAXIMUM") for kind in kinds)
    if kinds and not lost:
        await asyncio.to_thread(_append, folder / "errors.csv", part)
    return int(found[0][0]), sum(kinds.values()), lost


def _safe(expression: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return (
        f"case when regexp_matches({expression}, {sql.literal(_FORMULA)}) and not regexp_full_match({expression}, "
        f"{sql.literal(_NO_FORMULA)}) then '''' || {expression} else {expression} end"
    )


def safe_cell(text: str) -> str:
    """The same for one text."""
    return "'" + text if re.match(_FORMULA, text) and not re.match(_NO_FORMULA, text) else text


def _begin_errors(path: Path, columns: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerow(["row", "reason", "line", *(safe_cell(c) for c in columns)])


def _add_errors(path: Path, rows: list[tuple[str, str, str]], columns: int) -> None:
    with path.open("a", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([number, reason, safe_cell(line), *([""] * columns)] for number, reason, line in rows)


def _append(into: Path, part: Path) -> None:
    with part.open("rb") as source, into.open("ab") as out:
        while block := source.read(1 << 20):
            out.write(block)
    part.unlink()


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
        columns = list(unknown)
        (row,) = await lake.run(sql.guess_select(columns, _rows(folder)), timeout=_LONG)
        for number, column in enumerate(columns):
            types |= dict.fromkeys(unknown[column], sql.guessed(row, number))
    return types


def _rows(folder: Path) -> str:
    return f"read_parquet({sql.literal(str(folder / 'rows.parquet'))})"


async def gather_events(ctx: Context, imported: ImportMap, staged: Staged, folder: Path) -> int:
    """Rows become events, one a row or one a group, in `folder`/events.parquet; returns how many."""
    select = sql.events_select(imported, staged.types, _rows(folder), staged.dialect.columns)
    into = sql.literal(str(folder / "events.parquet"))
    found = await ctx.lake.command(
        f"copy (select row_number() over (order by n) as i, * from ({select}) order by i) to {into} "
        f"(format parquet, row_group_size {sql.CHUNK}, compression lz4)",
        timeout=_LONG,
    )
    return int(found[0][0])


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A set of rows ready to load: two CSV files (rows; identities), and how many rows were refused for which reason."""

    rows: Path
    identities: Path
    accepted: int
    refused: int
    reasons: dict[str, int]


async def export_customers(
    ctx: Context, imported: ImportMap, staged: Staged, folder: Path, first: int, *, stamp: str, load: bool
) -> Exported:
    """Rows `first`… of one set as CSV for `profiles.load_people`; refused rows go to errors.csv."""
    last = first + sql.CHUNK - 1
    source = f"(from {_rows(folder)} where {sql.ROW} between {first} and {last})"
    rows, ids, part = (folder / f"{what}-{first}.csv" for what in ("rows", "ids", "refused"))
    async with ctx.lake.transaction(timeout=_LONG) as lake:
        await lake.run("create or replace temp table chunk as " + sql.customers_select(imported, staged.types, source))
        await _normalise(lake, imported, "chunk", "n")
        refused, reasons = await _refuse(lake, "n", folder, part, staged)
        accepted = 0
        if load:
            found = await lake.run(
                f"copy (select n, traits, {sql.literal(stamp)} || lpad(n::varchar, 12, '0') from chunk where reason is null) "
                f"to {sql.literal(str(rows))} (format csv, header false)"
            )
            accepted = int(found[0][0])
            fine = "(from chunk_ids semi join (from chunk where reason is null) using (n))" if refused else "chunk_ids"
            # Whether another row has it too is told here, where it costs least.
            twice = await lake.run("select 1 from chunk_ids group by kind, value having count(*) > 1 limit 1")
            shared = "count(*) over (partition by kind, value) > 1" if twice else "false"
            await lake.run(
                f"copy (select n, kind, value, {shared} from {fine}) to {sql.literal(str(ids))} (format csv, header false)"
            )
        else:
            accepted = (await lake.run("select count(*) from chunk where reason is null"))[0][0]
        await lake.run("drop table chunk")
        await lake.run("drop table chunk_ids")
    if refused:
        await asyncio.to_thread(_append, folder / "errors.csv", part)
    return Exported(rows=rows, identities=ids, accepted=accepted, refused=refused, reasons=reasons)


async def _normalise(lake: LakeTransaction, imported: ImportMap, table: str, number: str, required: bool = True) -> None:
    """Give every identity its normal form: what is not plain is looked at here. Sets reasons where nobody is named."""
    await lake.run(
        f"create or replace temp table {table}_ids as select {number}, d.kind, d.raw, d.value from {table}, unnest(ids) u (d)"
    )
    odd = await lake.columns(f"select distinct kind, raw from {table}_ids where value is null")
    if len(odd["raw"]):
        values = [normal_identity(k, r, region=imported.region) for k, r in zip(odd["kind"], odd["raw"], strict=True)]
        given = {
            "kind": odd["kind"], "raw": odd["raw"],
            "value": np.array([v.value if v else "" for v in values], dtype=object),
        }  # fmt: skip
        await lake.run(
            f"update {table}_ids i set value = nullif(o.value, '') from normal o "
            "where i.value is null and i.kind = o.kind and i.raw = o.raw",
            tables={"normal": given},
        )
        await lake.run(
            f"update {table} c set reason = coalesce(c.reason, b.reason) from (select {number}, "
            f"min(kind || ' names nobody: ' || left(raw, 60)) as reason from {table}_ids where value is null group by 1) b "
            f"where c.{number} = b.{number}"
        )
    if required:
        await lake.run(f"update {table} set reason = 'no identity' where reason is null and len(ids) = 0")


async def _refuse(lake: LakeTransaction, lines: str, folder: Path, part: Path, staged: Staged) -> tuple[int, dict[str, int]]:
    """Write the refused rows as they were, with their reasons; (how many rows, how many by sort of reason)."""
    kinds = await lake.run(
        "select regexp_replace(reason, '(: [^:]*)$', '') as sort, count(*) from chunk where reason is not null "
        "group by 1 order by 2 desc limit 50"
    )
    if not kinds:
        return 0, {}
    columns = ", ".join(_safe(sql.column(c)) for c in staged.dialect.columns)
    found = await lake.run(
        f"copy (select c.n, c.reason, null, {columns} from {_rows(folder)} r "
        f"join (select {lines} as n, reason from chunk where reason is not null) c on r.{sql.ROW} = c.n order by c.n) "
        f"to {sql.literal(str(part))} (format csv, header false)"
    )
    return int(found[0][0]), {str(kind): int(count) for kind, count in kinds}


async def read_events(
    ctx: Context, imported: ImportMap, staged: Staged, folder: Path, first: int, count: int
) -> tuple[Mapping[str, Any], Mapping[str, Any], int, dict[str, int]]:
    """(events by column, their identities by column, refused, reasons) of events `first`…"""
    source = f"(from read_parquet({sql.literal(str(folder / 'events.parquet'))}) where i between {first} and {first + count - 1})"
    part = folder / f"refused-{first}.csv"
    async with ctx.lake.transaction(timeout=_LONG) as lake:
        await lake.run(f"create or replace temp table chunk as from {source}")
        await lake.run(
            f"update chunk set reason = 'larger than 1 MB' where reason is null and strlen(properties) > {LARGEST_ROW}"
        )
        await _normalise(lake, imported, "chunk", "i", required=False)
        refused, reasons = await _refuse(lake, "unnest(ns)", folder, part, staged)
        events = await lake.columns("select i, key, name, ts, traits, properties from chunk where reason is null order by i")
        ids = await lake.columns("select i, kind, d.value from chunk_ids d join chunk using (i) where reason is null order by i")
    if refused:
        await asyncio.to_thread(_append, folder / "errors.csv", part)
    return events, ids, refused, reasons
