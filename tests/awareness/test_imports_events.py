"""Importing events: rows, groups of rows, keys that never expire, and a real shop's year whose figures come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.conftest import data_file

from antiphon.awareness.events import Journal, event_relation, move_events
from antiphon.awareness.events.intake import Intake, take_in
from antiphon.awareness.events.journal import open_journal
from antiphon.awareness.imports import ImportMap, begin_import, parse_map, store, take_file
from antiphon.awareness.imports.loading import JOBS
from antiphon.awareness.traits import mirror_profiles
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import register_kinds, run_one
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.leases import Leases
from antiphon.foundation.postgres import dict_row

MAPS = Path(__file__).parents[2] / "docs" / "maps"
VISITS = """
kind = "events"
name = "What"
key = ["Id"]
[time]
column = "When"
zone = "Asia/Shanghai"
[identities]
email = "Who"
[traits]
city = "City"
[properties]
amount = { column = "Amount", type = "number" }
tags = { column = "Tags", type = "text_list" }
"""


async def bring_events(ctx: Context, path: Path, imported: ImportMap) -> store.Import:
    """Import a file and take in what it left in the journal."""
    register_kinds(JOBS)
    async with open_journal(ctx) as journal:
        ctx.put(Journal, journal)
        file = await take_file(ctx, SYSTEM, path)
        begun = await begin_import(ctx, SYSTEM, file_id=file.id, imported=imported, dry_run=False)
        assert await run_one(ctx)
        ctx.drop(Journal)
    ctx.put(Intake, Intake())
    leases = Leases(ctx.db, ctx.node, ctx.kind)
    await leases.beat()
    await leases.declare("test.intake", 64)
    held = await leases.share("test.intake", 64)
    while await take_in(ctx, held):
        pass
    await leases.leave(["test.intake"])
    async with ctx.db.connection() as conn:
        return await store.find_import(conn, begun.id)


async def events(ctx: Context) -> list[dict[str, Any]]:
    async with ctx.db.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute("select name, ts, profile_id, properties, message_id from event order by ts, message_id")
        return await cursor.fetchall()


@pytest.mark.store
async def test_rows_become_events_once(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(
        "Id,What,When,Who,City,Amount,Tags\n"
        "1,Visited,2026-01-01 08:00,ann@x.org,Köln,12.50,a;b\n"
        "2,Visited,2026-01-01T00:00:00Z,,,,\n"
        "3,Paid,2026-01-02 08:00:01,ann@x.org,Bonn,0.1,\n"
        "4,Paid,yesterday,ann@x.org,,1,\n"
        "5,,2026-01-02,ann@x.org,,1,\n"
        "6,Paid,2026-01-03,nobody at all,,1,\n"
    )
    imported = parse_map(VISITS)
    done = await bring_events(ctx, path, imported)
    assert (done.error, done.state, done.rows, done.made, done.refused) == (None, "done", 6, 3, 3)
    assert {(one.code, one.where) for one in done.reasons} == {
        ("not-instant", "When"), ("no-event-name", None), ("names-nobody", "email"),
    }  # fmt: skip
    found = await events(ctx)
    assert [(e["name"], e["ts"].isoformat(), e["profile_id"] is None) for e in found] == [
        ("Visited", "2026-01-01T00:00:00+00:00", e["profile_id"] is None)
        if e["name"] == "Visited"
        else ("Paid", "2026-01-02T00:00:01+00:00", False)
        for e in found
    ]
    assert sorted(e["profile_id"] is None for e in found) == [False, False, True]
    assert {"amount": 12.5, "tags": ["a", "b"]} in [e["properties"] for e in found]
    async with ctx.db.connection() as conn:
        assert await (await conn.execute("select traits ->> 'city' from profile")).fetchall() == [("Bonn",)]
    again = await bring_events(ctx, path, imported)
    assert (again.made, again.unchanged) == (0, 3) and await events(ctx) == found


@pytest.mark.store
async def test_rows_without_a_key_that_repeat_exactly_count_each(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("at,who\n2026-01-01,u-1\n2026-01-01,u-1\n2026-01-01,u-2\n")
    imported = parse_map('kind="events"\ntime="at"\nname={value="Called"}\n[identities]\nuser_id="who"\n')
    assert (await bring_events(ctx, path, imported)).made == 3
    assert (await bring_events(ctx, path, imported)).made == 0
    assert len(await events(ctx)) == 3


@pytest.mark.store
async def test_lines_of_one_order_become_one_event(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "1,A,Thing,2,2010-07-01 08:27:00,0.1,17850.0,France\n"
        'C2,B,"Lamp, red",-1,2010-12-01 09:00:00,5,17850.0,Spain\n'
        "1,B,,3,2010-07-01 08:26:00,0.2,17850.0,France\n"
        "3,B,Lamp,3,2010-12-01 08:26:00,one,17850.0,France\n"
        "1,A,Thing,2,2010-07-01 08:27:00,0.1,17850.0,France\n"
    )
    done = await bring_events(ctx, path, parse_map((MAPS / "online_retail.toml").read_text()))
    assert (done.rows, done.made, done.refused) == (5, 2, 1)
    order, refund = await events(ctx)
    assert (order["name"], order["ts"].isoformat()) == ("Order Completed", "2010-07-01T07:26:00+00:00")  # summer in London
    assert order["properties"] == {
        "order_id": "1", "currency": "GBP", "country": "France", "total": 1.0,
        "products": [
            {"product_id": "A", "name": "Thing", "quantity": 2, "price": 0.1},
            {"product_id": "B", "quantity": 3, "price": 0.2},
            {"product_id": "A", "name": "Thing", "quantity": 2, "price": 0.1},
        ],
    }  # fmt: skip
    assert (refund["name"], refund["properties"]["total"]) == ("Order Refunded", -5)
    assert order["profile_id"] == refund["profile_id"]


async def test_a_real_shops_year_imports_whole_and_its_figures_come_out(ctx: Context, lake: LakeClient) -> None:
    path = data_file("online_retail.csv.gz")
    imported = parse_map((MAPS / "online_retail.toml").read_text())
    done = await bring_events(ctx, path, imported)
    assert (done.state, done.rows, done.made, done.refused, done.error) == ("done", 541_909, 25_900, 0, None)
    await move_events(ctx, batch=20_000)  # some cold, some hot
    (figures,) = await lake.run(f"""
        with orders as (
            select name, profile_id, properties::json as p from {event_relation(["name", "profile_id", "properties"])}
        ),
        lines as (
            select o.name, o.profile_id, (l ->> 'quantity')::decimal(18, 3) as quantity, (l ->> 'price')::decimal(18, 3) as price
            from orders o, unnest(from_json(o.p -> 'products', '["JSON"]')) u (l)
        )
        select (select count(*) from lines), (select count(*) from orders), (select count(distinct profile_id) from orders),
            (select count(*) from lines where profile_id is not null), (select count(*) from lines where name = 'Order Refunded'),
            (select sum(quantity * price) from lines), (select sum((p ->> 'total')::decimal(18, 3)) from orders)
    """)
    assert [str(f) for f in figures] == ["541909", "25900", "4372", "406829", "9288", "9747747.934000", "9747747.934"]
    await mirror_profiles(ctx)
    assert await lake.run("select count(*) from lake.profile") == [(4372,)]
    again = await bring_events(ctx, path, imported)
    assert (again.made, again.unchanged) == (0, 25_900)
    assert again.reasons == []
