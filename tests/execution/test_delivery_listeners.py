"""Listening providers: one process hears for each account, for as long as its lease is there, with the settings there are now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from tests.execution.cast import Parrot, add_account, stage
from tests.execution.test_delivery_hearing import events, person, rows, sent

from antiphon.execution.channels import Account, Hear, Listening, Signal
from antiphon.execution.delivery import listeners as module
from antiphon.execution.delivery.hearing import Hearing
from antiphon.execution.delivery.listeners import LISTENING, Ears, open_ears
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle

pytestmark = pytest.mark.store


class Line:
    """What a parrot that listens has: its accounts' open lines, and the way to tell something on one."""

    def __init__(self) -> None:
        self.open: dict[int, tuple[int, Hear, Account]] = {}
        self.began = 0
        self.breaks: Callable[[], None] | None = None

    async def listen(self, account: Account, hear: Hear) -> None:
        self.began += 1
        if self.breaks is not None:
            self.breaks()
        self.open[account.id] = (account.version, hear, account)
        try:
            await asyncio.Event().wait()
        finally:
            self.open.pop(account.id, None)


@pytest.fixture
async def line(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    line = Line()
    async with stage(ctx) as parrot:
        monkeypatch.setattr(Parrot, "listen", lambda self, account, hear: line.listen(account, hear), raising=False)
        assert isinstance(parrot, Listening)
        ctx.put(Hearing, Hearing(ctx))
        async with open_ears(ctx) as ears:
            ctx.put(Ears, ears)
            yield line
        await ctx.get(Hearing).close()
        assert line.open == {}, "nobody listens after the end"


async def tick(ctx: Context) -> None:
    await run_until_idle(ctx, [LISTENING])
    await asyncio.sleep(0.05)


async def test_what_a_line_tells_is_durable_when_it_is_acknowledged(ctx: Context, line: Line) -> None:
    account = await add_account(ctx)
    await tick(ctx)
    _, hear, opened = line.open[account]
    who = await person(ctx)
    delivery = await sent(ctx, who)
    token = ctx.get(Hearing).tracker.hook(delivery, who)
    for _ in range(2):
        await hear(opened, [Signal(kind="delivered", token=token), Signal(kind="replied", token=token, text="ok", id="7")])
    (row,) = await rows(ctx, "select state, replied_at is not null as replied from delivery")
    assert row == {"state": "delivered", "replied": True}
    assert sorted(e["event"] for e in await events(ctx)) == ["Email Delivered", "Email Replied"]


async def test_lines_follow_their_accounts(ctx: Context, line: Line) -> None:
    account = await add_account(ctx)
    await tick(ctx)
    await tick(ctx)
    assert set(line.open) == {account} and line.began == 1  # it stays as it is
    async with ctx.db.transaction() as conn:
        await conn.execute("update channel_account set version = version + 1, name = 'changed'")
    await tick(ctx)
    assert line.open[account][0] == 2 and line.began == 2
    async with ctx.db.transaction() as conn:
        await conn.execute("update channel_account set enabled = false")
    await tick(ctx)
    assert line.open == {}


async def test_a_line_that_breaks_is_opened_again(ctx: Context, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN", 0.05)
    account = await add_account(ctx)

    def fail() -> None:
        if line.began < 3:
            raise ConnectionError("the other side hung up")

    line.breaks = fail
    await tick(ctx)
    async with asyncio.timeout(60):
        while account not in line.open:
            await asyncio.sleep(0.02)
    assert line.began == 3


async def test_nobody_listens_without_a_lease(ctx: Context, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The leases went elsewhere, and no tick comes any more to say so."""
    monkeypatch.setattr(module, "LONGEST", 0.2)
    await add_account(ctx)
    await tick(ctx)
    assert line.open
    async with asyncio.timeout(60):
        while line.open:
            await asyncio.sleep(0.02)


