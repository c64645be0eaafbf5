"""Every table that holds something of a customer is exported and erased, or says here why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import antiphon
from antiphon.foundation.postgres import Database, load_queries

pytestmark = pytest.mark.store

ELSEWHERE = {"alias": {"from_id", "to_id", "into_id"}, "merge_proposal": {"low_id", "high_id"}, "profile": {"id"}}
"""Where the customer's column is not called profile_id; and sets of customers' ids."""
SETS = {
    "campaign_audience": "ids alone, of nobody once the profile is gone: a campaign's numbers are counted by them",
    "experiment_deal": "ids alone; `experiments.erase` takes the customer out of every deal",
    "journey_intake": "ids alone, forgotten as soon as all were let in; who is nobody any more is let in nowhere",
    "mirror_change": "ids alone: which rows of the mirror were written when; gone with the next upkeep",
    "segment_base": "ids alone; `segments.erase` takes the customer out of every segment and folds what is packed",
    "segment_delta": "ids alone, as above",
}

NOT_ERASED = {
    "profile_dirty": "an id without a profile is what tells the mirror to forget it; the copier deletes the row",
}
NOT_EXPORTED = {
    "alias": "merges are shown as the identities and traits they brought",
    "computed_dirty": "a queue of ids",
    "contact": "when rows of `delivery`, which is exported, count towards caps",
    "consent_state": "the latest of `consent`, which is exported whole",
    "delivery_displaced": "where a row of `delivery`, which is exported, waits for room",
    "delivery_queue": "where a row of `delivery`, which is exported, waits",
    "delivery_settle": "a queue of ids",
    "delivery_watch": "a queue of ids",
    "event_correction": "a queue of events, which are exported",
    "event_corrected": "whose events, which are exported as they are now, were corrected",
    "journey_heard": "a queue of events, which are exported",
    "message_text": "which texts were said to whom; `delivery` is exported",
    "merge_proposal": "names somebody else as well; what it compares is exported as identities",
    "preference": "the latest of `preference_change`, which is exported whole",
    "profile_dirty": "a queue of ids",
    "profile_search": "an index of words of traits, which are exported",
    "profile_unindexed": "a queue of ids",
    "provider_message": "what a provider calls a row of `delivery`, which is exported",
    "trait_tally": "half-counted values of computed traits, which are exported as traits",
}
COLUMNS = """
    select c.relname, array_agg(a.attname) from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition group by 1
"""
STATEMENTS = [
    (name, queries[name].lower())
    for path in Path(antiphon.__file__).parent.rglob("*.sql")
    if path.name != "lake.sql"
    for queries in [load_queries(path)]
    for name in queries
]
EXPORT = re.compile(r"^(export_|read_profile$|read_identities$|read_groups$|read_merged$|read_former$|places$)")


async def of_customers(db: Database) -> set[str]:
    async with db.connection() as conn:
        tables: dict[str, list[str]] = dict(await (await conn.execute(COLUMNS)).fetchall())
    named = {table for table, columns in tables.items() if any("profile_id" in column for column in columns)}
    assert set(ELSEWHERE) | set(SETS) <= set(tables)
    packed = {t for t, columns in tables.items() if {"ids", "members", "bitmap"} & set(columns) or t == "segment_delta"}
    assert packed == set(SETS), "a new set of customers: say how it is erased"
    return named | set(ELSEWHERE)


async def test_every_table_of_customers_is_erased(db: Database) -> None:
    erasing = " ".join(text for name, text in STATEMENTS if name.startswith(("erase_", "veil_")))
    for table in sorted(await of_customers(db) - set(NOT_ERASED)):
        assert re.search(rf"(delete from|update) {table}\b", erasing), f"nothing erases {table}: do, or say why not"


async def test_every_table_of_customers_is_exported(db: Database) -> None:
    exporting = " ".join(text for name, text in STATEMENTS if EXPORT.match(name))
    tables = await of_customers(db)
    for table in sorted(tables - set(NOT_EXPORTED) - {"event"}):  # events are exported through the lake, hot and cold
        assert re.search(rf"(from|join) {table}\b", exporting), f"nothing exports {table}: do, or say why not"
    assert set(NOT_EXPORTED) | set(NOT_ERASED) <= tables, "said of a table that is none of customers"
