"""The schema: what the migrations make is written down, and can be spread over machines by customer."""

from __future__ import annotations

import difflib
import importlib.util
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from antiphon.foundation.postgres import Database

pytestmark = pytest.mark.store
ROOT = Path(__file__).parents[2]

WITHOUT = {
    "identity_pkey": "whoever comes in is looked up by kind and value: the way from an address to a profile must be unique everywhere",
    "merge_proposal_pkey": "belongs to two customers at once; it is a short list for people to decide, and stays on one machine",
}
"""Unique keys of customer-keyed tables that do not contain the customer, and why."""

CUSTOMER = {"profile": {"id"}, "alias": {"from_id"}, "merge_proposal": {"low_id", "high_id"}}
"""Where the customer's column is not called profile_id."""

KEYS = """
    select c.relname, i.relname, array_agg(a.attname)
    from pg_index x
    join pg_class c on c.oid = x.indrelid and c.relnamespace = 'public'::regnamespace
    join pg_class i on i.oid = x.indexrelid
    left join pg_attribute a on a.attrelid = c.oid and a.attnum = any (x.indkey)
    where x.indisunique
    group by 1, 2
"""
TABLES = """
    select c.relname, array_agg(a.attname) from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') group by 1
"""


async def test_every_unique_key_of_a_customers_table_contains_the_customer(db: Database) -> None:
    async with db.connection() as conn:
        tables: dict[str, list[str]] = dict(await (await conn.execute(TABLES)).fetchall())
        keys = await (await conn.execute(KEYS)).fetchall()
    customer = CUSTOMER | {name: {"profile_id"} for name, columns in tables.items() if "profile_id" in columns}
    assert set(customer) <= set(tables) and len(customer) >= 12
    bad = {key for table, key, columns in keys if table in customer and not customer[table] <= set(columns)}
    assert bad == set(WITHOUT)


async def test_every_column_that_holds_a_customer_is_known(db: Database) -> None:
    """A table of customers under another column's name would escape the test above."""
    async with db.connection() as conn:
        found = await (
            await conn.execute(
                """select conrelid::regclass::text, attname from pg_constraint
                   join pg_attribute on attrelid = conrelid and attnum = any (conkey)
                   where contype = 'f' and confrelid = 'profile'::regclass"""
            )
        ).fetchall()
    assert {column for _, column in found} <= {"profile_id"}


async def test_what_the_migrations_make_is_written_down(database_url: str, template: str) -> None:
    spec = importlib.util.spec_from_file_location("schema", ROOT / "scripts" / "schema.py")
    assert spec is not None and spec.loader is not None
    schema: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(schema)
    made = schema.dumped(make_conninfo(database_url, dbname=template))
    difference = difflib.unified_diff(schema.SCHEMA.read_text().splitlines(), made.splitlines(), "schema.sql", "replayed", n=1)
    assert list(difference) == [], "run make schema"
