"""Notices that end in a message: a consent to be confirmed, a person of staff invited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.execution.cast import Parrot, add_account, add_people, speak, stage

from antiphon.awareness.consent import ConfirmationRequested
from antiphon.execution.delivery.notices import ask_to_confirm, invite_staff
from antiphon.foundation.access import PersonInvited
from antiphon.foundation.context import Context

pytestmark = pytest.mark.store


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx) as parrot:
        yield parrot


async def ledger(ctx: Context) -> list[tuple[Any, ...]]:
    async with ctx.db.connection() as conn:
        return await (await conn.execute("select profile_id, address, message_class, state from delivery order by id")).fetchall()


async def test_a_confirmation_is_asked_for_without_consent_and_once(ctx: Context, parrot: Parrot) -> None:
    await add_account(ctx)
    notice = ConfirmationRequested(
        profile_id=1, channel="parrot", topic="news", topic_title="News", consent_id=5, url="https://x.example.com/confirm/t"
    )
    said: list[bytes] = []
    parrot.answer = lambda wire: said.append(wire.payload) or _yes(wire)  # type: ignore[func-returns-value]
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1, consent="pending")
        await ask_to_confirm(ctx, conn, notice)
        await ask_to_confirm(ctx, conn, notice)
    await speak(ctx)
    assert await ledger(ctx) == [(1, "p1@example.com", "service", "sent")]
    assert b"https://x.example.com/confirm/t" in said[0] and len(said) == 1


def _yes(wire: Any) -> Any:
    from tests.execution.cast import yes

    return yes(wire)


async def test_staff_are_invited_by_mail_if_there_is_an_account(ctx: Context, parrot: Parrot) -> None:
    notice = PersonInvited(invitation_id=1, person_id=1, email="ann@example.org", name="Ann", locale="en", purpose="invitation")
    async with ctx.db.transaction() as conn:
        await invite_staff(ctx, conn, notice)
    assert await ledger(ctx) == []
    await add_account(ctx, "email", host="127.0.0.1", port=1, security="none", from_email="a@example.com")
    async with ctx.db.transaction() as conn:
        await invite_staff(ctx, conn, notice)
    assert await ledger(ctx) == [(0, "ann@example.org", "staff", "queued")]
