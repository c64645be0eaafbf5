"""Importing customers: what comes in, what is refused and why, and that nothing comes in twice."""

from __future__ import annotations

import asyncio
import csv
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from antiphon.awareness.events import Journal
from antiphon.awareness.events.journal import open_journal
from antiphon.awareness.imports import begin_import, compile as compiling, customers, parse_map, store, take_file
from antiphon.awareness.imports.compile import plain_identity
from antiphon.awareness.imports.loading import JOBS, import_folder
from antiphon.awareness.imports.model import BadMap, ColumnMissing, ImportMap
from antiphon.awareness.imports.reading import mend
from antiphon.awareness.imports.refusing import safe_cell
from antiphon.awareness.imports.room import ROOM as IMPORTS
from antiphon.awareness.imports.sweeping import ImportUnderWay
from antiphon.awareness.profiles import normal_identity
from antiphon.awareness.profiles.room import ROOM as PROFILES
from antiphon.awareness.profiles.service import ask_erasure
from antiphon.awareness.traits.room import ROOM as TRAITS
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import find_job, register_kinds, run_one
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.personal import PERSONAL
from antiphon.foundation.postgres import dict_row

pytestmark = pytest.mark.store

MAP = """
kind = "customers"
[identities]
email = "E-mail"
phone = "Phone"
[traits]
plan = "Plan"
age = { column = "Age", type = "number" }
vip = { column = "VIP", type = "boolean" }
since = { column = "Since", type = "date", format = "%d.%m.%Y" }
email = "E-mail"
"""
HEAD = "E-mail,Phone,Plan,Age,VIP,Since\n"
GOOD = (
    HEAD + "Ann@Example.com,+447700900001,gold,31,yes,02.01.2026\nbob@example.com,,red,40.50,no,\n,+447700900003,,,,03.01.2026\n"
)


@asynccontextmanager
async def journal(ctx: Context) -> AsyncIterator[None]:
    async with open_journal(ctx) as opened:
        ctx.put(Journal, opened)
        yield
        ctx.drop(Journal)


async def bring(ctx: Context, path: Path, text: str | ImportMap, *, dry_run: bool = False) -> store.Import:
    """Import a file to its end."""
    register_kinds(JOBS)
    imported = parse_map(text) if isinstance(text, str) else text
    file = await take_file(ctx, SYSTEM, path)
    begun = await begin_import(ctx, SYSTEM, file_id=file.id, imported=imported, dry_run=dry_run)
    assert await run_one(ctx)
    async with ctx.db.connection() as conn:
        return await store.find_import(conn, begun.id)


def write(folder: Path, text: str, name: str = "people.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


async def people(ctx: Context) -> list[dict[str, Any]]:
    async with ctx.db.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "select p.id, p.traits, (select jsonb_object_agg(kind, value) from identity i where i.profile_id = p.id) as ids "
            "from profile p where merged_into is null "
            "order by (select min(value) from identity i where i.profile_id = p.id)"
        )
        return await cursor.fetchall()


def refused(ctx: Context, done: store.Import) -> list[list[str]]:
    with (import_folder(ctx, done.id) / "errors.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


async def test_customers_come_in_once(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    done = await bring(ctx, path, MAP)
    assert (done.state, done.rows, done.made, done.refused, done.has_errors) == ("done", 3, 3, 0, False)
    found = await people(ctx)
    assert [p["ids"] for p in found] == [
        {"email": "ann@example.com", "phone": "+447700900001"}, {"phone": "+447700900003"}, {"email": "bob@example.com"},
    ]  # fmt: skip
    assert found[0]["traits"] == {"plan": "gold", "age": 31, "vip": True, "since": "2026-01-02", "email": "Ann@Example.com"}
    assert found[2]["traits"] == {"plan": "red", "age": 40.5, "vip": False, "email": "bob@example.com"}
    assert found[1]["traits"] == {"since": "2026-01-03"}
    ctx.clock.advance(timedelta(days=400))  # type: ignore[attr-defined]
    again = await bring(ctx, path, MAP)
    assert (again.made, again.changed, again.unchanged) == (0, 0, 3)
    assert await people(ctx) == found


async def test_an_import_whose_process_died_goes_on_and_doubles_nothing(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    done = await bring(ctx, path, MAP)
    before = await people(ctx)
    async with ctx.db.transaction() as conn:  # as if it had died after its last commit, before it could say so
        await conn.execute(
            "update job set state = 'running', owner = 'the dead', expires = '-infinity', finished_at = null where id = %s",
            (done.job_id,),
        )
    assert await run_one(ctx)
    async with ctx.db.connection() as conn:
        again = await store.find_import(conn, done.id)
    assert (again.state, again.rows, again.made, again.unchanged) == ("done", 3, 0, 3)
    assert await people(ctx) == before


async def test_a_later_file_changes_and_a_repeated_older_one_does_not(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    first = write(tmp_path, HEAD + "a@x.org,,gold,,,\n")
    await bring(ctx, first, MAP)
    ctx.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
    second = write(tmp_path, HEAD + "a@x.org,+447700900001,red,5,,\n", "later.csv")
    done = await bring(ctx, second, MAP)
    assert done.changed == 1
    ctx.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
    repeated = await bring(ctx, first, MAP)
    assert (repeated.made, repeated.changed, repeated.unchanged) == (0, 0, 1)
    (only,) = await people(ctx)
    assert only["traits"]["plan"] == "red" and only["traits"]["age"] == 5 and only["ids"]["phone"] == "+447700900001"


async def test_rows_are_refused_with_reasons(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        HEAD
        + "no address,,a,,,\n,,b,,,\nc@x.org,,c,old,,\nd@x.org,123,d,,,\ne@x.org,,=1+1,,perhaps,\nf@x.org,,f,1,yes,31.02.2026\n"
        "good@x.org,,fine,1,yes,01.02.2026\n",
    )
    dry = await bring(ctx, path, MAP, dry_run=True)
    assert (dry.rows, dry.refused, dry.made) == (7, 6, 0) and await people(ctx) == []
    done = await bring(ctx, path, MAP)
    assert (done.rows, done.refused, done.made) == (7, 6, 1)
    head, *rows = refused(ctx, done)
    assert head == ["row", "reason", "line", "E-mail", "Phone", "Plan", "Age", "VIP", "Since"]
    reasons = {row[0]: row[1] for row in rows}
    assert reasons["1"] == "email names nobody: no address" and reasons["2"] == "no identity"
    assert reasons["3"] == "Age: not a number: old" and reasons["4"] == "phone names nobody: 123"
    assert reasons["5"] == "VIP: not yes or no: perhaps" and reasons["6"] == "Since: not a date: 31.02.2026"
    assert next(row for row in rows if row[0] == "5")[5] == "'=1+1"
    assert {(one.code, one.where, one.rows) for one in done.reasons} >= {("no-identity", None, 1), ("not-number", "Age", 1)}


async def test_broken_lines_do_not_swallow_the_rest(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    lines = [f'u{n}@x.org,,"plan, {n}",{n},,\n' for n in range(30_000)]
    lines[7_000] = 'x@x.org,,"lost quote,1,,\n'
    lines[12_000] = "too,few\n"
    lines[13_000] = "y@x.org,,a,1,,,too,many\n"
    lines[14_000] = 'z@x.org,,"two\nlines",1,,\n'
    done = await bring(ctx, write(tmp_path, HEAD + "".join(lines)), MAP)
    assert (done.made, done.refused) == (29_997, 3)
    reasons = sorted(row[1] for row in refused(ctx, done)[1:])
    assert "a quote is opened and never closed" in reasons and any(r.startswith("missing columns") for r in reasons)
    async with ctx.db.connection() as conn:
        row = await (
            await conn.execute(
                "select p.traits ->> 'plan' from profile p join identity i on i.profile_id = p.id where value = 'z@x.org'"
            )
        ).fetchone()
    assert row == ("two\nlines",)


async def test_the_same_person_twice_in_a_file_is_one_and_the_later_line_wins(
    ctx: Context, lake: LakeClient, tmp_path: Path
) -> None:
    path = write(tmp_path, HEAD + "a@x.org,,gold,1,,\nb@x.org,,x,,,\nA@x.org,,red,,,\na@x.org,+447700900001,,2,,\n")
    await bring(ctx, path, MAP)
    one, _ = sorted(await people(ctx), key=lambda p: str(p["ids"]["email"]))
    assert one["traits"]["plan"] == "red" and one["traits"]["age"] == 2 and one["ids"]["phone"] == "+447700900001"
    before = await people(ctx)
    again = await bring(ctx, path, MAP)
    assert (again.made, again.changed, again.unchanged) == (0, 0, 4) and await people(ctx) == before


async def test_other_encodings_gzip_and_spreadsheets(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    text = "почта;имя\nаня@пример.рф;Аня\nivan@example.com;Иван\n"
    for encoding in ("windows-1251", "koi8-r", "utf-16"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(text.encode(encoding))
        done = await bring(
            ctx, path, f'kind="customers"\nencoding="{encoding}"\n[identities]\nemail="почта"\n[traits]\n"имя"="имя"\n'
        )
        assert (done.rows, done.refused) == (2, 0), encoding
    found = await people(ctx)
    assert sorted(p["traits"]["имя"] for p in found) == ["Аня", "Иван"]
    packed = tmp_path / "people.csv.gz"
    packed.write_bytes(gzip.compress(GOOD.encode()))
    assert (await bring(ctx, packed, MAP)).made == 3
    wrong = tmp_path / "wrong.csv"
    wrong.write_bytes(HEAD.encode() + b"a\xff@x.org,,gold,,,\ngood1@x.org,,gold,,,\n")
    done = await bring(ctx, wrong, MAP)
    assert (done.made, done.refused) == (1, 1)


async def test_a_spreadsheet(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    path = tmp_path / "people.xlsx"
    make_spreadsheet(
        path,
        [
            ["E-mail", "Phone", "Plan", "Age", "VIP", "Since"],
            ["ann@x.org", "+447700900001", "gold", 31, None, None],
            ["bob@x.org", None, "red", 2.5, None, None],
        ],
    )
    done = await bring(ctx, path, MAP)
    assert (done.made, done.refused) == (2, 0)
    assert [p["traits"]["age"] for p in await people(ctx)] == [31, 2.5]


def make_spreadsheet(path: Path, rows: list[list[Any]]) -> None:
    """The smallest Office Open XML workbook that holds these rows."""
    import zipfile

    def shown(value: Any, place: str) -> str:
        if value is None:
            return ""
        if isinstance(value, str):
            return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
        return f'<c r="{place}"><v>{value}</v></c>'

    body = "".join(
        f'<row r="{n}">' + "".join(shown(v, f"{chr(65 + c)}{n}") for c, v in enumerate(row)) + "</row>"
        for n, row in enumerate(rows, 1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    pack = "http://schemas.openxmlformats.org/package/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{pack}"><Relationship Id="r1" Type="{rel}/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>",
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{pack}"><Relationship Id="r1" Type="{rel}/worksheet" Target="worksheets/sheet1.xml"/>'
            "</Relationships>",
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{rel}"><sheets><sheet name="People" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        book.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>')


async def test_maps_are_checked(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    for text, field in (
        ("kind = 'customers'", "identities"), ("kind='x'", "kind"),
        ("kind='customers'\n[identities]\n'E mail'='a'", "identities.E mail"),
        ("kind='events'", "name"), ("kind='customers'\nencoding='martian'\n[identities]\nemail='a'", "encoding"),
        ("kind='customers'\nnonsense=1", "nonsense"),
        ("kind='events'\nname='a'\n[time]\ncolumn='b'\nzone='Mars/Base'", "time.zone"),
    ):  # fmt: skip
        with pytest.raises(BadMap) as wrong:
            parse_map(text)
        assert field in str(wrong.value.field) + str(wrong.value), text
    done = await bring(ctx, write(tmp_path, "a,b\n1,2\n"), MAP)
    assert done.state == "failed" and done.error and "no column" in done.error
    assert issubclass(ColumnMissing, Exception)


def test_formulas_are_made_harmless() -> None:
    assert [safe_cell(c) for c in ("=1", "+x", "-cmd", "@a", "\t=1", "-5", "+44 7700", "plain")] == [
        "'=1", "'+x", "'-cmd", "'@a", "'\t=1", "-5", "+44 7700", "plain",
    ]  # fmt: skip


field = st.text(alphabet='ab,"\n', max_size=6)


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.lists(field, min_size=3, max_size=3), min_size=1, max_size=6))
def test_mending_leaves_whole_files_alone(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    folder = tmp_path_factory.mktemp("mend")
    source = folder / "a.csv"
    with source.open("w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)
    assert mend(source, folder / "b.csv", quote=b'"', delimiter=b",") == []
    assert (folder / "b.csv").read_bytes() == source.read_bytes()


identity = st.one_of(
    st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")), max_size=12),
    st.sampled_from(
        [
            "null",
            "0",
            "-1",
            "000",
            "a@b.co",
            "A.B@Example.COM",
            "a..b@x.org",
            "x@y",
            "+447700900001",
            "+999123456789",
            "447700900001",
            "user-1",
            "00000000-0000-0000-0000-000000000000",
            "guest",
            "x" * 101,
        ]
    ),
    st.builds(lambda a, b: f"{a}@{b}.com", st.text("ab.-_+", min_size=1, max_size=5), st.text("ab-", min_size=1, max_size=5)),
    st.builds(lambda n: f"+{n}", st.integers(1, 10**15)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(identity, min_size=1, max_size=40))
async def test_what_the_lake_finds_plain_is_normal(lake: LakeClient, values: list[str]) -> None:
    values = [v.strip() for v in values if v.strip()] or ["a"]
    for kind in ("email", "phone", "user_id"):
        rows = await lake.run(f"select t, {plain_identity(kind, 't')} from (select unnest($values) as t)", {"values": values})
        for text, plain in rows:
            if plain is not None:
                normal = normal_identity(kind, text)
                assert normal is not None and normal.value == plain, (kind, text)


def test_a_map_survives_json() -> None:
    found = parse_map(MAP)
    assert parse_map(msgspec.json.encode(found).decode()) == found


async def forget(ctx: Context, profile_id: int) -> int:
    """Ask for an erasure; what lies in the lake goes by jobs of its own."""
    async with ctx.db.transaction() as conn:
        return await ask_erasure(ctx, conn, SYSTEM, profile_id)


async def state_of(ctx: Context, job_id: int) -> str:
    async with ctx.db.connection() as conn:
        return (await find_job(conn, job_id)).state


async def test_who_is_erased_while_an_import_runs_does_not_come_back(
    ctx: Context, lake: LakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import has read Ann's rows, some of them loaded, some to come, when she is to be forgotten."""
    monkeypatch.setattr(PERSONAL, "_rooms", {room.name: room for room in (PROFILES, TRAITS, IMPORTS)})
    register_kinds([*PROFILES.jobs, *TRAITS.jobs])
    monkeypatch.setattr(compiling, "CHUNK", 2)
    monkeypatch.setattr(customers, "_LOADERS", 1)
    asked: list[int] = []
    loading = customers.Loader.load

    async def load(self: Any, first: int, tally: Any) -> None:
        await loading(self, first, tally)
        if not asked:
            ann = next(one["id"] for one in await people(ctx) if one["ids"].get("email") == "ann@example.com")
            asked.append(await forget(ctx, ann))
            assert await run_one(ctx)  # another worker takes it up at once
            assert await state_of(ctx, asked[0]) == "waiting"

    monkeypatch.setattr(customers.Loader, "load", load)
    rows = "ann@example.com,,gold,,,\nbob@example.com,,,,,\ncid@example.com,,,,,\nann@example.com,,red,,,\n"
    done = await bring(ctx, write(tmp_path, HEAD + rows), MAP)
    assert done.state == "done" and len(asked) == 1
    async with ctx.db.transaction() as conn:
        await conn.execute("update job set run_at = now() where id = %s", (asked[0],))
    assert await run_one(ctx)
    assert await state_of(ctx, asked[0]) == "done"
    assert [one["ids"]["email"] for one in await people(ctx)] == ["bob@example.com", "cid@example.com"]
    while await run_one(ctx):
        pass
    assert await lake.run("select count(*) from lake.profile where lower(t_email) = 'ann@example.com'") == [(0,)]


async def test_an_import_and_an_erasure_exclude_each_other(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    """However they meet between the sweep of files and the end of an erasure."""
    register_kinds(JOBS)
    file = await take_file(ctx, SYSTEM, write(tmp_path, GOOD))
    begun = await begin_import(ctx, SYSTEM, file_id=file.id, imported=parse_map(MAP), dry_run=False)
    async with ctx.db.transaction() as conn:
        assert IMPORTS.erase is not None
        await IMPORTS.erase(ctx, conn, 1)
        running = asyncio.create_task(run_one(ctx))
        async with asyncio.timeout(60):
            while await state_of(ctx, begun.job_id) != "running":
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)
        assert await people(ctx) == [], "it waits for the erasure's end"
    assert await running
    assert len(await people(ctx)) == 3
    async with ctx.db.transaction() as conn:
        await conn.execute("update job set state = 'running' where id = %s", (begun.job_id,))
    with pytest.raises(ImportUnderWay):
        async with ctx.db.transaction() as conn:
            await IMPORTS.erase(ctx, conn, 1)
