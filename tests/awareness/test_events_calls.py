"""The Segment HTTP surface: every call, every rule, every refusal."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from antiphon.awareness.events import Journal
from antiphon.awareness.events.intake import take_in
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Leases

pytestmark = pytest.mark.store

NOW = "2026-06-01T12:00:00Z"
TRAITS = {"email": "Ann@Example.ORG", "plan": "pro", "phone": "+44 20 7946 0958"}


@pytest.fixture
def rooms() -> Any:
    names = ("foundation.access", "awareness.profiles", "awareness.consent", "awareness.events", "web")
    return [import_module(f"antiphon.{name}.room").ROOM for name in names]


class Site:
    """A site that sends events, and the worker that understands them."""

    def __init__(self, ctx: Context, http: Any, key: str) -> None:
        self.ctx, self.http, self.key = ctx, http, key

    async def send(self, call: str, body: Any, **more: Any) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.post(f"/v1/{call}", content=content, **({"auth": (self.key, "")} | more))

    async def understand(self) -> None:
        leases = Leases(self.ctx.db, self.ctx.node, self.ctx.kind)
        await leases.declare("intake", 64)
        held = await leases.share("intake", 64)
        while await take_in(self.ctx, held):
            pass

    async def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        async with self.ctx.db.connection() as conn:
            return await (await conn.execute(sql, params)).fetchall()  # type: ignore[arg-type]


@pytest.fixture
async def site(app: Any, client: Any, stranger: Any) -> Site:
    made = await client.post("/v1/sources", json={"name": "Shop"})
    assert made.status_code == 201
    return Site(app.app.state.ctx, stranger, made.json()["write_key"])


async def test_each_call_changes_what_the_profile_shows(site: Site, client: Any) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("page", {"anonymousId": "a1", "name": "Home", "properties": {"url": "https://shop/"}}),
        ("track", {"anonymousId": "a1", "event": "Product Viewed", "properties": {"price": 12.50}}),
        ("identify", {"anonymousId": "a1", "userId": "u1", "traits": TRAITS}),
        ("screen", {"userId": "u1", "name": "Cart", "category": "Shop"}),
        ("group", {"userId": "u1", "groupId": "acme", "traits": {"name": "Acme Ltd", "seats": 5}}),
        ("alias", {"userId": "u1", "previousId": "device-7"}),
    ]
    for n, (call, body) in enumerate(calls):
        answer = await site.send(call, body | {"messageId": f"m{n}", "timestamp": f"2026-06-01T11:00:0{n}Z"})
        assert (answer.status_code, answer.json()) == (200, {"success": True}), answer.text
    await site.send("track", {"anonymousId": "device-7", "event": "Late", "messageId": "m9"})
    await site.understand()
    ((profile,),) = await site.rows("select id from profile where merged_into is null")
    shown = (await client.get(f"/v1/profiles/{profile}")).json()
    assert shown["traits"] == TRAITS
    assert {(i["kind"], i["value"]) for i in shown["identities"]} == {
        ("anonymous_id", "a1"), ("user_id", "u1"), ("email", "ann@example.org"), ("phone", "+442079460958"),
        ("anonymous_id", "device-7"),
    }  # fmt: skip
    assert shown["groups"][0]["id"] == "acme" and shown["groups"][0]["traits"] == {"name": "Acme Ltd", "seats": 5}
    assert shown["known"] is True and shown["name"] == "Ann@Example.ORG"
    kinds = await site.rows("select kind, name, properties from event order by lane, seq")
    assert [(k, n) for k, n, _ in kinds] == [
        ("page", "Page Viewed"), ("track", "Product Viewed"), ("identify", "Identified"), ("screen", "Screen Viewed"),
        ("group", "Group Joined"), ("alias", "Aliased"), ("track", "Late"),
    ]  # fmt: skip
    assert kinds[0][2] == {"name": "Home", "url": "https://shop/"}
    assert kinds[3][2] == {"name": "Cart", "category": "Shop"}
    listed = (await client.get("/v1/events")).json()
    assert listed["items"][0]["name"] == "Late" and len(listed["items"]) == 7
    names = (await client.get("/v1/events/names", params={"q": "product"})).json()
    assert [(n["name"], n["properties"]) for n in names] == [("Product Viewed", {"price": "number"})]


async def test_a_batch_with_its_library_s_habits(site: Site) -> None:
    events = [{"type": "track", "userId": f"u{n}", "event": "X", "messageId": f"b{n}"} for n in range(100)]
    packed = gzip.compress(json.dumps({"batch": events, "sentAt": NOW, "context": {"ip": "1.2.3.4"}}).encode())
    answer = await site.send("batch", packed, headers={"content-encoding": "gzip"})
    assert answer.status_code == 200, answer.text
    inner = {"type": "track", "userId": "u1", "event": "Y", "messageId": "y", "writeKey": site.key}
    in_body = {"batch": [inner], "writeKey": site.key}
    assert (await site.send("batch", in_body, auth=None)).status_code == 200
    single = {"userId": "u2", "event": "Z", "writeKey": site.key, "messageId": "z"}
    assert (await site.send("t", single, auth=None, headers={"content-type": "text/plain"})).status_code == 200
    assert (await site.send("batch", {"batch": []})).status_code == 200
    await site.understand()
    assert await site.rows("select name, count(*) from event group by name order by 1") == [("X", 100), ("Y", 1), ("Z", 1)]
    assert await site.rows("select distinct context from event where name = 'X'") == [({"ip": "1.2.3.4"},)]
    assert not await site.rows("select from journal where position(%s::bytea in payload) > 0", site.key.encode())


async def test_duplicates_are_dropped_wherever_they_come(site: Site) -> None:
    event = {"type": "track", "userId": "u1", "event": "X", "messageId": "same"}
    await site.send("batch", {"batch": [event, event]})
    await site.send("track", event)
    await site.understand()
    await site.send("track", event)
    await site.understand()
    site.ctx.clock.advance(timedelta(days=6))  # type: ignore[attr-defined]
    await site.send("track", event)
    await site.understand()
    assert await site.rows("select count(*) from event") == [(1,)]
    site.ctx.clock.advance(timedelta(days=3))  # type: ignore[attr-defined]
    await site.send("track", event)
    await site.understand()
    assert await site.rows("select count(*) from event") == [(2,)]


async def test_without_message_id_each_call_counts(site: Site) -> None:
    for _ in range(3):
        await site.send("track", {"userId": "u1", "event": "X"})
    await site.understand()
    assert await site.rows("select count(distinct message_id) from event") == [(3,)]


TIMES: list[tuple[dict[str, str], str]] = [
    ({}, NOW),
    ({"timestamp": "2026-05-01T10:00:00Z"}, "2026-05-01T10:00:00Z"),
    ({"timestamp": "2025-01-01T10:00:00+03:00"}, "2025-01-01T07:00:00Z"),  # a year late is still then
    ({"timestamp": "2026-05-31T12:00:00Z", "sentAt": "2026-05-31T12:00:05Z"}, "2026-06-01T11:59:55Z"),  # a day slow
    ({"timestamp": "2026-06-02T12:00:00Z", "sentAt": "2026-06-02T12:01:00Z"}, "2026-06-01T11:59:00Z"),  # a day fast
    ({"timestamp": "2026-06-03T12:00:00Z"}, NOW),  # the future, and nothing to correct it by
    ({"originalTimestamp": "2026-06-01T11:00:00Z", "timestamp": "2026-06-01T10:00:00Z"}, "2026-06-01T11:00:00Z"),
    ({"timestamp": "2026-06-01T11:00:00"}, "2026-06-01T11:00:00Z"),  # no zone is UTC
]


async def test_time_is_corrected(site: Site) -> None:
    for n, (said, _) in enumerate(TIMES):
        assert (await site.send("track", {"userId": "u1", "event": f"E{n}"} | said)).status_code == 200
    await site.understand()
    found = dict(await site.rows("select name, ts from event"))
    assert [found[f"E{n}"].strftime("%Y-%m-%dT%H:%M:%SZ") for n in range(len(TIMES))] == [becomes for _, becomes in TIMES]


REFUSED: list[tuple[str, Any, int, str, str | None]] = [
    ("track", b"{", 400, "malformed-call", None),
    ("track", b"[1]", 400, "invalid-call", None),
    ("track", b'{"event":"X","userId":"\xff"}', 400, "malformed-call", None),
    ("track", b'{"event":"X","userId":"u","properties":' + b"[" * 5000 + b"]" * 5000 + b"}", 400, "malformed-call", None),
    ("track", b'{"event":"X","userId":"u","properties":{"n":NaN}}', 400, "malformed-call", None),
    ("track", {"userId": "u1"}, 400, "invalid-call", "event"),
    ("track", {"userId": "u1", "event": ""}, 400, "invalid-call", "event"),
    ("track", {"userId": "u1", "event": "x" * 256}, 400, "invalid-call", "event"),
    ("track", {"event": "X"}, 400, "invalid-call", "userId"),
    ("track", {"event": "X", "userId": "null"}, 400, "invalid-call", "userId"),
    ("track", {"event": "X", "userId": {"a": 1}}, 400, "invalid-call", "userId"),
    ("track", {"event": "X", "userId": "u", "properties": [1]}, 400, "invalid-call", "properties"),
    ("track", {"event": "X", "userId": "u", "timestamp": "yesterday"}, 400, "invalid-call", "timestamp"),
    ("track", {"event": "X", "userId": "u", "timestamp": 5}, 400, "invalid-call", "timestamp"),
    ("track", {"event": "X", "userId": "u", "timestamp": "1901-01-01T00:00:00Z"}, 400, "invalid-call", "timestamp"),
    ("track", {"event": "X", "userId": "u", "type": "page"}, 400, "invalid-call", "type"),
    ("track", {"event": "X", "userId": "u", "messageId": "m" * 301}, 400, "invalid-call", "messageId"),
    ("identify", {"userId": "u", "traits": "x"}, 400, "invalid-call", "traits"),
    ("group", {"userId": "u"}, 400, "invalid-call", "groupId"),
    ("alias", {"userId": "u"}, 400, "invalid-call", "previousId"),
    ("track", {"event": "X", "userId": "u", "properties": {"a": "x" * 33_000}}, 413, "event-too-large", None),
    ("batch", {"batch": [{"a": "x" * 33_000}]}, 413, "event-too-large", "batch[0]"),
    ("batch", {"batch": [{"a": "x" * 30_000}] * 20}, 413, "batch-too-large", None),
    ("batch", {"batch": ["x"]}, 400, "invalid-call", "batch[0]"),
    ("batch", {"events": []}, 400, "invalid-call", None),
]


async def test_what_breaks_a_rule_is_refused_and_changes_nothing(site: Site) -> None:
    for call, body, status, code, field in REFUSED:
        answer = await site.send(call, body)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem.get("field")) == (status, code, field), (call, body, problem)
        assert answer.headers["access-control-allow-origin"] == "*"
    assert await site.rows("select count(*) from journal") == [(0,)]


async def test_who_may_write(site: Site, client: Any) -> None:
    body = {"event": "X", "userId": "u"}
    for auth in (None, ("wk_wrong", ""), ("", "")):
        answer = await site.send("track", body, auth=auth)
        assert (answer.status_code, answer.json()["code"]) == (401, "write-key-unknown")
    (shop,) = [s for s in (await client.get("/v1/sources")).json() if s["name"] == "Shop"]
    assert shop["write_keys"][0]["revoked_at"] is None and "write_key" not in shop
    revoked = await client.delete(f"/v1/keys/{shop['write_keys'][0]['id']}")
    assert revoked.status_code in (200, 204), revoked.text
    assert (await site.send("track", body)).status_code == 401
    again = await client.post(f"/v1/sources/{shop['id']}/keys")
    assert (await site.send("track", body, auth=(again.json()["write_key"], ""))).status_code == 200
    assert (await client.post("/v1/sources", json={"name": "shop"})).status_code == 409
    assert (await client.post("/v1/sources/0/keys")).status_code in (400, 404)


async def test_browsers_and_odd_requests(site: Site) -> None:
    preflight = await site.http.options("/v1/t", headers={"origin": "https://shop", "access-control-request-method": "POST"})
    assert preflight.status_code == 204
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    assert (await site.http.get("/v1/track")).status_code == 405
    assert (await site.send("m", {"series": []})).status_code == 200
    assert (await site.send("batch", b"nonsense", headers={"content-encoding": "gzip"})).status_code == 400
    assert (await site.send("batch", b"x", headers={"content-encoding": "br"})).json()["field"] == "Content-Encoding"
    bomb = gzip.compress(b"[" + b" " * 50_000_000 + b"]")
    assert (await site.send("batch", bomb, headers={"content-encoding": "gzip"})).status_code == 413
    short = gzip.compress(json.dumps({"batch": []}).encode())[:-5]
    assert (await site.send("batch", short, headers={"content-encoding": "gzip"})).status_code == 400


async def test_what_no_store_takes_is_mended_or_refused(site: Site, client: Any) -> None:
    body = rb'{"batch":[{"type":"track","event":"A\u0000B","userId":"u\u0000",'
    body += rb'"properties":{"k\u0000":"\ud83d\ude00 \ud83d \\u0000"}},'
    body += rb'{"type":"track","event":"Huge","userId":"u2","properties":{"n":1e200000}},'
    body += rb'{"type":"track","event":"Fine","userId":"u3","properties":{"n":0.1234567890123456789012345}},'
    body += rb'{"type":"what","userId":"u4"},{"type":"track","event":"Nobody"}]}'
    assert (await site.send("batch", body)).status_code == 200
    await site.understand()
    rows = dict(await site.rows("select name, properties::text from event"))
    assert rows["A\ufffdB"] == '{"k\ufffd": "😀 \ufffd \\\\u0000"}'
    assert rows["Fine"] == '{"n": 0.1234567890123456789012345}'
    assert len(rows) == 2
    rejects = (await client.get("/v1/rejects")).json()
    assert sorted(r["code"] for r in rejects["items"]) == ["bad_type", "no_identity", "not_storable"]
    assert rejects["waiting"] == {"bad_type": 1, "no_identity": 1, "not_storable": 1}


async def test_one_call_nobody_thought_of_does_not_stop_the_rest(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from antiphon.awareness.events import people

    real = people.identities_of

    def fragile(event: Any) -> Any:
        if event.user_id == "poison":
            raise ZeroDivisionError
        return real(event)

    monkeypatch.setattr(people, "identities_of", fragile)
    users = ["poison" if n in (3, 40) else f"u{n}" for n in range(50)]
    await site.send("batch", {"batch": [{"type": "track", "userId": user, "event": "X"} for user in users]})
    await site.understand()
    assert await site.rows("select count(*) from event") == [(48,)]
    assert await site.rows("select code, detail from reject") == [("not_understood", "ZeroDivisionError")] * 2


async def test_a_reject_is_replayed_with_its_time(site: Site, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from antiphon.awareness.events import calls

    monkeypatch.setattr(calls, "LONGEST_NAME", 3)
    late = {"type": "track", "event": "Long", "userId": "u", "timestamp": "2026-06-01T10:00:00Z", "messageId": "m"}
    await site.send("batch", {"batch": [late], "sentAt": "2026-06-01T10:00:30Z"})
    await site.understand()
    monkeypatch.undo()
    (reject,) = (await client.get("/v1/rejects", params={"waiting": "true"})).json()["items"]
    assert (reject["code"], json.loads(reject["payload"])["event"]) == ("bad_event_name", "Long")
    site.ctx.clock.advance(timedelta(hours=5))  # type: ignore[attr-defined]
    assert (await client.post(f"/v1/rejects/{reject['id']}/replay")).json() == {"replayed": 1}
    assert (await client.post(f"/v1/rejects/{reject['id']}/replay")).status_code == 404
    assert (await client.post("/v1/rejects/replay", json={})).json() == {"replayed": 0}
    await site.understand()
    ((ts,),) = await site.rows("select ts from event")
    assert ts.strftime("%H:%M:%S") == "11:59:30"


async def test_a_full_queue_says_so_and_loses_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.awareness.events.journal.MOST_WAITING_BYTES", 10)
    answer = await site.send("track", {"event": "X", "userId": "u"})
    assert (answer.status_code, answer.json()["code"]) == (503, "journal-full")
    assert int(answer.headers["retry-after"]) >= 1
    assert site.ctx.get(Journal).waiting_bytes == 0


async def test_live_pages_show_each_event_once(site: Site, client: Any) -> None:
    place = (await client.get("/v1/events/live")).json()["after"]
    seen: list[str] = []
    for n in range(3):
        await site.send("track", {"event": f"E{n}", "userId": "u"})
        await site.understand()
        page = (await client.get("/v1/events/live", params={"after": place})).json()
        seen += [e["name"] for e in page["items"]]
        place = page["after"]
    assert seen == ["E0", "E1", "E2"]
    first = (await client.get("/v1/events", params={"limit": 2})).json()
    second = (await client.get("/v1/events", params={"limit": 2, "cursor": first["next"]})).json()
    assert [e["name"] for e in first["items"] + second["items"]] == ["E2", "E1", "E0"]
    assert (await client.get("/v1/events", params={"cursor": "rubbish"})).status_code == 400
    only = (await client.get("/v1/events", params={"name": "E1", "kind": "track"})).json()
    assert [e["name"] for e in only["items"]] == ["E1"]


async def test_roles(as_role: Callable[[str], Any], stranger: Any, site: Site) -> None:
    analyst = await as_role("analyst")
    assert (await analyst.get("/v1/events")).status_code == 200
    assert (await analyst.post("/v1/sources", json={"name": "X"})).status_code == 403
    assert (await analyst.post("/v1/rejects/replay", json={})).status_code == 403
    for path in ("/v1/events", "/v1/events/live", "/v1/events/names", "/v1/rejects", "/v1/sources", "/v1/profiles"):
        assert (await stranger.get(path)).status_code == 401
