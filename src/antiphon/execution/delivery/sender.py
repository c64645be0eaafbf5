"""Speaking: claim what is due under leases, deal it out to accounts, and let each account's lane say its share.

At most `SPEAKING` rows of a process are between the mark and the record at any moment: the most one crash can leave unknown.
Everything a tick takes in hand is brought to an end by that tick, so at its start whatever is claimed or speaking in
our buckets was left by somebody dead or fenced. While something hangs, the tick goes on with everybody else's messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from antiphon.execution.channels import Channels
from antiphon.execution.delivery import chains, store
from antiphon.execution.delivery.accounts import Accounts
from antiphon.execution.delivery.dealing import Bookings, Deal
from antiphon.execution.delivery.lanes import AHEAD, BATCH, SPEAKING, Batch, Lanes
from antiphon.execution.delivery.model import BUCKETS
from antiphon.execution.delivery.store import Claimed
from antiphon.execution.delivery.voice import Voice
from antiphon.foundation.context import Context
from antiphon.foundation.faults import point
from antiphon.foundation.leases import Held
from antiphon.foundation.telemetry import get_logger

__all__ = ["BATCH", "SPEAKING", "Sender"]

log = get_logger(__name__)
CLAIM = 800  # rows taken from the queue at once
TICK = 2.0  # seconds of new work a tick takes on
GRACE = 1.0  # seconds a tick's last rows have to set out before they go back to the queue
CANCEL = 5_000  # rows of cancelled dispatches taken out of the queue at once
PATIENCE = 0.25  # seconds between looks at the queue while only what hangs is in hand


class Sender:
    """One process's voice: its templates, its channels' connections, and which accounts answer."""

    def __init__(self, ctx: Context, channels: Channels) -> None:
        self._ctx = ctx
        self._accounts = Accounts(channels, ctx.secret)
        self._voice = Voice(ctx, channels, self._accounts)
        self._bookings = Bookings()
        self._rounds = 0
        self._pace: dict[int, int] = {}  # rows each account takes in hand: what it said in half a second of the last tick

    async def work(self, held: Held) -> bool:
        """One tick. Says whether there may be more to do at once."""
        await self._pick_up(held)

        async def speak(batch: Batch) -> None:
            await self._voice.speak(held, batch)

        voice, accounts = self._voice, self._accounts
        lanes = Lanes(voice.look, voice.write, speak, usable=accounts.usable, counts=accounts.paces_domains)
        began = asyncio.get_running_loop().time()
        try:
            return await self._tick(held, lanes)
        finally:
            await lanes.land()
            took = max(asyncio.get_running_loop().time() - began, 0.1)
            self._pace |= {account: round(rows / took / 2) for account, rows in lanes.came_back.items()}
            async with self._ctx.db.connection() as conn:
                await self._accounts.write_tallies(conn, self._ctx.clock.now())

    async def _pick_up(self, held: Held) -> None:
        """What somebody dead or fenced left behind in our buckets."""
        async with self._ctx.db.transaction() as conn:
            await held.fence(conn)
            now = self._ctx.clock.now()
            returned, unknown = await store.recover(conn, held.buckets, now)
            if unknown:
                await chains.after_record(conn, unknown, now)
            await self._accounts.refresh(conn, now_or_never=True)
        if returned or unknown:
            log.warning("picked up after another process", returned=returned, unknown=len(unknown))

    async def _tick(self, held: Held, lanes: Lanes) -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + TICK
        while lanes.failure is None:
            taking = not held.leaving() and (loop.time() < until or lanes.hanging)
            claimed = await self._round(held, lanes) if taking and lanes.hungry else False
            if not claimed and not lanes.busy:
                return not taking
            late = not taking and loop.time() > until + GRACE
            await self._return(await lanes.take_back(stuck_only=not late))
            if not claimed or not lanes.hungry:
                await lanes.progress(PATIENCE)
        return True

    async def _round(self, held: Held, lanes: Lanes) -> bool:
        """Claim one handful and put it into lanes. False when nothing is due that can be said now."""
        now = self._ctx.clock.now()
        async with self._ctx.db.transaction() as conn:
            waiting = await store.waiting_dispatches(conn)
            if not waiting:
                return False
            await held.fence(conn)
            cancelled = [d.id for d in waiting if d.state == "cancelled"]
            if cancelled and await store.cancel_queued(conn, cancelled, held.buckets, now=now, most=CANCEL):
                return True
            await self._accounts.refresh(conn)
            share = len(held.epochs) / BUCKETS
            deal = Deal(
                self._accounts, lanes, self._bookings, self._ctx.secret, most=CLAIM, share=share, now=now, in_hand=self._in_hand
            )
            active = {d.id: d for d in waiting if d.state == "active"}
            mosts = await deal.open(conn, list(active.values()))
            rows = await store.claim(conn, mosts, self._turned(held), most=CLAIM, now=now) if mosts else []
            dealt = await deal.choose(conn, rows, active)
            await deal.close(conn)
            if dealt.late:
                await store.put_off(conn, dealt.late)
            point("claiming")
        point("claimed")
        for account_id, dispatch, group in dealt.given:
            lanes.put(self._accounts[account_id], dispatch, group)
        return bool(dealt.given) or any(due_at is not None for _, due_at in dealt.late)

    def _in_hand(self, account_id: int) -> int:
        """How many rows of an account to have in hand: few of a slow one, so that what is urgent does not wait behind them."""
        return min(CLAIM, max(AHEAD, self._pace.get(account_id, CLAIM)))

    def _turned(self, held: Held) -> dict[int, int]:
        """The buckets held with their epochs, begun at another one each round: a few rows at a time are then everybody's."""
        self._rounds += 1
        buckets = sorted(held.epochs)
        at = self._rounds % max(1, len(buckets))
        return {bucket: held.epochs[bucket] for bucket in buckets[at:] + buckets[:at]}

    async def _return(self, rows: Sequence[Claimed]) -> None:
        """Give rows back that have not set out."""
        if rows:
            async with self._ctx.db.connection() as conn:
                await store.unclaim(conn, rows)
