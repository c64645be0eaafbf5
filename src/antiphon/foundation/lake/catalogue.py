"""The lake's catalogue in PostgreSQL remembers each table's least and greatest value of every column, of erased rows as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from antiphon.foundation.postgres import Connection, load_queries

SQL = load_queries(Path(__file__).with_name("lake.sql"))
CATALOGUE = "lake_catalogue"
"""The schema of PostgreSQL that holds the catalogue."""


async def forget_ranges(conn: Connection, tables: Mapping[str, Sequence[str]]) -> int:
    """Forget the least and greatest values of whole tables, but of the columns named; returns of how many columns.

    Unknown bounds are never wrong; each file keeps its own, which go with the file.
    """
    forgotten = 0
    for table, kept in tables.items():
        forgotten += (await conn.execute(SQL.forget_ranges, {"table": table, "kept": list(kept)})).rowcount
    return forgotten
