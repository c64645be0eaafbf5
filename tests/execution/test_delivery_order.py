"""Whatever order news comes in, and however often it is told, the ledger ends the same: tried by hypothesis."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.execution.cast import stage
from tests.execution.test_delivery_hearing import events, person, rows, sent

from antiphon.awareness.consent import ChannelRegistry
from antiphon.execution.channels import Signal
from antiphon.execution.delivery.hearing import Heard, Hearing
from antiphon.execution.delivery.signals import heard_of
from antiphon.foundation.context import Context

pytestmark = pytest.mark.store
KINDS = ("delivered", "deferred", "bounced", "complained", "opened", "clicked", "replied", "unsubscribed", "subscribed")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
async def hearing(ctx: Context) -> AsyncIterator[Hearing]:
    async with stage(ctx):
        ear = Hearing(ctx)
        ctx.put(Hearing, ear)
        yield ear
        await ear.close()


news = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 5), st.booleans(), st.sampled_from(["", "4.2.2 full", "5.1.1 gone"])),
    min_size=1, max_size=6, unique=True,
)  # fmt: skip
ORDERS = 3


@st.composite
def tellings(draw: st.DrawFn) -> tuple[list[Any], list[list[int]], str]:
    told = draw(news)
    places = list(range(len(told)))
    orders = [draw(st.permutations(places + draw(st.lists(st.sampled_from(places), max_size=3)))) for _ in range(ORDERS)]
    return told, orders, draw(st.sampled_from(["sent", "unknown"]))


async def ended(ctx: Context, delivery: int, who: int) -> Any:
    (row,) = await rows(
        ctx,
        "select state, reason, detail, opens, clicks, opened_at, clicked_at, delivered_at, bounced_at, complained_at, replied_at,"
        " unsubscribed_at, deferred_at, sent_at, ended_at from delivery where id = %s",
        delivery,
    )
    said = await rows(ctx, "select topic, state from consent_state where profile_id = %s", who)
    listed = await rows(ctx, "select reason from suppression where address = %s", f"p{who}@example.com")
    kept = await rows(ctx, "select count(*) as n from engagement where delivery_id = %s", delivery)
    mine = [e for e in await events(ctx) if e["properties"].get("delivery_id") == delivery]
    told = {(e["event"], e["messageId"].replace(f"delivery:{delivery}:", "")) for e in mine}
    # a receipt that a bounce overtook is told only if it came first; what counts is what is told at all of the rest
    return row, said, listed, kept, {name for name, _ in told} - {"Email Delivered", "Email Bounced"}


async def _tell(ctx: Context, hearing: Hearing, telling: tuple[list[Any], list[list[int]], str], numbers: Any) -> None:
    told, orders, state = telling
    now = ctx.clock.now()
    results = []
    for order in orders:
        who = await person(ctx, next(numbers))
        delivery = await sent(ctx, who, state=state)
        async with ctx.db.transaction() as conn:
            await conn.execute("update delivery set speaking_at = %s, sent_at = %s where id = %s", (now, now, delivery))
        token = hearing.tracker.hook(delivery, who)
        for place in order:
            kind, minute, permanent, detail = told[place]
            signal = Signal(
                kind=kind, token=token, at=now - timedelta(minutes=minute), id=f"{delivery}-{place}", permanent=permanent,
                detail=detail, agent=FIREFOX if kind in ("opened", "clicked") else "", url="https://a.example" if kind == "clicked" else None,
                text="word" if kind in ("replied", "unsubscribed", "subscribed") else "",
            )  # fmt: skip
            every: list[Heard] = heard_of(hearing.tracker, ctx.get(ChannelRegistry), "email", 77, [signal], now)
            await hearing.hear_all(every)
        row, said, listed, kept, names = await ended(ctx, delivery, who)
        results.append((row, said if not _ties(told) else None, listed, kept, names))
    assert all(one == results[0] for one in results), msgspec.json.encode(told)


def _ties(told: list[Any]) -> bool:
    """Whether somebody said yes and no in the same minute: then the later word wins, and only the order tells which it is."""
    words = [(kind, minute) for kind, minute, _, _ in told if kind in ("unsubscribed", "subscribed", "complained")]
    return len({minute for _, minute in words}) < len(words)


async def test_any_order_and_repetition_ends_the_same(ctx: Context, hearing: Hearing) -> None:
    numbers = itertools.count(1)
    loop = asyncio.get_running_loop()

    def tell(telling: Any) -> None:
        asyncio.run_coroutine_threadsafe(_tell(ctx, hearing, telling, numbers), loop).result(60)

    trial = given(telling=tellings())(settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))(tell))
    await asyncio.to_thread(trial)
