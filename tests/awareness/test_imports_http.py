"""Imports over HTTP: a file streams in, is looked at, imported, and what was refused comes back as CSV."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from antiphon.awareness.imports.loading import JOBS
from antiphon.awareness.imports.loops import tidy
from antiphon.awareness.imports.model import guess_map
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import register_kinds, run_one
from antiphon.foundation.lake import LakeClient

CSV = b"E-mail;Name;Plan\nann@x.org;Ann;gold\n=cmd|' /C calc'!A0;Eve;red\nbob@x.org;<script>;\n"
MAP = {"kind": "customers", "delimiter": ";", "identities": {"email": "E-mail"}, "traits": {"name": "Name", "plan": "Plan"}}


async def upload(client: httpx.AsyncClient, data: bytes, name: str = "people.csv") -> int:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 7):
            yield data[at : at + 7]

    answer = await client.post("/v1/imports/files", params={"name": name}, content=chunks())
    assert answer.status_code == 201, answer.text
    assert answer.json()["size"] == len(data)
    return int(answer.json()["id"])


async def test_from_upload_to_refused_rows(ctx: Context, lake: LakeClient, client: httpx.AsyncClient) -> None:
    register_kinds(JOBS)
    file_id = await upload(client, CSV)
    seen = (await client.post(f"/v1/imports/files/{file_id}/preview", json={"kind": "customers"})).json()
    assert (seen["columns"], seen["delimiter"], seen["rows"][0]) == (
        ["E-mail", "Name", "Plan"],
        ";",
        ["ann@x.org", "Ann", "gold"],
    )
    assert seen["map"]["identities"] == {"email": "E-mail"} and "utf-8" in seen["encodings"]
    dry = (await client.post("/v1/imports", json={"file_id": file_id, "map": MAP, "dry_run": True})).json()
    real = await client.post("/v1/imports", json={"file_id": file_id, "map": MAP})
    assert real.status_code == 201
    while await run_one(ctx):
        pass
    checked = (await client.get(f"/v1/imports/{dry['id']}")).json()
    assert (checked["state"], checked["dry_run"], checked["made"], checked["refused"]) == ("done", True, 0, 1)
    done = (await client.get(f"/v1/imports/{real.json()['id']}")).json()
    assert (done["state"], done["rows"], done["made"], done["refused"], done["has_errors"]) == ("done", 3, 2, 1, True)
    assert done["reasons"] == [{"code": "names-nobody", "where": "email", "wording": "email names nobody", "rows": 1}]
    assert done["map"]["traits"] == MAP["traits"]
    errors = await client.get(f"/v1/imports/{done['id']}/errors")
    assert errors.headers["content-type"].startswith("text/csv")
    assert "'=cmd|" in errors.text and ",=cmd" not in errors.text and "Eve" in errors.text
    listed = (await client.get("/v1/imports", params={"limit": 1})).json()
    assert [one["id"] for one in listed["items"]] == [done["id"]] and listed["next"]
    older = (await client.get("/v1/imports", params={"limit": 1, "cursor": listed["next"]})).json()
    assert [one["id"] for one in older["items"]] == [dry["id"]]


async def test_bad_requests_name_the_field_and_change_nothing(lake: LakeClient, client: httpx.AsyncClient) -> None:
    file_id = await upload(client, CSV)

    async def refused(body: dict[str, Any]) -> tuple[int, str]:
        answer = await client.post("/v1/imports", json=body)
        return answer.status_code, answer.json().get("field") or ""

    assert await refused({"file_id": file_id, "map": {"kind": "customers"}}) == (400, "identities")
    assert await refused({"file_id": file_id + 99, "map": MAP}) == (404, "file_id")
    assert await refused({"file_id": file_id, "map": MAP | {"encoding": "klingon"}}) == (400, "encoding")
    assert (await refused({"file_id": file_id, "map": MAP | {"surprise": 1}}))[0] == 400
    assert (await client.get("/v1/imports")).json()["items"] == []
    assert (await client.get("/v1/imports/77")).status_code == 404
    empty = await client.post("/v1/imports/files", params={"name": "empty.csv"}, content=b"")
    assert (empty.status_code, empty.json()["field"]) == (400, "file")
    broken = await upload(client, b"PK\x03\x04 no workbook at all", "broken.xlsx")
    answer = await client.post(f"/v1/imports/files/{broken}/preview", json={})
    assert answer.status_code == 400 and "spreadsheet" in answer.json()["detail"]


async def test_a_waiting_import_is_cancelled(ctx: Context, lake: LakeClient, client: httpx.AsyncClient) -> None:
    file_id = await upload(client, CSV)
    begun = (await client.post("/v1/imports", json={"file_id": file_id, "map": MAP})).json()
    answer = await client.post(f"/v1/imports/{begun['id']}/cancel")
    assert answer.status_code == 200 and answer.json()["state"] == "cancelled"
    async with ctx.db.connection() as conn:
        assert await (await conn.execute("select count(*) from profile")).fetchone() == (0,)


async def test_who_may_only_read_may_not_import(lake: LakeClient, as_role: Any, stranger: httpx.AsyncClient) -> None:
    analyst = await as_role("analyst")
    assert (await analyst.get("/v1/imports")).status_code == 200
    assert (await analyst.post("/v1/imports/files", params={"name": "a"}, content=b"x")).status_code == 403
    assert (await stranger.get("/v1/imports")).status_code == 401


async def test_files_are_not_kept_for_ever(tmp_path: Path) -> None:
    for name in ("uploads/old", "uploads/new", "imports/1/errors.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    long_ago = time.time() - 30 * 86_400
    for name in ("uploads/old", "imports/1"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    assert await asyncio.to_thread(tidy, tmp_path) == 2
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["new"]


async def test_a_quote_that_is_never_closed_does_not_hide_the_file(lake: LakeClient, client: httpx.AsyncClient) -> None:
    lines = [f"{n};c{n}@example.org;+44 7700 900{n:03};Ada;yes\n" for n in range(600)]
    for n in range(0, 600, 33):
        lines[n] = f'{n};c{n}@example.org;;"=HYPERLINK(""x"")";no\n'
    lines[200] = '"never closed;x@example.org;;;\n'
    file_id = await upload(client, ("No;E-mail;Mobile;First name;News\n" + "".join(lines)).encode("utf-8-sig"))
    seen = (await client.post(f"/v1/imports/files/{file_id}/preview", json={"kind": "customers"})).json()
    assert seen["columns"] == ["No", "E-mail", "Mobile", "First name", "News"]
    assert seen["delimiter"] == ";" and [row[0] for row in seen["rows"][:3]] == ["0", "1", "2"]
    assert seen["rows"][0][3] == '=HYPERLINK("x")'


def test_a_proposed_trait_is_named_as_templates_can_say_it() -> None:
    proposed = guess_map("customers", ["Client No", "E-mail", "First name", "Имя", "Total (€)", "first-name 2", "%", "plan", "user_id", "X y", "x_y"])
    assert proposed["identities"] == {"email": "E-mail", "user_id": "Client No"}
    assert proposed["traits"] == {
        "first_name": "First name", "Имя": "Имя", "total": "Total (€)", "first_name_2": "first-name 2", "%": "%", "plan": "plan",
        "user_id": "user_id", "X y": "X y", "x_y": "x_y", "email": "E-mail",
    }  # fmt: skip
