"""SMS through the whole house: from an intent to the SMSC, and from what telephones tell back to ledger, consents and history."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.execution.cast import SEND, add_account, add_people, add_published, speak, stage
from tests.execution.sms import until
from tests.execution.test_delivery_hearing import rows

from antiphon.awareness.events.loops import intake
from antiphon.execution.channels import Channels
from antiphon.execution.channels.sms.smpp import SmppChannel
from antiphon.execution.content import Source
from antiphon.execution.delivery import Intents, NewDispatch, open_dispatch, submit
from antiphon.execution.delivery.hearing import Hearing
from antiphon.execution.delivery.listeners import Ears
from antiphon.execution.delivery.model import Hop
from antiphon.execution.delivery.waiting import WAITING
from antiphon.execution.delivery.watching import WATCHING
from antiphon.foundation.context import Context
from antiphon.foundation.loops import Loop, run_until_idle
from antiphon.foundation.notices import LOOPS as NOTICES
from antiphon.sandbox.sms.log import Received, SmsLog, read_received
from antiphon.sandbox.sms.smsc import Smsc

INTAKE = Loop("intake", intake, buckets=64)
pytestmark = pytest.mark.store


@pytest.fixture
def rooms() -> Any:
    """Only what the public pages stand on."""
    names = (
        "foundation.access awareness.profiles awareness.consent awareness.events execution.channels execution.content "
        "execution.delivery web"
    )
    return [import_module(f"antiphon.{name}.room").ROOM for name in names.split()]


class World:
    def __init__(self, ctx: Context, smsc: Smsc, folder: Path, account: int) -> None:
        self.ctx, self.smsc, self.folder, self.account = ctx, smsc, folder, account

    @property
    def log(self) -> list[Received]:
        return [entry for _, entry in read_received(self.folder)]

    async def say(self, text: str, people: list[int], **more: Any) -> None:
        version = await add_published(self.ctx, Source(format="text", subject="", body=text), channel="sms")
        given: dict[str, Any] = {"key": "campaign", "channel": "sms", "message_class": "marketing", "topic": "news", "track_clicks": True}
        new = NewDispatch(**(given | more), account_id=self.account, template_version_id=version)
        async with self.ctx.db.transaction() as conn:
            dispatch = await open_dispatch(self.ctx, conn, new)
            await submit(self.ctx, conn, dispatch, Intents(profile_ids=people))
        await speak(self.ctx)

    async def states(self) -> list[tuple[Any, ...]]:
        """What became of everybody, once news that was quicker than its row has been heard."""
        for _ in range(600):
            await run_until_idle(self.ctx, [WAITING])
            left = await rows(self.ctx, "select (select count(*) from signal_waiting) as n")
            if left[0]["n"] == 0:
                break
            await asyncio.sleep(0.1)
        found = await rows(self.ctx, "select profile_id, state, reason, parts from delivery order by id")
        return [tuple(row.values()) for row in found]


@asynccontextmanager
async def world(ctx: Context, folder: Path, **settings: Any) -> AsyncIterator[World]:
    log = SmsLog(folder)
    smsc = Smsc(log)
    port = await smsc.start()
    async with stage(ctx, SmppChannel()):  # type: ignore[arg-type]
        account = await add_account(ctx, "sms", host="127.0.0.1", port=port, system_id="antiphon", sender="1234", **settings)
        async with ctx.db.transaction() as conn:
            await add_people(conn, 3, channel="sms")
            await conn.execute("insert into identity (kind, value, profile_id) select 'phone', '+7999000000' || i, i from generate_series(1, 3) i")
        ctx.put(Hearing, hearing := Hearing(ctx))
        ears = Ears(ctx)
        async with ctx.db.connection() as conn:
            await ears.tend([await ctx.get(Channels).account(conn, account)])
        await until(lambda: smsc.binds)
        try:
            yield World(ctx, smsc, folder, account)
        finally:
            await ears.close()
            await hearing.close()
            await smsc.close()
            log.close()


async def test_one_message_and_all_its_answers(ctx: Context, app: Any, stranger: httpx.AsyncClient, tmp_path: Path) -> None:
    async with world(ctx, tmp_path, help_answer="Shop Ltd. STOP ends {{ all }}.") as w:
        await w.say("{{ first_name }}, 10% off: https://shop.example/sale STOP to end", [1, 2, 3])
        assert len(w.log) == 3 and w.log[0].text.startswith("P1, 10% off: http")
        await until(lambda: w.smsc.acknowledged == 3)
        assert await w.states() == [(n, "delivered", "receipt", 1) for n in (1, 2, 3)]
        link = re.search(r"https?://\S+", w.log[0].text)
        assert link is not None and len(w.log[0].text) <= 160
        clicked = await stranger.get(link[0].removeprefix(ctx.settings.base_url), headers={"user-agent": "Mozilla/5.0 (iPhone)"})
        assert clicked.headers["location"] == "https://shop.example/sale"
        w.smsc.say("79990000002", "1234", "«Стоп»")
        w.smsc.say("79990000003", "1234", "Thank you, when does it end? " * 8)
        w.smsc.say("79990000003", "1234", "Help!")
        w.smsc.say("79995555555", "1234", "stop")
        await until(lambda: w.smsc.waiting == 0)
        await run_until_idle(ctx, [INTAKE])
        consents = await rows(ctx, "select profile_id, state from consent_state where channel = 'sms' order by 1")
        assert [tuple(row.values()) for row in consents] == [(1, "granted"), (2, "withdrawn"), (3, "granted")]
        assert [row["address"] for row in await rows(ctx, "select address from suppression")] == ["+79995555555"]
        history = [tuple(row.values()) for row in await rows(ctx, "select profile_id, name from event order by 1, 2")]
        assert (1, "Sms Delivered") in history and (1, "Sms Link Clicked") in history and (2, "Unsubscribed") in history
        assert history.count((3, "Sms Replied")) == 2
        await run_until_idle(ctx, NOTICES)
        await speak(ctx)
        assert [(one.recipient, one.text) for one in w.log[3:]] == [("79990000003", "Shop Ltd. STOP ends {{ all }}.")]


async def test_a_long_text_is_split_only_where_its_author_allows(ctx: Context, app: Any, tmp_path: Path) -> None:
    async with world(ctx, tmp_path) as w:
        long = "Привет, {{ first_name }}! " + "Новости. " * 10 + "СТОП — отписка"
        await w.say(long, [1])
        assert [(state, parts) for _, state, _, parts in await w.states()] in ([("failed", None)], [("failed", 0)], [("failed", 1)])
        assert w.log == []


async def test_what_is_too_long_for_a_text_goes_on_by_mail(ctx: Context, app: Any, tmp_path: Path) -> None:
    async with world(ctx, tmp_path) as w:
        await add_account(ctx)
        async with ctx.db.connection() as conn:
            await conn.execute("insert into consent_state select profile_id, 'parrot', topic, state, at, consent_id from consent_state")
        long = "Привет, {{ first_name }}! " + "Новости. " * 10 + "СТОП — отписка"
        await w.say(long, [1], hops=(Hop(channel="parrot"),))
        await run_until_idle(ctx, [SEND, WATCHING])
        found = await rows(ctx, "select channel, state, reason, hop from delivery order by hop")
        assert [tuple(row.values()) for row in found] == [("sms", "failed", "too_long", 0), ("parrot", "sent", "accepted", 1)]
        assert w.log == []


async def test_a_long_text_in_parts_is_one_delivery(ctx: Context, app: Any, tmp_path: Path) -> None:
    async with world(ctx, tmp_path) as w:
        await w.say("Привет, {{ first_name }}! " + "Новости. " * 10 + "СТОП — отписка", [2], split=True)
        await until(lambda: w.smsc.acknowledged == 2)
        assert await w.states() == [(2, "delivered", "receipt", 2)]
        assert "".join(one.text for one in w.log).startswith("Привет, P2! Новости.") and len(w.log) == 2
        named = await rows(ctx, "select count(*) as n from provider_message")
        assert named[0]["n"] == 2
