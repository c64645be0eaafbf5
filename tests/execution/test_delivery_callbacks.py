"""Callbacks: what providers tell is verified, durable before the answer, and changes nothing twice; the rest is refused and counted."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from tests.execution import doors
from tests.execution.test_delivery_hearing import events, person, rows, sent

from antiphon.execution.channels.webhook import signature
from antiphon.execution.delivery.doorway import Doorway
from antiphon.execution.delivery.hearing import Hearing
from antiphon.execution.delivery.tracking import Tracker
from antiphon.execution.delivery.waiting import WAITING
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import DatabaseUnavailable, PostgresError

rooms, ctx = doors.rooms, doors.ctx

pytestmark = pytest.mark.store
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def tracker(ctx: Context) -> Tracker:
    return ctx.get(Hearing).tracker


@pytest.fixture
async def account(client: httpx.AsyncClient) -> int:
    settings = {"url": "https://crm.example/in", "secret": SECRET}
    made = await client.post("/v1/channels", json={"channel": "webhook", "name": "CRM", "settings": settings})
    assert made.status_code == 201, made.text
    return int(made.json()["id"])


def signed(news: Any, *, message_id: str = "n1", at: int | None = None, secret: str = SECRET) -> dict[str, Any]:
    body = news if isinstance(news, bytes) else msgspec.json.encode(news)
    stamp = int(time.time()) if at is None else at
    headers = {"webhook-id": message_id, "webhook-timestamp": str(stamp), "webhook-signature": signature(secret, message_id, stamp, body)}
    return {"content": body, "headers": headers}


async def ledger(ctx: Context) -> dict[str, Any]:
    (row,) = await rows(
        ctx, "select state, reason, opens, clicks, delivered_at, bounced_at, replied_at, deferred_at, detail from delivery"
    )
    return row


async def test_a_receipt_is_the_ledgers_before_the_answer(
    ctx: Context, tracker: Tracker, account: int, stranger: httpx.AsyncClient
) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    call = signed({"type": "delivered", "token": tracker.hook(delivery, who)})
    for _ in range(2):
        answer = await stranger.post(f"/callbacks/{account}", **call)
        assert (answer.status_code, answer.text) == (200, "")
        row = await ledger(ctx)
        assert (row["state"], row["reason"], row["delivered_at"]) == ("delivered", "receipt", ctx.clock.now())
    assert [e["event"] for e in await events(ctx)] == ["Email Delivered"]


async def test_forged_replayed_and_large_calls_are_refused_and_counted(
    ctx: Context, tracker: Tracker, account: int, stranger: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    who = await person(ctx)
    token = tracker.hook(await sent(ctx, who), who)
    news = {"type": "bounced", "token": token, "permanent": True}
    url = f"/callbacks/{account}"
    other = "whsec_" + "b" * 32
    assert (await stranger.post(url, **signed(news, secret=other))).status_code == 403
    assert (await stranger.post(url, **signed(news, at=int(time.time()) - 3600))).json()["code"] == "callback-forged"
    assert (await stranger.post(url, json=news)).status_code == 403
    assert (await stranger.get(url, params={"a": "b"})).status_code == 403
    large = await stranger.post(url, content=b"x" * 16_000_001)
    assert (large.status_code, large.json()["code"]) == (413, "callback-too-large")
    assert (await stranger.post("/callbacks/999999", **signed(news))).status_code == 404
    assert (await ledger(ctx))["state"] == "sent" and await events(ctx) == []
    await ctx.get(Doorway).write_down()
    shown = (await client.get("/v1/callbacks/refused", params={"account_id": account})).json()
    assert {one["cause"]: one["count"] for one in shown} == {"forged": 3, "replayed": 1, "too_large": 1}
    assert {one["account_name"] for one in shown} == {"CRM"}
    assert (await stranger.get("/v1/callbacks/refused")).status_code == 401


async def test_news_by_the_providers_own_id(ctx: Context, account: int, stranger: httpx.AsyncClient) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    async with ctx.db.transaction() as conn:
        await conn.execute("insert into provider_message values (%s, 'm-1', %s, %s, now())", (account, delivery, who))
    many = [{"type": "deferred", "id": "m-1", "code": "421"}, {"type": "delivered", "id": "m-1"}]
    assert (await stranger.post(f"/callbacks/{account}", **signed(many))).status_code == 200
    row = await ledger(ctx)
    assert row["state"] == "delivered" and row["deferred_at"] is not None


async def test_news_that_comes_before_its_row_waits_for_it(ctx: Context, account: int, stranger: httpx.AsyncClient) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    for _ in range(2):
        assert (await stranger.post(f"/callbacks/{account}", **signed({"type": "delivered", "id": "m-9"}))).status_code == 200
    await run_until_idle(ctx, [WAITING])
    assert (await ledger(ctx))["state"] == "sent" and len(await rows(ctx, "select * from signal_waiting")) == 2
    async with ctx.db.transaction() as conn:
        await conn.execute("insert into provider_message values (%s, 'm-9', %s, %s, now())", (account, delivery, who))
    await run_until_idle(ctx, [WAITING])
    assert (await ledger(ctx))["state"] == "delivered" and await rows(ctx, "select * from signal_waiting") == []
    assert len(await events(ctx)) == 1


async def test_news_of_nothing_expires_and_is_counted(
    ctx: Context, account: int, stranger: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    await stranger.post(f"/callbacks/{account}", **signed({"type": "bounced", "id": "nobody"}))
    ctx.clock.advance(timedelta(hours=73))  # type: ignore[attr-defined]
    await run_until_idle(ctx, [WAITING])
    assert await rows(ctx, "select * from signal_waiting") == []
    (shown,) = (await client.get("/v1/callbacks/refused")).json()
    assert (shown["cause"], shown["count"]) == ("unknown_message", 1)


async def test_a_receipt_of_what_is_being_spoken_waits_for_its_record(
    ctx: Context, tracker: Tracker, account: int, stranger: httpx.AsyncClient
) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who, state="queued")
    async with ctx.db.transaction() as conn:
        await conn.execute(
            "insert into delivery_queue (delivery_id, profile_id, dispatch_id, bucket, state, due_at) values (%s, %s, 1, %s, 'speaking', now())",  # noqa: E501
            (delivery, who, who % 64),
        )
    await stranger.post(f"/callbacks/{account}", **signed({"type": "delivered", "token": tracker.hook(delivery, who)}))
    await run_until_idle(ctx, [WAITING])
    assert (await ledger(ctx))["state"] == "queued"
    async with ctx.db.transaction() as conn:
        await conn.execute("delete from delivery_queue")
        await conn.execute("update delivery set state = 'sent', sent_at = now()")
    await run_until_idle(ctx, [WAITING])
    assert (await ledger(ctx))["state"] == "delivered"


async def test_what_has_a_receipt_is_not_said_again(
    ctx: Context, tracker: Tracker, account: int, stranger: httpx.AsyncClient
) -> None:
    """After a crash some classes are said again; the receipt of the first time comes first."""
    who = await person(ctx)
    delivery = await sent(ctx, who, state="queued")
    async with ctx.db.transaction() as conn:
        await conn.execute(
            "insert into delivery_queue (delivery_id, profile_id, dispatch_id, bucket, state, due_at, attempts) values (%s, %s, 1, %s, 'queued', now(), 1)",  # noqa: E501
            (delivery, who, who % 64),
        )
    await stranger.post(f"/callbacks/{account}", **signed({"type": "delivered", "token": tracker.hook(delivery, who)}))
    assert (await ledger(ctx))["state"] == "delivered" and await rows(ctx, "select * from delivery_queue") == []


async def test_a_reply_is_history_and_the_last_message_is_answered(
    ctx: Context, account: int, stranger: httpx.AsyncClient
) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    async with ctx.db.transaction() as conn:
        await conn.execute("update delivery set channel = 'webhook', address = 'C-7'")
        await conn.execute("insert into identity (kind, value, profile_id) values ('user_id', 'C-7', %s)", (who,))
    call = signed({"type": "replied", "user_id": "C-7", "text": "Да, спасибо"})
    for _ in range(3):  # told thrice
        assert (await stranger.post(f"/callbacks/{account}", **call)).status_code == 200
    assert (await ledger(ctx))["replied_at"] == ctx.clock.now()
    (told,) = await events(ctx)
    assert (told["event"], told["profileId"]) == ("Webhook Replied", who)
    assert told["properties"]["text"] == "Да, спасибо" and told["properties"]["delivery_id"] == delivery
    ctx.clock.advance(timedelta(days=9))  # type: ignore[attr-defined]
    await stranger.post(f"/callbacks/{account}", **signed({"type": "replied", "user_id": "C-7", "text": "?"}, message_id="n2"))
    last = (await events(ctx))[-1]
    assert last["event"] == "Webhook Replied" and last["profileId"] == who and "delivery_id" not in last["properties"]


async def test_stop_and_start(ctx: Context, account: int, stranger: httpx.AsyncClient) -> None:
    who = await person(ctx)
    async with ctx.db.transaction() as conn:
        await conn.execute("insert into identity (kind, value, profile_id) values ('user_id', 'C-7', %s)", (who,))
        await conn.execute("insert into topic (name, title) values ('tips', 'Tips')")
        from antiphon.awareness.consent import Evidence, Statement, record_consents

        given = Statement(profile_id=who, channel="webhook", topic="news", state="granted", at=ctx.clock.now(), source="form", evidence=Evidence())
        await record_consents(conn, [given])
    for number, (kind, word) in enumerate((("unsubscribed", "STOP"), ("subscribed", "START"), ("unsubscribed", "СТОП"))):
        ctx.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
        news = {"type": kind, "user_id": "C-7", "text": word}
        await stranger.post(f"/callbacks/{account}", **signed(news, message_id=f"w{number}"))
        kept = await rows(ctx, "select topic, state from consent_state where channel = 'webhook'")
        now = {row["topic"]: row["state"] for row in kept}
        assert now["news"] == ("granted" if kind == "subscribed" else "withdrawn") and now["tips"] == "withdrawn"
    evidence = await rows(ctx, "select evidence ->> 'text' as text from consent where state = 'withdrawn' and topic = 'news' order by id")
    assert [row["text"] for row in evidence] == ["STOP", "СТОП"]
    await stranger.post(f"/callbacks/{account}", **signed({"type": "unsubscribed", "user_id": "nobody", "text": "STOP"}, message_id="x"))
    assert await rows(ctx, "select address, reason, source from suppression") == [
        {"address": "nobody", "reason": "complaint", "source": "stop"}
    ]
    ctx.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    await stranger.post(f"/callbacks/{account}", **signed({"type": "subscribed", "user_id": "nobody", "text": "START"}, message_id="y"))
    assert await rows(ctx, "select address from suppression") == []


async def test_the_word_of_somebody_who_is_no_customer_is_heeded(ctx: Context, account: int, stranger: httpx.AsyncClient) -> None:
    """They were written to by their address alone; the address tells who they are, if they are a customer by now."""
    async with ctx.db.transaction() as conn:
        for address in ("N-1", "N-2"):
            await conn.execute(
                "insert into delivery (profile_id, intent_key, dispatch_id, channel, message_class, address, state, planned_at,"
                " due_at, sent_at, bucket) values (0, %s, 1, 'webhook', 'service', %s, 'sent', %s, %s, %s, 0)",
                (address, address, *[ctx.clock.now()] * 3),
            )
    who = await person(ctx)
    async with ctx.db.transaction() as conn:
        await conn.execute("insert into identity (kind, value, profile_id) values ('user_id', 'N-2', %s)", (who,))
        await conn.execute(
            "insert into consent_state (profile_id, channel, topic, state, at, consent_id)"
            " values (%s, 'webhook', 'news', 'granted', %s, 0)", (who, ctx.clock.now() - timedelta(days=1)),
        )  # fmt: skip
    for number in (1, 2):
        news = {"type": "unsubscribed", "user_id": f"N-{number}", "text": "STOP"}
        assert (await stranger.post(f"/callbacks/{account}", **signed(news, message_id=f"s{number}"))).status_code == 200
    assert [row["address"] for row in await rows(ctx, "select address from suppression")] == ["N-1"]
    kept = await rows(ctx, "select topic, state from consent_state where channel = 'webhook' and profile_id = %s", who)
    assert {row["topic"]: row["state"] for row in kept}["news"] == "withdrawn"
    ctx.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    both = [{"type": kind, "user_id": "N-1", "text": word} for kind, word in (("subscribed", "START"), ("replied", "thanks"))]
    await stranger.post(f"/callbacks/{account}", **signed(both, message_id="s3"))
    assert await rows(ctx, "select address from suppression") == []


async def test_an_id_that_is_used_again_is_the_later_messages(ctx: Context, account: int, stranger: httpx.AsyncClient) -> None:
    """An SMSC that was started anew counts its ids from the beginning."""
    one, other = await person(ctx), await person(ctx, 2)
    before, after = await sent(ctx, other), await sent(ctx, one)
    async with ctx.db.transaction() as conn:
        for days, delivery, who in ((3, before, other), (0, after, one)):
            at = ctx.clock.now() - timedelta(days=days)
            await conn.execute("insert into provider_message values (%s, '17', %s, %s, %s)", (account, delivery, who, at))
    assert (await stranger.post(f"/callbacks/{account}", **signed({"type": "delivered", "id": "17"}))).status_code == 200
    found = await rows(ctx, "select id, state from delivery order by id")
    assert found == [{"id": before, "state": "sent"}, {"id": after, "state": "delivered"}]


async def test_opens_told_by_a_provider_count_once(
    ctx: Context, tracker: Tracker, account: int, stranger: httpx.AsyncClient
) -> None:
    who = await person(ctx)
    token = tracker.hook(await sent(ctx, who), who)
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    many = [
        {"type": "opened", "token": token, "agent": browser, "ip": "203.0.113.9"},
        {"type": "opened", "token": token, "agent": "Mozilla/5.0"},
        {"type": "clicked", "token": token, "agent": "curl/8.5", "url": "https://a.example"},
    ]
    for _ in range(3):
        await stranger.post(f"/callbacks/{account}", **signed(many))
    row = await ledger(ctx)
    assert (row["opens"], row["clicks"]) == (1, 0)
    kept = await rows(ctx, "select kind, class, rule, network from engagement order by id")
    assert [(one["class"], one["rule"], one["network"]) for one in kept] == [
        ("person", "person", "203.0.113.0/24"), ("machine", "apple_mail_privacy", ""), ("machine", "crawler", ""),
    ]  # fmt: skip


async def test_many_at_once_are_all_durable(ctx: Context, tracker: Tracker, account: int, stranger: httpx.AsyncClient) -> None:
    people = [await person(ctx, first) for first in range(1, 21)]
    tokens = [tracker.hook(await sent(ctx, who), who) for who in people]
    calls = [signed([{"type": "delivered", "token": one} for one in tokens[at : at + 5]]) for at in range(0, 20, 5)] * 3
    answers = await asyncio.gather(*(stranger.post(f"/callbacks/{account}", **call) for call in calls))
    assert {one.status_code for one in answers} == {200}
    assert await rows(ctx, "select distinct state from delivery") == [{"state": "delivered"}] and len(await events(ctx)) == 20


async def test_the_log_of_opens_and_its_rules_have_routes(
    ctx: Context, tracker: Tracker, account: int, stranger: httpx.AsyncClient, client: httpx.AsyncClient, as_role: Any
) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    url = (tracker.links(delivery, who).open_url or "").removeprefix(ctx.settings.base_url)
    await stranger.get(url)
    head = await stranger.head(url)
    assert head.status_code == 200 and head.content == b"" and (await stranger.head("/c/forged")).status_code == 404
    link = tracker.links(delivery, who).signed("https://a.example/x").removeprefix(ctx.settings.base_url)
    checked = await stranger.head(link)
    assert (checked.status_code, checked.headers["location"]) == (302, "https://a.example/x")
    page = (await client.get("/v1/engagement", params={"delivery_id": delivery, "limit": 2})).json()
    assert [(one["class"], one["rule"], one["kind"]) for one in page["items"]] == [("machine", "head", "clicked"), ("machine", "head", "opened")]
    rest = (await client.get("/v1/engagement", params={"delivery_id": delivery, "cursor": page["next"]})).json()
    assert [one["class"] for one in rest["items"]] == ["person"] and rest["next"] is None
    only = (await client.get("/v1/engagement", params={"profile_id": who, "class": "person", "rule": "person"})).json()
    (opened,) = only["items"]
    rules = (await client.get("/v1/engagement/rules")).json()
    assert rules["version"] >= 1 and {one["name"]: one["opens"] for one in rules["rules"] if one["opens"]} == {"head": 1, "person": 1}
    judged = await client.post(f"/v1/engagement/{opened['id']}/judge", json={"class": "machine"})
    assert judged.status_code == 200 and judged.json()["by_hand"], judged.text
    assert (await ledger(ctx))["opens"] == 0
    assert (await client.post("/v1/engagement/99999/judge", json={"class": "machine"})).json()["code"] == "engagement-unknown"
    begun = await client.post("/v1/engagement/reclassify", json={"since": "2026-01-01T00:00:00Z"})
    assert begun.status_code == 202 and begun.json()["job_id"] >= 1
    agent = await as_role("agent")
    assert (await agent.post("/v1/engagement/reclassify", json={"since": "2026-01-01T00:00:00Z"})).status_code == 403


@pytest.mark.parametrize("failure", [DatabaseUnavailable, PostgresError])
async def test_what_cannot_be_stored_now_is_to_be_told_again(
    ctx: Context, tracker: Tracker, account: int, stranger: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    from antiphon.execution.delivery import hearing

    who = await person(ctx)
    call = signed({"type": "bounced", "token": tracker.hook(await sent(ctx, who), who), "permanent": True})

    async def away(*_: Any) -> Any:
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(hearing, "take_in", away)
        answer = await stranger.post(f"/callbacks/{account}", **call)
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1
    assert (await ledger(ctx))["state"] == "sent"
    assert (await stranger.post(f"/callbacks/{account}", **call)).status_code == 200
    assert (await ledger(ctx))["state"] == "bounced"


async def test_a_second_process_tells_the_same_at_the_same_time(
    ctx: Context, tracker: Tracker, account: int, settings: Any, clock: Any
) -> None:
    """Two nodes get the same calls in another order: nothing is counted twice, nobody waits for ever."""
    from tests.conftest import make_context

    from antiphon.awareness.consent import ChannelRegistry
    from antiphon.awareness.events import Journal
    from antiphon.awareness.events.journal import open_journal
    from antiphon.execution.channels import Signal
    from antiphon.execution.delivery.signals import heard_of

    people = [await person(ctx, first) for first in range(1, 31)]
    tokens = [tracker.hook(await sent(ctx, who), who) for who in people]
    async with make_context(settings, ctx.db, None, clock) as other:  # type: ignore[arg-type]
        async with open_journal(other) as journal:
            other.put(Journal, journal)
            other.put(ChannelRegistry, ctx.get(ChannelRegistry))
            second = Hearing(other)

            async def tell(ear: Hearing, order: list[str]) -> None:
                for number in range(0, len(order), 6):
                    signals = [
                        Signal(kind=kind, token=token, id=f"{kind}-{token}", text="ja" if kind == "replied" else "")  # type: ignore[arg-type]
                        for token in order[number : number + 6] for kind in ("delivered", "replied", "opened")
                    ]  # fmt: skip
                    await ear.hear_all(heard_of(tracker, ctx.get(ChannelRegistry), "webhook", account, signals, ctx.clock.now()))

            first = ctx.get(Hearing)
            await asyncio.wait_for(asyncio.gather(*(tell(ear, order) for ear in (first, second) for order in (tokens, tokens[::-1]))), 60)
            await second.close()
    assert await rows(ctx, "select distinct state, opens, replied_at is not null as replied from delivery") == [
        {"state": "delivered", "opens": 1, "replied": True}
    ]
    assert (await rows(ctx, "select count(*) as n from engagement"))[0]["n"] == 30
    names = [e["event"] for e in await events(ctx)]
    assert {name: names.count(name) for name in set(names)} == {"Email Delivered": 30, "Email Replied": 30, "Email Opened": 30}
