"""Erasure everywhere: a customer whose every word is unmistakable is known in every room, erased, and looked for.

Afterwards every Parquet file is decoded, every column of every table of PostgreSQL searched (packed ones unpacked), the lake's
catalogue with its least and greatest values and PostgreSQL's own statistics included, and every file of the data folder read.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from antiphon.app import all_rooms
from antiphon.awareness.consent import Evidence, Said, current_preferences, state_preferences
from antiphon.awareness.events import move_events
from antiphon.awareness.events.upkeep import expire, forget_ranges, remove_orphans
from antiphon.execution.delivery import Content, NewDispatch
from antiphon.execution.delivery.service import submit_one
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import register_kinds, run_one
from antiphon.foundation.loops import Loop, run_until_idle

MARK = "zqxjkv"
"""Whatever is said by or of the customer contains it; nothing else does."""
PHONE = "+4915112345678"
NUMBER = 8675309123
WORDS = (MARK, PHONE.lstrip("+"), str(NUMBER))
EMAIL = f"{MARK}@{MARK}-mail.org"
QUIET = {"delivery.send", "delivery.mailboxes", "delivery.listening", "delivery.settle", "web.overview", "campaigns.run"}


def loops() -> list[Loop]:
    return [loop for room in all_rooms() for loop in room.loops if loop.name not in QUIET]


async def work(ctx: Context) -> None:
    """Everything that goes on by itself, until nothing is left to do."""
    for _ in range(3):
        await run_until_idle(ctx, loops())
        while await run_one(ctx):
            pass


@pytest.fixture
def here(app: Any) -> Context:
    register_kinds([kind for room in all_rooms() for kind in room.jobs])
    ctx: Context = app.app.state.ctx
    return ctx


async def tell(stranger: Any, key: str, *said: dict[str, Any]) -> None:
    answer = await stranger.post("/v1/batch", json={"batch": list(said)}, auth=(key, ""))
    assert answer.status_code == 200, answer.text


def track(who: dict[str, str], name: str, number: int, **properties: Any) -> dict[str, Any]:
    at = f"2026-05-{number % 28 + 1:02}T00:00:00Z"
    known = "-".join(who.values())
    return {"type": "track", **who, "event": name, "timestamp": at, "properties": properties, "messageId": f"{known}-{name}-{number}"}


async def be_known(ctx: Context, client: Any, stranger: Any) -> int:
    """The customer leaves traces in every room; returns their id."""
    key = (await client.post("/v1/sources", json={"name": "Shop"})).json()["write_key"]
    others = [
        call
        for n in range(5)
        for call in (
            {"type": "identify", "userId": f"u{n}", "traits": {"email": f"u{n}@x.org", "name": f"Name {n}", "plan": "red", "number": n}},
            track({"userId": f"u{n}"}, "Order Completed", n, total=n, coupon=f"c{n}", note="n"),
        )
    ]
    me = {"userId": f"{MARK}-user"}
    context = {"ip": "203.0.113.77", "userAgent": f"{MARK} browser", "page": {"url": f"https://x.org/{MARK}"}}
    mine: list[dict[str, Any]] = [
        track({"anonymousId": f"{MARK}-anonymous"}, "Page Seen", 0, url=f"https://x.org/?who={MARK}") | {"context": context},
        {
            "type": "identify", **me, "anonymousId": f"{MARK}-anonymous", "context": context, "messageId": f"{MARK}-identify",
            "traits": {
                "email": EMAIL, "phone": PHONE, "name": f"aaa {MARK}", "plan": f"zzz {MARK}", "number": NUMBER,
                "address": {"street": f"{MARK} street 1"}, "tags": [MARK, "b"],
            },
        },
        *(track(me, "Order Completed", n, total=NUMBER, coupon=f"{MARK} {n}", deep={"a": [{"b": MARK}]}) for n in range(3)),
        {"type": "page", **me, "name": f"{MARK} page", "properties": {"url": f"https://x.org/{MARK}"}},
        {"type": "group", **me, "groupId": "company", "traits": {"plan": "x"}},
        {"type": "track", **me, "event": "", "properties": {"why": MARK}},  # refused
    ]  # fmt: skip
    await tell(stranger, key, *others, *mine)
    await work(ctx)
    await move_events(ctx)
    (person,) = (await client.get("/v1/profiles", params={"q": f"{MARK}-user"})).json()["items"]
    await tell(stranger, key, {"type": "identify", **me, "traits": {"name": f"bbb {MARK} second", "plan": f"aaa {MARK}"}})
    assert (await client.patch("/v1/traits/number", json={"locked": True})).status_code == 200
    await tell(stranger, key, {"type": "identify", **me, "traits": {"number": f"{MARK} is none"}})
    await work(ctx)
    await move_events(ctx)
    await be_counted(ctx, client)
    await be_merged(ctx, client, stranger, key, person["id"])
    added = {"kind": "loyalty_card", "value": f"{MARK}-card"}
    assert (await client.post(f"/v1/profiles/{person['id']}/identities", json=added)).status_code == 201
    lost = {"kind": "device", "value": f"{MARK}-lost"}
    for place in ("identities", "identities/remove"):
        assert (await client.post(f"/v1/profiles/{person['id']}/{place}", json=lost)).status_code < 300
    await allow(ctx, client, person["id"])
    await be_imported(ctx, client)
    await be_written_to(ctx, client, person["id"])
    tree = {"kind": "trait", "trait": "email", "op": "set"}
    made = await client.post("/v1/segments", json={"name": "With e-mail", "tree": tree})
    assert made.status_code == 201, made.text
    await client.post(f"/v1/segments/{made.json()['id']}/refresh")
    members = (await client.get(f"/v1/segments/{made.json()['id']}/members")).json()["items"]
    assert person["id"] in [one["id"] for one in members]
    await work(ctx)
    await move_events(ctx)
    await tell(stranger, key, track(me, "Hot", 9, note=f"{MARK} hot"))
    await work(ctx)
    await tell(stranger, key, track(me, "Hot", 9, note=f"{MARK} said twice"))  # dropped, and in the journal until its day goes
    await work(ctx)
    await tell(stranger, key, track(me, "Not Yet Understood", 10, note=f"{MARK} waits"))
    return int(person["id"])


async def be_counted(ctx: Context, client: Any) -> None:
    """Traits that follow from events: what they bought most, and what they seem to like."""
    most = {"kind": "measure", "measure": "most_frequent", "event": "Order Completed", "property": "coupon"}
    likes = {"kind": "affinity", "sources": [{"event": "Order Completed", "property": "coupon"}]}
    for name, definition in (("favourite", most), ("liked", likes)):
        answer = await client.post("/v1/computed-traits", json={"name": name, "definition": definition})
        assert answer.status_code == 201, answer.text
    await work(ctx)


async def be_merged(ctx: Context, client: Any, stranger: Any, key: str, person: int) -> None:
    """Somebody else turns out to be the customer; a third shares an address and is proposed."""
    twin = {"userId": f"{MARK}-twin"}
    await tell(stranger, key, {"type": "identify", **twin, "traits": {"name": f"ccc {MARK} twin"}}, track(twin, "Twin", 3, note=MARK))
    await tell(stranger, key, {"type": "identify", "userId": f"{MARK}-third", "traits": {"email": EMAIL}})
    await work(ctx)
    await move_events(ctx)
    found = {one["user_id"]: one["id"] for one in (await client.get("/v1/profiles", params={"q": f"{MARK}-"})).json()["items"]}
    answer = await client.post(f"/v1/profiles/{person}/merge", json={"profile_id": found[f"{MARK}-twin"]})
    assert answer.status_code == 200, answer.text
    if (third := found.get(f"{MARK}-third")) is not None and third != person:
        answer = await client.post(f"/v1/profiles/{person}/merge", json={"profile_id": third})
        assert answer.status_code == 200, answer.text
    await work(ctx)


async def allow(ctx: Context, client: Any, person: int) -> None:
    """Consents, preferences and the suppression list, with evidence that names them."""
    yes = {"channel": "email", "topic": "news", "state": "granted", "source": f"call of {MARK}", "text": f"I, {MARK}", "note": MARK}
    assert (await client.post(f"/v1/profiles/{person}/consents", json=yes)).status_code == 201
    said = Said(
        profile_id=person, at=ctx.clock.now(), source=f"{MARK} said", wishes={"language": "ru", "frequency": "weekly"},
        evidence=Evidence(note=MARK),
    )  # fmt: skip
    async with ctx.db.transaction() as conn:
        await state_preferences(ctx, conn, [said])
        assert len(await current_preferences(conn, person)) == 2
    entry = {"channel": "email", "address": EMAIL, "reason": "complaint", "note": f"{MARK} wrote"}
    assert (await client.post("/v1/suppressions", json=entry)).status_code == 201
    confirm = yes | {"confirm": True, "channel": "email"}
    assert (await client.post(f"/v1/profiles/{person}/consents", json=confirm)).status_code == 201


async def be_imported(ctx: Context, client: Any) -> None:
    """A file with the customer in it, once plain and once packed; one of its rows is refused."""
    csv = f"mail;name;phone\n{EMAIL};ddd {MARK};{PHONE}\n=1+1;{MARK} writes to {EMAIL};\nok@x.org;Ok;\n".encode()
    picked = {"kind": "customers", "delimiter": ";", "identities": {"email": "mail"}, "traits": {"name": "name"}}
    for name, data in (("people.csv", csv), ("people.csv.gz", gzip.compress(csv))):
        file = (await client.post("/v1/imports/files", params={"name": name}, content=data)).json()
        answer = await client.post("/v1/imports", json={"file_id": file["id"], "map": picked})
        assert answer.status_code == 201, answer.text
        await work(ctx)
        done = (await client.get(f"/v1/imports/{answer.json()['id']}")).json()
        assert (done["state"], done["refused"]) == ("done", 1), done


async def be_written_to(ctx: Context, client: Any, person: int) -> None:
    """A message with the customer's words in it waits; another was refused."""
    settings = {"host": "127.0.0.1", "port": 2525, "security": "none", "from_email": "shop@shop.example"}
    await client.post("/v1/channels", json={"channel": "email", "name": "Main", "settings": settings})
    new = NewDispatch(key="t", channel="email", message_class="transactional", content=Content(subject="x", text="{{ word }}"))
    async with ctx.db.transaction() as conn:
        await submit_one(ctx, conn, new, profile_id=person, suffix="1", variables={"word": f"{MARK} word"})
        await conn.execute("update delivery set detail = %s, provider_id = %s", (f"550 <{EMAIL}>", f"{MARK}-id"))


def unpacked(value: bytes) -> Iterator[bytes]:
    """A value as it is, and what it may be packed as."""
    yield value
    for unpack in (zlib.decompress, gzip.decompress, lambda v: zlib.decompress(v, -15)):
        try:
            yield unpack(value)
        except (zlib.error, OSError, EOFError):
            continue


def named(text: str) -> list[str]:
    lower = text.lower()
    return [word for word in WORDS if word in lower]


async def in_tables(ctx: Context) -> dict[str, str]:
    """Where PostgreSQL still has a word: every table, view of statistics, and bytea column of every schema."""
    found: dict[str, str] = {}
    async with ctx.db.connection() as conn:
        tables = await (await conn.execute(
            "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind in ('r', 'p', 'm') and n.nspname !~ '^pg_|^information_schema'"
        )).fetchall()  # fmt: skip
        for schema, table in [*tables, ("pg_catalog", "pg_stats"), ("pg_catalog", "pg_stats_ext")]:
            for (row,) in await (await conn.execute(f'select t::text from "{schema}"."{table}" t')).fetchall():
                if named(row):
                    found[f"{schema}.{table}"] = row[:300]
        packed = await (await conn.execute(
            "select n.nspname, c.relname, a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid"
            " join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and a.atttypid = 'bytea'::regtype"
            " and n.nspname !~ '^pg_'"
        )).fetchall()  # fmt: skip
        for schema, table, column in packed:
            for (value,) in await (await conn.execute(f'select "{column}" from "{schema}"."{table}"')).fetchall():
                for data in unpacked(bytes(value or b"")):
                    if named(data.decode("latin-1")):
                        found[f"{schema}.{table}.{column}"] = data.decode("latin-1")[:300]
    return found


def in_files(folder: Path) -> dict[str, str]:
    """Where the data folder still has a word: Parquet files decoded, all files read as they are and unpacked."""
    found: dict[str, str] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        for data in unpacked(path.read_bytes()):
            if hits := named(data.decode("latin-1")):
                found[str(path)] = f"raw: {hits}"
        if path.suffix == ".parquet":
            with duckdb.connect() as engine:
                for row in engine.execute(f"select * from read_parquet('{path}', hive_partitioning=false)").fetchall():
                    if named(str(row)):
                        found[str(path)] = str(row)[:300]
                stats = engine.execute(f"select * from parquet_metadata('{path}')").fetchall()
                if named(str(stats)):
                    found[f"{path} (footer)"] = str(named(str(stats)))
    return found


async def clean_up(ctx: Context) -> None:
    """What upkeep does by itself in the days after an erasure, at once."""
    ctx.clock.advance(timedelta(days=3))  # type: ignore[attr-defined]
    async with ctx.db.connection() as conn:
        await conn.execute("update job set run_at = clock_timestamp() where state = 'waiting'")
    await work(ctx)
    for _ in range(2):
        await expire(ctx, keep=0.0)
    await remove_orphans(ctx, timedelta(0))
    await forget_ranges(ctx)


async def test_nothing_of_an_erased_customer_is_left_anywhere(
    lake: Any, here: Context, client: Any, stranger: Any, settings: Any
) -> None:
    person = await be_known(here, client, stranger)
    folder = settings.data_path
    async with here.db.connection() as conn:
        await conn.execute("analyze")
    before, files = await in_tables(here), in_files(folder)
    kept_in = {part for place in before for part in place.split(".")}
    assert {
        "profile", "identity", "event", "trait_tally", "trait_refusal", "consent", "preference_change", "suppression", "reject", "delivery", "audit",
        "pg_stats", "profile_search", "ducklake_file_column_stats", "ducklake_table_column_stats",
    } - kept_in == set(), "the test must seed what it looks for"  # fmt: skip
    assert any(path.endswith(".parquet") for path in files) and any("uploads" in p for p in files) and any("errors" in p for p in files)
    numbers = (await here.lake.run("select count(*) from lake.event"))[0][0]

    answer = await client.delete(f"/v1/profiles/{person}")
    assert answer.status_code == 202
    await work(here)
    await clean_up(here)
    assert await in_tables(here) == {}
    assert in_files(folder) == {}

    later = track({"userId": "u1"}, "Order Completed", 4, total=3, coupon="c3", note="n")
    key = (await client.post("/v1/sources", json={"name": "Other"})).json()["write_key"]
    await tell(stranger, key, later, {"type": "identify", "userId": "u1", "traits": {"name": "Name 9"}})
    await work(here)
    await move_events(here)
    await clean_up(here)
    assert await in_tables(here) == {} and in_files(folder) == {}, "what is written later brings nothing back"
    assert 5 < (await here.lake.run("select count(*) from lake.event"))[0][0] < numbers
    assert (await here.lake.run("select count(*) from lake.event where name = 'Order Completed'"))[0][0] == 6
    async with here.db.connection() as conn:
        job = await (await conn.execute("select state, args, result from job where kind = 'profiles.erase'")).fetchall()
    assert [(state, args["profile_id"]) for state, args, _ in job] == [("done", person)]
    back = {"channel": "email", "address": EMAIL}
    listed: Sequence[Any] = (await client.get("/v1/suppressions")).json()["items"]
    assert listed == [] and json.dumps(back)
    gone = await client.delete(f"/v1/suppressions/email/{EMAIL}")
    assert gone.status_code == 204, "their address stays suppressed by its digest until somebody lets it go"
