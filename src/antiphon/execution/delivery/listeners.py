"""Providers that hear on their own connections (SMPP): one process listens for each account, by lease."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from antiphon.awareness.consent import ChannelRegistry
from antiphon.execution.channels import Account, Channels, Listening, Signal
from antiphon.execution.delivery.hearing import Hearing
from antiphon.execution.delivery.signals import heard_of
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.tasks import end_task
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
LONGEST = 20.0  # seconds without a tick after which the leases may be another's: then nobody listens here
AGAIN = 5.0  # seconds until a listener that failed is started again


class Ears:
    """One worker's listeners, by account."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._tasks: dict[int, tuple[int, asyncio.Task[None]]] = {}
        self._ticked = 0.0
        self._watch: asyncio.Task[None] | None = None

    async def tend(self, accounts: Sequence[Account]) -> None:
        """Listen for exactly these accounts, as they are now."""
        self._ticked = asyncio.get_running_loop().time()
        wanted = {account.id: account for account in accounts}
        for account_id, (version, task) in list(self._tasks.items()):
            if account_id not in wanted or wanted[account_id].version != version or task.done():
                del self._tasks[account_id]
                await end_task(task)
        for account_id, account in wanted.items():
            if account_id not in self._tasks:
                self._tasks[account_id] = (account.version, asyncio.create_task(self._listen(account)))
        if self._watch is None and self._tasks:
            self._watch = asyncio.create_task(self._mind())

    async def hear(self, account: Account, signals: Sequence[Signal]) -> None:
        """What an account's connections heard; durable when this returns."""
        hearing = self._ctx.get(Hearing)
        news = heard_of(
            hearing.tracker, self._ctx.get(ChannelRegistry), account.channel, account.id, signals, self._ctx.clock.now()
        )
        await hearing.hear_all(news)

    async def close(self) -> None:
        """Listen no more."""
        if self._watch is not None:
            await end_task(self._watch)
            self._watch = None
        tasks, self._tasks = self._tasks, {}
        for _, task in tasks.values():
            await end_task(task)

    async def _listen(self, account: Account) -> None:
        provider = self._ctx.get(Channels)[account.provider]
        assert isinstance(provider, Listening)
        while True:
            try:
                await provider.listen(account, self.hear)
                return
            except asyncio.CancelledError:
                raise
            except Exception as failed:
                log.warning("an account is not listened to", account=account.name, error=repr(failed))
                await asyncio.sleep(AGAIN)

    async def _mind(self) -> None:
        """Stop listening when no tick says any more that the accounts are ours."""
        while True:
            await asyncio.sleep(LONGEST / 4)
            if asyncio.get_running_loop().time() - self._ticked > LONGEST and self._tasks:
                log.warning("listening without a lease ends", accounts=len(self._tasks))
                tasks, self._tasks = self._tasks, {}
                for _, task in tasks.values():
                    await end_task(task)


@asynccontextmanager
async def open_ears(ctx: Context) -> AsyncIterator[Ears]:
    """The resource of a worker."""
    ears = Ears(ctx)
    try:
        yield ears
    finally:
        await ears.close()


async def tend_ears(ctx: Context, held: Held) -> bool:
    """One tick: the accounts of the buckets held are listened to here."""
    channels = ctx.get(Channels)
    listening = [one.manifest for one in channels if isinstance(one, Listening)]
    accounts: list[Account] = []
    if listening:
        async with ctx.db.connection() as conn:
            await held.fence(conn)
            for channel in {manifest.channel for manifest in listening}:
                accounts += [
                    account for account in await channels.accounts(conn, channel)
                    if account.id % LISTENING.buckets in held.epochs and isinstance(channels[account.provider], Listening)
                ]  # fmt: skip
    await ctx.get(Ears).tend(accounts)
    return False


LISTENING = Loop("delivery.listening", tend_ears, interval=3.0, buckets=16)
