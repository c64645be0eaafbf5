"""The suppression list: brought and taken, ending by itself, kept by digest of whom was erased; every change audited."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from antiphon.awareness.consent import ChannelKind, ChannelRegistry, Suppressed, digest_key, suppress
from antiphon.awareness.consent.listing import SHOWN, NotAList, read_list
from antiphon.awareness.consent.personal import erase, export
from antiphon.awareness.consent.service import run_out
from antiphon.awareness.imports.sweeping import ImportUnderWay, mentions, needles, remove_mentioning, sweep
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import enqueue

NOW = datetime.fromisoformat("2026-06-01T12:00:00+00:00")
REGISTRY = ChannelRegistry((ChannelKind("email", "email", "E-mail"), ChannelKind("sms", "phone", "SMS")))


def test_a_list_is_read_with_or_without_a_head() -> None:
    def read(text: str, channel: str = "email") -> list[tuple[str, str, str, str]]:
        found = read_list(text.encode(), REGISTRY, channel, source="t", now=NOW)
        return [(e.channel, e.address, e.reason, e.note) for e in found.entries]

    assert read("Ann@Example.com\r\nbob@example.com\n") == [("email", f"{n}@example.com", "manual", "") for n in ("ann", "bob")]
    assert read("\ufeffE-mail;reason;note\nann@example.com;complaint;wrote\n\n") == [("email", "ann@example.com", "complaint", "wrote")]
    assert read("channel,address\nsms,+49 151 12345678\n") == [("sms", "+4915112345678", "manual", "")]
    assert read("'+4915112345678\n", "sms") == [("sms", "+4915112345678", "manual", "")], "as our own export writes it"


def test_lines_that_cannot_be_read_are_told_and_left_out() -> None:
    text = "address,reason,expires_at,channel\na@x.org,,2027-01-01,\nnobody,,,\nb@x.org,spite,,\nc@x.org,,soon,\nd@x.org,,,pigeon\n"
    read = read_list(text.encode(), REGISTRY, "email", source="t", now=NOW)
    assert [e.address for e in read.entries] == ["a@x.org"]
    assert [one.line for one in read.why] == [3, 4, 5, 6] and read.refused == 4
    assert read.entries[0].expires_at == datetime.fromisoformat("2027-01-01T00:00:00+00:00")
    many = read_list(b"x\n" * 500, REGISTRY, "email", source="t", now=NOW)
    assert (many.refused, len(many.why)) == (500, SHOWN)
    numbers = read_list(b"8 916 123-45-67\n+7 8 916 123-45-67\n+44020 7946 0958\n", REGISTRY, "sms", source="t", now=NOW)
    assert [e.address for e in numbers.entries] == ["+79161234567", "+442079460958"] and [one.line for one in numbers.why] == [1]
    for bad in (b"", b"\xff\xfea", b"a\0b", b" \n"):
        with pytest.raises(NotAList):
            read_list(bad, REGISTRY, "email", source="t", now=NOW)


async def test_a_list_is_brought_looked_through_and_taken(client: Any, as_role: Any) -> None:
    body = "address,reason,note\nann@x.org,complaint,=cmd()\nbob@x.org,manual,\nbroken,,\n"
    brought = (await client.post("/v1/suppressions/file", content=body)).json()
    assert (brought["listed"], brought["refused"], brought["why"][0]["line"]) == (2, 1, 4)
    assert (await client.post("/v1/suppressions/file", content=body)).json()["listed"] == 0
    many = {"suppressions": [{"channel": "email", "address": f"n{n}@x.org", "expires_at": "2027-01-01T00:00:00Z"} for n in range(3)]}
    assert (await client.post("/v1/suppressions/many", json=many)).json()["listed"] == 3
    found = (await client.get("/v1/suppressions", params={"reason": "complaint"})).json()["items"]
    assert [(f["address"], f["note"], f["expires_at"]) for f in found] == [("ann@x.org", "=cmd()", None)]
    taken = await client.get("/v1/suppressions/list.csv")
    rows = list(csv.DictReader(io.StringIO(taken.text)))
    assert len(rows) == 5 and next(r for r in rows if r["address"] == "ann@x.org")["note"] == "'=cmd()"
    assert (await client.delete("/v1/suppressions/email/ann@x.org")).status_code == 204
    log = (await client.get("/v1/audit", params={"action": "consent."})).json()["items"]
    assert {one["action"] for one in log} >= {"consent.suppress_file", "consent.suppress_many", "consent.export_suppressions", "consent.unsuppress"}
    unknown = await client.post("/v1/suppressions", json={"channel": "sms", "address": "8 916 123-45-67"})
    assert (unknown.status_code, unknown.json()["code"], unknown.json()["field"]) == (400, "not-an-address", "address")
    assert (await client.post("/v1/suppressions/file", params={"channel": "pigeon"}, content=body)).status_code == 400
    agent = await as_role("agent")
    assert (await agent.post("/v1/suppressions/file", content=body)).status_code == 403
    assert (await agent.get("/v1/suppressions/list.csv")).status_code == 403


async def listed(ctx: Context) -> list[str]:
    async with ctx.db.connection() as conn:
        return [row[0] for row in await (await conn.execute("select address from suppression order by 1")).fetchall()]


@pytest.mark.store
async def test_an_entry_ends_by_itself_and_a_lasting_one_outweighs_it(ctx: Context) -> None:
    ctx.put(ChannelRegistry, REGISTRY)

    def entry(hours: int | None, reason: Any = "manual") -> Suppressed:
        until = None if hours is None else ctx.clock.now() + timedelta(hours=hours)
        return Suppressed(channel="email", address="a@x.org", reason=reason, source="t", at=ctx.clock.now(), expires_at=until)

    async with ctx.db.transaction() as conn:
        assert await suppress(ctx, conn, [entry(1)]) == 1
        assert await suppress(ctx, conn, [entry(3)]) == 1, "longer"
        assert await suppress(ctx, conn, [entry(2)]) == 0, "shorter changes nothing"
    ctx.clock.advance(timedelta(hours=2))  # type: ignore[attr-defined]
    async with ctx.db.transaction() as conn:
        assert await run_out(ctx, conn) == 0
    ctx.clock.advance(timedelta(hours=2))  # type: ignore[attr-defined]
    async with ctx.db.transaction() as conn:
        assert await suppress(ctx, conn, [entry(1)]) == 1, "the old one had run out"
    ctx.clock.advance(timedelta(hours=2))  # type: ignore[attr-defined]
    async with ctx.db.transaction() as conn:
        assert await run_out(ctx, conn) == 1
    assert await listed(ctx) == []
    async with ctx.db.transaction() as conn:
        await suppress(ctx, conn, [entry(1), entry(None)])
        assert await suppress(ctx, conn, [entry(5)]) == 0
    ctx.clock.advance(timedelta(hours=9))  # type: ignore[attr-defined]
    async with ctx.db.transaction() as conn:
        assert await run_out(ctx, conn) == 0
    assert await listed(ctx) == ["a@x.org"]


@pytest.mark.store
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("first", [("manual", None), ("complaint", 1), ("hard_bounce", 2)])
async def test_the_weightiest_reason_stands_for_the_longest_time(ctx: Context, first: Any, together: bool) -> None:
    """In whatever order they come: what a person put there for ever is there when a bounce's time is over."""
    ctx.put(ChannelRegistry, REGISTRY)
    now = ctx.clock.now()
    said = [first, *(one for one in [("manual", None), ("complaint", 1), ("hard_bounce", 2)] if one != first)]
    entries = [
        Suppressed(channel="email", address="a@x.org", reason=reason, source=reason, at=now,
                   expires_at=None if hours is None else now + timedelta(hours=hours))
        for reason, hours in said
    ]  # fmt: skip
    async with ctx.db.transaction() as conn:
        for part in [entries] if together else [[one] for one in entries]:
            await suppress(ctx, conn, part)
        row = await (await conn.execute("select reason, source, expires_at from suppression")).fetchone()
        assert row == ("manual", "manual", None)


@pytest.mark.store
async def test_an_erased_customers_address_stays_by_its_digest_alone(ctx: Context) -> None:
    ctx.put(ChannelRegistry, REGISTRY)
    async with ctx.db.transaction() as conn:
        await conn.execute("insert into profile (id) values (1), (2)")
        await conn.execute("insert into identity (kind, value, profile_id) values ('email', 'a@x.org', 1), ('email', 'b@x.org', 2)")
        entries = [Suppressed(channel="email", address=f"{n}@x.org", reason="complaint", source="t", at=NOW, note="n") for n in "ab"]
        await suppress(ctx, conn, entries)
        assert [s["address"] for s in (await export(ctx, conn, 1))["suppressions"]] == ["a@x.org"]
        await erase(ctx, conn, 1)
        kept = await (await conn.execute("select channel, digest, reason from suppression_digest")).fetchall()
        row = await (await conn.execute("select sha256(%s::bytea || convert_to('a@x.org', 'UTF8'))", (digest_key(ctx),))).fetchone()
    assert row is not None and kept == [("email", row[0], "complaint")]
    assert await listed(ctx) == ["b@x.org"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1;Ann@Example.com;x", True), ("bann@example.com", False), ("0151 123 456-78", True), ("u7;x", True), ("u77;x", False),
        ("nothing", False), ("<t>ann@example.com</t>", True),
    ],
)  # fmt: skip
def test_files_that_name_somebody_are_found_however_packed(tmp_path: Path, text: str, found: bool) -> None:
    patterns = needles(["ann@example.com", "+4915112345678", "u7"])
    data = text.encode()
    (tmp_path / "plain").write_bytes(data)
    (tmp_path / "wide").write_bytes(text.encode("utf-16"))
    (tmp_path / "gz").write_bytes(gzip.compress(b"x" * 5_000_000 + b"\n" + data))
    with zipfile.ZipFile(tmp_path / "book", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sharedStrings.xml", data)
    for name in ("plain", "gz", "book"):
        assert mentions(tmp_path / name, patterns) is found, name
    if "@" in text:
        assert mentions(tmp_path / "wide", patterns) or not found


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("émilie@xn--mlaut-jva.de", "1;ÉMILIE@ümlaut.de;x", True), ("émilie@xn--mlaut-jva.de", "E\u0301milie@U\u0308mlaut.de", True),
        ("émilie@xn--mlaut-jva.de", "emilie@umlaut.de", False), ("анна@xn--e1aybc.рф", "АННА@тест.рф", True),
        ("AB12345678", "1;ab12-3456 78;x", True), ("AB12345678", "AB123456", False), ("@anna_k", "https://t.me/Anna_K", True),
    ],
)  # fmt: skip
def test_files_name_somebody_however_it_is_spelled(tmp_path: Path, word: str, text: str, found: bool) -> None:
    for encoding in ("utf-8", "utf-16-le", "gb18030", "latin-1", "cp1251"):
        data = text.encode(encoding, "replace")
        if data.decode(encoding) == text:
            (tmp_path / "file").write_bytes(data)
            assert mentions(tmp_path / "file", needles([word])) is found, encoding


def test_only_files_that_name_somebody_go(tmp_path: Path) -> None:
    for name, text in (("uploads/a", "ann@example.com"), ("uploads/b", "bob@example.com"), ("imports/1/errors.csv", "row,ANN@example.com")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert remove_mentioning(tmp_path, []) == 0
    assert remove_mentioning(tmp_path, ["ann@example.com"]) == 2
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["b"]


async def test_nobody_is_forgotten_while_an_import_could_bring_them_back(ctx: Context) -> None:
    async with ctx.db.transaction() as conn:
        job = await enqueue(conn, "imports.run", {})
        await conn.execute("update job set state = 'running' where id = %s", (job,))
    with pytest.raises(ImportUnderWay):
        await sweep(ctx, ["ann@example.com"])
    async with ctx.db.transaction() as conn:
        await conn.execute("update job set state = 'done' where id = %s", (job,))
    await sweep(ctx, ["ann@example.com"])
