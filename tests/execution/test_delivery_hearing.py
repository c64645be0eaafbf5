"""What is heard back becomes the ledger's, the consents', the suppression list's and the customer's history, at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.execution.cast import add_people, stage

from antiphon.awareness.consent import Evidence
from antiphon.execution.delivery.hearing import Heard, Hearing, Kind
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import dict_row

pytestmark = pytest.mark.store


@pytest.fixture
async def hearing(ctx: Context) -> AsyncIterator[Hearing]:
    async with stage(ctx):
        ear = Hearing(ctx)
        ctx.put(Hearing, ear)
        yield ear
        await ear.close()


async def sent(ctx: Context, profile_id: int, *, state: str = "sent", topic: str | None = "news", key: str = "k") -> int:
    """A ledger row of a message to this person."""
    async with ctx.db.transaction() as conn:
        row = await (
            await conn.execute(
                "insert into delivery (profile_id, intent_key, dispatch_id, campaign_id, channel, message_class, topic, address, state,"  # noqa: E501
                " planned_at, due_at, sent_at, bucket) values (%s, %s, 1, 9, 'email', 'marketing', %s, %s, %s, %s, %s, %s, %s) returning id",  # noqa: E501
                (profile_id, key, topic, f"p{profile_id}@example.com", state, ctx.clock.now(), ctx.clock.now(),
                 ctx.clock.now() if state in ("sent", "delivered") else None, profile_id % 64),
            )
        ).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])


async def person(ctx: Context, first: int = 1) -> int:
    async with ctx.db.transaction() as conn:
        return (await add_people(conn, 1, first=first, channel="email"))[0]


def heard(ctx: Context, kind: Kind, delivery: int, profile: int, **more: Any) -> Heard:
    return Heard(kind=kind, delivery_id=delivery, profile_id=profile, at=ctx.clock.now(), **more)


async def rows(ctx: Context, statement: str, *params: Any) -> list[dict[str, Any]]:
    async with ctx.db.connection() as conn, conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(statement, params)  # type: ignore[arg-type]
        return await cur.fetchall()


async def events(ctx: Context) -> list[dict[str, Any]]:
    return [msgspec.json.decode(row["payload"]) for row in await rows(ctx, "select payload from journal order by lane, seq")]


async def test_opens_and_clicks_count_and_the_first_is_history(ctx: Context, hearing: Hearing) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    first = ctx.clock.now()
    for _ in range(3):
        assert await hearing.hear(heard(ctx, "opened", delivery, who))
    ctx.clock.advance(timedelta(minutes=5))  # type: ignore[attr-defined]
    await hearing.hear(heard(ctx, "clicked", delivery, who, link_id=4, url="https://a.example"))
    await asyncio.gather(
        *(hearing.hear(heard(ctx, "clicked", delivery, who, link_id=4, url="https://a.example")) for _ in range(5))
    )
    (row,) = await rows(ctx, "select opens, clicks, opened_at, clicked_at, state from delivery")
    assert row == {"opens": 3, "clicks": 6, "opened_at": first, "clicked_at": ctx.clock.now(), "state": "sent"}
    told = await events(ctx)
    assert [e["event"] for e in told if e["event"] == "Email Opened"] == ["Email Opened"]
    clicks = [e for e in told if e["event"] == "Email Link Clicked"]
    assert len({e["messageId"] for e in clicks}) == 1  # intake drops the repeats
    assert clicks[0]["profileId"] == who and clicks[0]["properties"] == {
        "delivery_id": delivery, "campaign_id": 9, "channel": "email", "topic": "news", "link_url": "https://a.example", "link_id": 4,
    }  # fmt: skip


async def test_many_at_once_are_one_statement(ctx: Context, hearing: Hearing) -> None:
    async with ctx.db.transaction() as conn:
        people = await add_people(conn, 50, channel="email")
    deliveries = [await sent(ctx, who) for who in people]
    both = [*zip(deliveries, people, strict=True)] * 2
    assert all(await asyncio.gather(*(hearing.hear(heard(ctx, "opened", d, p)) for d, p in both)))
    assert await rows(ctx, "select distinct opens from delivery") == [{"opens": 2}]
    assert len(await events(ctx)) == 50


async def test_what_is_not_in_the_ledger_changes_nothing(ctx: Context, hearing: Hearing) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    assert not await hearing.hear(heard(ctx, "opened", delivery + 1, who))
    assert not await hearing.hear(heard(ctx, "bounced", delivery, who + 1, permanent=True))
    assert await events(ctx) == [] and await rows(ctx, "select * from suppression") == []


async def test_unsubscribing_withdraws_the_topic_with_evidence(ctx: Context, hearing: Hearing) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who)
    evidence = Evidence(text="Unsubscribe", address="192.0.2.7", user_agent="test")
    for _ in range(2):
        await hearing.hear(heard(ctx, "unsubscribed", delivery, who, evidence=evidence))
    (state,) = await rows(ctx, "select state, topic from consent_state where profile_id = %s", who)
    assert state == {"state": "withdrawn", "topic": "news"}
    (said,) = await rows(ctx, "select state, source, evidence from consent")
    assert said["source"] == f"unsubscribed delivery:{delivery}"
    assert said["evidence"] == {"text": "Unsubscribe", "address": "192.0.2.7", "user_agent": "test"}
    assert [e["event"] for e in await events(ctx)] == ["Unsubscribed"]
    assert (await rows(ctx, "select unsubscribed_at from delivery"))[0]["unsubscribed_at"] == ctx.clock.now()


async def test_unsubscribing_from_everything(ctx: Context, hearing: Hearing) -> None:
    who = await person(ctx)
    async with ctx.db.transaction() as conn:
        await conn.execute("insert into topic (name, title) values ('tips', 'Tips')")
        await conn.execute(
            "insert into consent_state (profile_id, channel, topic, state, at, consent_id) values (%s, 'email', 'tips', 'granted', '2026-01-01Z', 0)",  # noqa: E501
            (who,),
        )
    await hearing.hear(heard(ctx, "unsubscribed", await sent(ctx, who), who, everything=True))
    states = await rows(ctx, "select distinct state from consent_state where profile_id = %s", who)
    assert states == [{"state": "withdrawn"}]


@pytest.mark.parametrize("state", ["sent", "delivered", "unknown"])
@pytest.mark.parametrize("permanent", [True, False])
async def test_a_bounce_ends_the_delivery(ctx: Context, hearing: Hearing, state: str, permanent: bool) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who, state=state)
    for _ in range(2):
        await hearing.hear(heard(ctx, "bounced", delivery, who, permanent=permanent, detail="5.1.1 gone"))
    (row,) = await rows(ctx, "select state, reason, detail, bounced_at, sent_at, delivered_at from delivery")
    now = ctx.clock.now()
    assert row == {
        "state": "bounced", "reason": "bounced", "detail": "5.1.1 gone", "bounced_at": now, "sent_at": now, "delivered_at": None,  # noqa: E501
    }  # fmt: skip
    listed = await rows(ctx, "select address, reason from suppression")
    assert listed == ([{"address": f"p{who}@example.com", "reason": "hard_bounce"}] if permanent else [])
    assert [e["event"] for e in await events(ctx)] == ["Email Bounced"]


@pytest.mark.parametrize("state", ["planned", "queued", "failed", "suppressed", "cancelled"])
async def test_what_was_not_sent_cannot_bounce(ctx: Context, hearing: Hearing, state: str) -> None:
    who = await person(ctx)
    await hearing.hear(heard(ctx, "bounced", await sent(ctx, who, state=state), who))
    assert await rows(ctx, "select state, bounced_at from delivery") == [{"state": state, "bounced_at": None}]


async def test_a_bounce_may_come_before_its_receipt_is_recorded(ctx: Context, hearing: Hearing) -> None:
    who = await person(ctx)
    delivery = await sent(ctx, who, state="queued")
    async with ctx.db.transaction() as conn:
        await conn.execute(
            "insert into delivery_queue (delivery_id, profile_id, dispatch_id, bucket, state, due_at) values (%s, %s, 1, %s, 'speaking', now())",  # noqa: E501
            (delivery, who, who % 64),
        )
    await hearing.hear(heard(ctx, "bounced", delivery, who, permanent=True))
    assert (await rows(ctx, "select state from delivery"))[0]["state"] == "bounced"


async def test_a_complaint_suppresses_and_withdraws(ctx: Context, hearing: Hearing) -> None:
    who = await person(ctx)
    await hearing.hear(heard(ctx, "complained", await sent(ctx, who), who))
    assert (await rows(ctx, "select reason from suppression")) == [{"reason": "complaint"}]
    assert (await rows(ctx, "select state from consent_state"))[0]["state"] == "withdrawn"
    (row,) = await rows(ctx, "select state, complained_at from delivery")
    assert row == {"state": "sent", "complained_at": ctx.clock.now()}


async def test_a_merged_customer_is_heard_as_who_they_are_now(ctx: Context, hearing: Hearing) -> None:
    old, new = await person(ctx, 1), await person(ctx, 2)
    delivery = await sent(ctx, old)
    async with ctx.db.transaction() as conn:
        await conn.execute(
            "insert into alias (from_id, to_id, into_id, at, reason) values (%s, %s, %s, now(), 'test')", (old, new, new)
        )
    await hearing.hear(heard(ctx, "unsubscribed", delivery, old))
    (told,) = await events(ctx)
    assert told["profileId"] == new
    assert (await rows(ctx, "select state from consent_state where profile_id = %s", new)) == [{"state": "withdrawn"}]


async def test_an_erased_customers_answers_change_nothing_about_them(ctx: Context, hearing: Hearing) -> None:
    delivery = await sent(ctx, 4_000)  # nobody has this id
    for kind in ("opened", "unsubscribed", "complained"):
        assert await hearing.hear(heard(ctx, kind, delivery, 4_000))  # type: ignore[arg-type]
    assert await events(ctx) == [] and await rows(ctx, "select * from consent") == []


async def test_the_ledger_and_the_history_change_together_or_not_at_all(
    ctx: Context, hearing: Hearing, monkeypatch: pytest.MonkeyPatch
) -> None:
    from antiphon.execution.delivery import hearing as module

    who = await person(ctx)
    delivery = await sent(ctx, who)
    with monkeypatch.context() as patch:

        def fail(*_: object) -> bytes:
            raise RuntimeError("killed here")

        patch.setattr(module, "event", fail)
        with pytest.raises(RuntimeError):
            await hearing.hear(heard(ctx, "opened", delivery, who))
    assert (await rows(ctx, "select opens from delivery"))[0]["opens"] == 0
    assert await hearing.hear(heard(ctx, "opened", delivery, who))  # the ear still works
    assert len(await events(ctx)) == 1
