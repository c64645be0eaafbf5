"""Consent over HTTP; bad input names its field and changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.ids import sign
from antiphon.foundation.postgres import Database

YES = {
    "channel": "email", "topic": "news", "state": "granted", "source": "call centre", "text": "You may write to me",
    "address": "+44",
}  # fmt: skip


@pytest.fixture
async def person(db: Database) -> int:
    async with db.connection() as conn:
        await conn.execute("insert into profile (id) values (1)")
    return 1


async def test_recording_and_reading_what_a_customer_said(client: Any, person: int) -> None:
    made = await client.post("/v1/profiles/1/consents", json=YES)
    assert made.status_code == 201 and made.json()["state"] == "granted"
    await client.post("/v1/profiles/1/consents", json=YES | {"state": "withdrawn"})
    read = (await client.get("/v1/profiles/1/consents", params={"limit": 1})).json()
    assert [s["state"] for s in read["states"]] == ["withdrawn"]
    assert [r["state"] for r in read["ledger"]["items"]] == ["withdrawn"]
    rest = (await client.get("/v1/profiles/1/consents", params={"cursor": read["ledger"]["next"]})).json()
    assert rest["ledger"]["items"][0]["evidence"] == {"text": "You may write to me", "address": "+44"}


async def test_double_opt_in_by_the_page(client: Any, stranger: Any, person: int, db: Database) -> None:
    async with db.connection() as conn:
        await conn.execute("insert into identity (kind, value, profile_id) values ('email', 'a@example.com', 1)")
    made = await client.post("/v1/profiles/1/consents", json=YES | {"confirm": True})
    assert made.json()["state"] == "pending"
    async with db.connection() as conn:
        question = "select body ->> 'url' from notice where topic = 'ConfirmationRequested'"
        row = await (await conn.execute(question)).fetchone()
    assert row is not None
    path = "/confirm/" + row[0].rpartition("/")[2]
    page = await stranger.get(path)
    assert page.status_code == 200 and "You may write to me" in page.text
    states = (await client.get("/v1/profiles/1/consents")).json()["states"]
    assert states[0]["state"] == "pending", "opening the page must change nothing"
    assert (await stranger.post(path)).status_code == 200
    assert (await client.get("/v1/profiles/1/consents")).json()["states"][0]["state"] == "granted"
    wrong = await stranger.get(path[:-1] + "~", headers={"accept-language": "ru"})
    assert wrong.status_code == 404 and "Ссылка недействительна" in wrong.text and '<html lang="ru">' in wrong.text


async def test_a_confirmation_in_the_customers_language_until_they_say_no(
    client: Any, stranger: Any, person: int, db: Database
) -> None:
    await client.post("/v1/profiles/1/preferences", json={"source": "shop", "wishes": {"language": "zh"}})
    await client.post("/v1/profiles/1/consents", json=YES | {"confirm": True, "text": ""})
    async with db.connection() as conn:
        row = await (await conn.execute("select body ->> 'url' from notice where topic = 'ConfirmationRequested'")).fetchone()
    assert row is not None
    path = "/confirm/" + row[0].rpartition("/")[2]
    page = await stranger.get(path, headers={"accept-language": "en"})
    assert "请确认" in page.text and '<html lang="zh">' in page.text
    assert "谢谢" in (await stranger.post(path, headers={"accept-language": "en"})).text
    await client.post("/v1/profiles/1/consents", json=YES | {"state": "withdrawn"})
    late = await stranger.post(path)
    assert late.status_code == 404 and "已记录" not in late.text
    assert (await client.get("/v1/profiles/1/consents")).json()["states"][0]["state"] == "withdrawn"


async def test_a_forged_confirmation_link_changes_nothing(client: Any, stranger: Any, person: int, db: Database) -> None:
    asked = (await client.post("/v1/profiles/1/consents", json=YES | {"confirm": True})).json()
    told = msgspec.json.encode([1, asked["id"]])
    secret = b"a secret of tests only, 32 bytes long"
    async with db.connection() as conn:
        row = await (await conn.execute("select body ->> 'url' from notice where topic = 'ConfirmationRequested'")).fetchone()
        assert row is not None
        real = row[0].rpartition("/")[2]
        before = await (await conn.execute("select * from consent order by id")).fetchall()
        for token in (
            sign(b"another secret, as long as ours is", "consent-confirm", told),
            sign(secret, "unsubscribe", told),  # ours, but for another purpose
            real[:-1] + ("A" if real[-1] != "A" else "B"),
            ("A" if real[0] != "A" else "B") + real[1:],
            real[: len(real) // 2],
            "%00",
            "x" * 300,
        ):
            for method in ("GET", "POST"):
                answer = await stranger.request(method, f"/confirm/{token}")
                assert answer.status_code in (400, 404), token
                assert "You may write to me" not in answer.text
                assert answer.headers["content-type"].startswith("text/html") or len(token) > 200 or token == "%00", token
        assert await (await conn.execute("select * from consent order by id")).fetchall() == before
    assert (await client.get("/v1/profiles/1/consents")).json()["states"][0]["state"] == "pending"
    assert (await stranger.get(f"/confirm/{real}")).status_code == 200  # the true one still stands


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"channel": "pigeon"}, "channel"),
    ({"topic": "weather"}, "topic"),
    ({"topic": "No Good"}, "topic"),
    ({"state": "maybe"}, "state"),
    ({"at": "2126-01-01T00:00:00Z"}, "at"),
    ({"at": "2026-01-01T00:00:00"}, "at"),
    ({"source": ""}, "source"),
    ({"colour": "red"}, "colour"),
]


async def test_bad_input_names_its_field(client: Any, person: int) -> None:
    for change, field in WRONG:
        answer = await client.post("/v1/profiles/1/consents", json=YES | change)
        assert 400 <= answer.status_code < 500 and answer.json()["field"] == field, answer.text
    assert (await client.get("/v1/profiles/1/consents")).json()["states"] == []


async def test_the_suppression_list(client: Any) -> None:
    entry = {"channel": "email", "address": " Ann@Example.com "}
    assert (await client.post("/v1/suppressions", json=entry)).json()["address"] == "ann@example.com"
    await client.post("/v1/suppressions", json={"channel": "email", "address": "bob@example.com", "reason": "complaint"})
    first = (await client.get("/v1/suppressions", params={"limit": 1})).json()
    second = (await client.get("/v1/suppressions", params={"limit": 1, "cursor": first["next"]})).json()
    assert {first["items"][0]["address"], second["items"][0]["address"]} == {"ann@example.com", "bob@example.com"}
    assert second["next"] is None
    found = (await client.get("/v1/suppressions", params={"address": "ANN"})).json()["items"]
    assert [f["address"] for f in found] == ["ann@example.com"]
    assert (await client.delete("/v1/suppressions/email/ann@example.com")).status_code == 204
    assert (await client.delete("/v1/suppressions/email/ann@example.com")).status_code == 404


async def test_topics(client: Any, person: int) -> None:
    assert (await client.post("/v1/topics", json={"name": "sport", "title": "Sport"})).status_code == 201
    assert (await client.post("/v1/topics", json={"name": "sport", "title": "Sport"})).status_code == 409
    assert (await client.put("/v1/topics/sport", json={"title": "Sports"})).json()["title"] == "Sports"
    await client.post("/v1/profiles/1/consents", json=YES | {"topic": "sport"})
    topics = {t["name"]: t for t in (await client.get("/v1/topics")).json()}
    assert topics["sport"]["granted"] == 1 and topics["news"]["granted"] == 0
    assert (await client.delete("/v1/topics/sport")).status_code == 409
    assert (await client.delete("/v1/topics/news")).status_code == 204
    assert (await client.put("/v1/topics/news", json={"title": "x"})).status_code == 404


def stated(value: str, **change: Any) -> dict[str, Any]:
    said = {name: YES[name] for name in ("channel", "topic", "state", "source", "text", "address")}
    return said | {"kind": "user_id", "value": value, "at": "2026-05-01T00:00:00Z"} | change


async def test_many_consents_at_once_by_identity(client: Any, person: int, db: Database) -> None:
    async with db.connection() as conn:
        await conn.execute("insert into identity (kind, value, profile_id) values ('user_id', 'C1', 1)")
    body = {"consents": [stated("C1"), stated("nobody"), stated("C1", topic="service", state="withdrawn")]}
    async with db.connection() as conn:
        await conn.execute("insert into topic (name, title) values ('service', 'Service') on conflict do nothing")
    assert (await client.post("/v1/consents", json=body)).json() == {"recorded": 2, "unknown": [1]}
    assert (await client.post("/v1/consents", json=body)).json() == {"recorded": 0, "unknown": [1]}
    states = (await client.get("/v1/profiles/1/consents")).json()["states"]
    assert {state["topic"]: state["state"] for state in states} == {"news": "granted", "service": "withdrawn"}


async def test_one_wrong_among_many_changes_nothing(client: Any, person: int, db: Database) -> None:
    async with db.connection() as conn:
        await conn.execute("insert into identity (kind, value, profile_id) values ('user_id', 'C1', 1)")
    for change, field in WRONG:
        answer = await client.post("/v1/consents", json={"consents": [stated("C1"), stated("C1", **change)]})
        named = answer.json()["field"].replace("[]", "[1]")
        assert 400 <= answer.status_code < 500 and named == f"consents[1].{field}", answer.text
    assert (await client.get("/v1/profiles/1/consents")).json()["states"] == []


async def test_a_confirmation_link_expires_and_is_asked_anew_once(
    clock: VirtualClock, client: Any, stranger: Any, person: int, db: Database
) -> None:
    async def links() -> list[str]:
        async with db.connection() as conn:
            rows = await (await conn.execute("select body ->> 'url' from notice where topic = 'ConfirmationRequested' order by id")).fetchall()
        return ["/confirm/" + row[0].rpartition("/")[2] for row in rows]

    await client.post("/v1/profiles/1/consents", json=YES | {"confirm": True})
    (path,) = await links()
    clock.advance(timedelta(days=29, hours=23))
    assert (await stranger.get(path)).status_code == 200
    clock.advance(timedelta(hours=1))
    late = await stranger.get(path, headers={"accept-language": "ru"})
    assert late.status_code == 410 and "Срок ссылки истёк" in late.text and "?again=true" in late.text
    assert (await stranger.post(path)).status_code == 410
    assert (await client.get("/v1/profiles/1/consents")).json()["states"][0]["state"] == "pending"
    for _ in range(3):
        sent = await stranger.post(path, params={"again": "true"})
        assert sent.status_code == 200 and "new link" in sent.text
    (_, anew) = await links()
    assert (await stranger.get(anew)).status_code == 200 and (await stranger.post(anew)).status_code == 200
    assert (await client.get("/v1/profiles/1/consents")).json()["states"][0]["state"] == "granted"
    assert "recorded" in (await stranger.post(path)).text, "they said yes meanwhile"
    assert "recorded" in (await stranger.post(path, params={"again": "true"})).text and len(await links()) == 2
    await client.post("/v1/profiles/1/consents", json=YES | {"state": "withdrawn"})
    assert (await stranger.post(path, params={"again": "true"})).status_code == 404, "a later no stays a no"
    assert len(await links()) == 2
