"""What customers stated, at the door: a pause holds marketing back, a language is there to write in, the way to their page goes along."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.execution.cast import Parrot, add_account, add_people, speak, stage, yes
from tests.execution.test_delivery_gate import NEWS, decide

from antiphon.awareness.consent import Said, Suppressed, state_preferences, suppress
from antiphon.awareness.consent.personal import erase
from antiphon.awareness.consent.preferences.model import read_link
from antiphon.execution.channels import Receipt, Wire
from antiphon.execution.delivery import Content, Intents, NewDispatch, open_dispatch, submit
from antiphon.foundation.context import Context

pytestmark = pytest.mark.store
LETTER = Content(subject="{{ language }}", text="{% if language == 'ru' %}Привет{% else %}Hello{% endif %} {{ preferences_url }}")


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx) as heard:
        await add_account(ctx)
        yield heard


def pause(ctx: Context, profile_id: int, days: int | None) -> Said:
    wishes: Any = {"paused_until": ctx.clock.now() + timedelta(days=days) if days is not None else None}
    return Said(profile_id=profile_id, at=ctx.clock.now(), source="t", wishes=wishes)


async def test_a_pause_holds_marketing_back_and_nothing_else(ctx: Context, parrot: Parrot) -> None:
    service = NewDispatch(key="s", channel="parrot", message_class="service", content=LETTER)
    later = NewDispatch(key="later", channel="parrot", message_class="marketing", topic="news", content=LETTER)
    async with ctx.db.transaction() as conn:
        await add_people(conn, 3)
        await state_preferences(ctx, conn, [pause(ctx, 1, 7), pause(ctx, 2, 7)])
        ctx.clock.advance(timedelta(seconds=1))  # type: ignore[attr-defined]
        await state_preferences(ctx, conn, [pause(ctx, 2, None)])
        assert await decide(ctx, conn, NEWS, [1, 2, 3]) == {1: "paused_by_customer", 2: None, 3: None}
        assert await decide(ctx, conn, service, [1, 2, 3]) == {1: None, 2: None, 3: None}
        due = ctx.clock.now() + timedelta(days=8)
        dispatch = await open_dispatch(ctx, conn, later)
        verdict = await submit(ctx, conn, dispatch, Intents(profile_ids=[1], due_at=due))
        assert verdict.passed == 1, "when it is due the pause is over"


async def test_a_pause_stated_after_the_gate_is_seen_before_speaking(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        ids = await add_people(conn, 2)
        dispatch = await open_dispatch(ctx, conn, NEWS)
        await submit(ctx, conn, dispatch, Intents(profile_ids=ids))
        await state_preferences(ctx, conn, [pause(ctx, 1, 7)])
    await speak(ctx)
    assert parrot.heard == ["p2@example.com"]
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select profile_id, reason from delivery where state = 'suppressed'")).fetchall()
    assert rows == [(1, "paused_by_customer")]


async def test_the_list_is_obeyed_until_it_ends_and_by_digest_after_an_erasure(ctx: Context, parrot: Parrot) -> None:
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await add_people(conn, 4)
        until = now + timedelta(hours=1)
        await suppress(ctx, conn, [
            Suppressed(channel="parrot", address="p1@example.com", reason="manual", source="t", at=now, expires_at=until),
            Suppressed(channel="parrot", address="p2@example.com", reason="complaint", source="t", at=now),
        ])  # fmt: skip
        await erase(ctx, conn, 2)
        await conn.execute("insert into consent_state values (2, 'parrot', 'news', 'granted', now(), 1)")  # they came back
        assert await decide(ctx, conn, NEWS, [1, 2, 3]) == {1: "suppressed_manual", 2: "suppressed_complaint", 3: None}
        ctx.clock.advance(timedelta(hours=2))  # type: ignore[attr-defined]
        again = NewDispatch(key="again", channel="parrot", message_class="marketing", topic="news", content=LETTER)
        dispatch = await open_dispatch(ctx, conn, again)
        await submit(ctx, conn, dispatch, Intents(profile_ids=[1, 2, 3]))
        rows = await (await conn.execute("select profile_id, reason from delivery where dispatch_id = %s order by 1", (dispatch.id,))).fetchall()
        assert rows == [(1, None), (2, "suppressed_complaint"), (3, None)]


async def test_a_message_is_written_in_the_language_they_asked_for(ctx: Context, parrot: Parrot) -> None:
    new = NewDispatch(key="l", channel="parrot", message_class="marketing", topic="news", content=LETTER)
    async with ctx.db.transaction() as conn:
        ids = await add_people(conn, 2)
        said = Said(profile_id=1, at=ctx.clock.now(), source="t", wishes={"language": "ru"})
        await state_preferences(ctx, conn, [said])
        dispatch = await open_dispatch(ctx, conn, new)
        await submit(ctx, conn, dispatch, Intents(profile_ids=ids))
    texts: dict[str, str] = {}

    def listen(wire: Wire) -> Receipt:
        texts[wire.address] = bytes(wire.payload).decode()
        return yes(wire)

    parrot.answer = listen
    await speak(ctx)
    first, second = texts["p1@example.com"], texts["p2@example.com"]
    assert "Привет" in first and "Hello" in second
    url = first.split()[-1]
    assert url.startswith(f"{ctx.settings.base_url}/p/")
    assert read_link(ctx.secret, url.rpartition("/")[2], ctx.clock.now()) == 1
