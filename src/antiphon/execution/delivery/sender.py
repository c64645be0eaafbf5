"""Speaking: claim what is due under leases, write it, look again, mark it speaking, speak, record what became of it.

At most `SPEAKING` rows of a process are between the mark and the record at any moment: the most one crash can leave unknown.
Everything a tick takes in hand is brought to an end by that tick, so at its start whatever is claimed or speaking in
our buckets was left by somebody dead or fenced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime, timedelta
from itertools import groupby

from prometheus_client import Counter

from antiphon.awareness.consent import Suppressed, digest_key, suppress
from antiphon.execution.channels import Account, Channel, Channels, Receipt, Speaking, Wire
from antiphon.execution.delivery import chains, store
from antiphon.execution.delivery.breaker import Breakers
from antiphon.execution.delivery.model import Dispatch
from antiphon.execution.delivery.store import Claimed, Record
from antiphon.execution.delivery.verdicts import UNSENDABLE, ended, from_receipt, state_of
from antiphon.execution.delivery.writer import Unwritable, Writer
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.leases import Held, LeaseLost
from antiphon.foundation.postgres import Connection, DatabaseUnavailable, PostgresError
from antiphon.foundation.telemetry import get_logger, registry

log = get_logger(__name__)
SPEAKING = 50  # rows of a process that may be on the way at once
BATCH = 25  # rows spoken together: two batches overlap
CLAIM = 400  # rows taken from the queue at once
TICK = 2.0  # seconds of new work a tick takes on
CANCEL = 5_000  # rows of cancelled dispatches taken out of the queue at once
KEEP_TRYING = 6  # times to record a receipt while the database is away, with growing pauses

_said = Counter("antiphon_deliveries", "Deliveries by what became of them", ["channel", "state"], registry=registry)


class Sender:
    """One process's voice: its templates, its channels' connections, and which accounts answer."""

    def __init__(self, ctx: Context, channels: Channels) -> None:
        self._ctx = ctx
        self._channels = channels
        self._writer = Writer(ctx)
        self._breakers = Breakers()
        self._room = asyncio.Semaphore(SPEAKING // BATCH)
        self._in_hand: set[asyncio.Task[None]] = set()

    async def work(self, held: Held) -> bool:
        """One tick. Says whether there may be more to do at once."""
        loop = asyncio.get_running_loop()
        until = loop.time() + TICK
        async with self._ctx.db.transaction() as conn:
            await held.fence(conn)
            now = self._ctx.clock.now()
            returned, unknown = await store.recover(conn, held.buckets, now)
            if unknown:
                await chains.after_record(conn, unknown, now)
        if returned or unknown:
            log.warning("picked up after another process", returned=returned, unknown=len(unknown))
        try:
            while loop.time() < until:
                if not await self._round(held):
                    return False
            return True
        finally:
            await self._land()

    async def _round(self, held: Held) -> bool:
        """Claim one handful and set it speaking. False when nothing is due that can be said now."""
        now = self._ctx.clock.now()
        async with self._ctx.db.transaction() as conn:
            waiting = await store.waiting_dispatches(conn)
            if not waiting:
                return False
            await held.fence(conn)
            cancelled = [d.id for d in waiting if d.state == "cancelled"]
            if cancelled and await store.cancel_queued(conn, cancelled, held.buckets, now=now, most=CANCEL):
                return True
            accounts = await self._accounts(conn, waiting)
            active = {d.id: d for d in waiting if d.state == "active" and d.account_id in accounts}
            each = max(4, CLAIM // max(1, len(held.epochs)))
            rows = await store.claim(conn, list(active), held.epochs, each=each, most=CLAIM, now=now) if active else []
        for dispatch, batch in _batches(rows, active):
            await self._take_in_hand(held, dispatch, accounts[dispatch.account_id or 0], batch)
        return bool(rows)

    async def _accounts(self, conn: Connection, waiting: Sequence[Dispatch]) -> Mapping[int, Account]:
        """The accounts that can be spoken through now."""
        found: dict[int, Account] = {}
        for account_id in {d.account_id for d in waiting if d.account_id is not None}:
            if not self._breakers.is_open(account_id):
                account = await self._channels.account(conn, account_id)
                if account.enabled:
                    found[account_id] = account
        return found

    async def _take_in_hand(self, held: Held, dispatch: Dispatch, account: Account, rows: Sequence[Claimed]) -> None:
        """Write a batch and, as soon as there is room, set it speaking."""
        wires, unwritten = await self._write(dispatch, account, rows)
        await self._room.acquire()
        try:
            self._raise_failures()
        except BaseException:
            self._room.release()
            raise
        mine = held.only(sorted({row.bucket for row in rows}))
        task = asyncio.create_task(self._speak(mine, dispatch, account, rows, wires, unwritten))
        task.add_done_callback(lambda _: self._room.release())
        self._in_hand.add(task)

    async def _write(self, dispatch: Dispatch, account: Account, rows: Sequence[Claimed]) -> tuple[dict[int, Wire], list[Record]]:
        channel = self._channels[account.provider]
        now = self._ctx.clock.now()
        wires: dict[int, Wire] = {}
        unwritten: list[Record] = []
        try:
            write = await self._writer.of(dispatch, account)
        except AntiphonError as error:  # its template cannot be read: no row of it can ever be written
            return wires, [ended(row, "failed", "render_failed", str(error)[:1000]) for row in rows]
        for row in rows:
            try:
                wires[row.delivery_id] = channel.prepare(write(row, now), account)
            except Unwritable as error:
                unwritten.append(ended(row, "failed", error.reason, error.detail[:1000]))
            except AntiphonError as error:  # the channel cannot carry it: permanent by contract
                unwritten.append(ended(row, "failed", UNSENDABLE.get(error.code, "unsendable"), str(error)[:1000]))
            except Exception as error:  # a fault of ours or of a channel's: it must not hold up everybody behind it
                log.exception("a message could not be written", delivery=row.delivery_id, channel=dispatch.channel)
                unwritten.append(ended(row, "failed", "unsendable", f"internal: {type(error).__name__}"))
        await asyncio.sleep(0)
        return wires, unwritten

    async def _speak(
        self,
        held: Held,
        dispatch: Dispatch,
        account: Account,
        rows: Sequence[Claimed],
        wires: Mapping[int, Wire],
        unwritten: Sequence[Record],
    ) -> None:
        """Look again, mark, speak, record."""
        channel = self._channels[account.provider]
        said, refused, returned = await self._look_again(dispatch, [row for row in rows if row.delivery_id in wires])
        marked_at: list[datetime] = []

        async def on_speaking(_: Sequence[int]) -> None:
            marked_at.append(self._ctx.clock.now())
            async with self._ctx.db.connection() as conn:
                if await store.mark_speaking(conn, held, said, marked_at[0]) != len(said):
                    raise LeaseLost

        receipts = await _send(channel, account, [wires[row.delivery_id] for row in said], on_speaking)
        self._note(account, receipts)
        now = self._ctx.clock.now()
        at = marked_at[0] if marked_at else None
        can = channel.manifest.capabilities
        judged = [
            from_receipt(
                row, receipt, secret=self._ctx.secret, now=now, speaking_at=at, account_id=account.id,
                parts=wires[row.delivery_id].parts, cost_micros=wires[row.delivery_id].parts * can.cost_micros, by_id=can.receipts_by_id,
            )  # fmt: skip
            for row, receipt in zip(said, receipts, strict=True)
        ]
        await self._record(dispatch, [*unwritten, *refused, *judged], receipts, returned)

    async def _look_again(
        self, dispatch: Dispatch, rows: Sequence[Claimed]
    ) -> tuple[list[Claimed], list[Record], list[Claimed]]:
        """(to be said, refused after all, to go back unsaid): consent, suppression, pause and cancel as they are now."""
        async with self._ctx.db.connection() as conn:
            verdicts = await store.recheck(conn, rows, digest_key(self._ctx), self._ctx.clock.now())
            if dispatch.hop:
                verdicts |= dict.fromkeys(await chains.answered_before(conn, _keys(rows)), "answered")
        said: list[Claimed] = []
        refused: list[Record] = []
        returned: list[Claimed] = []
        for row in rows:
            verdict = verdicts.get(row.delivery_id, "paused")
            if verdict is None:
                said.append(row)
            elif verdict == "paused":
                returned.append(row)
            else:
                refused.append(ended(row, state_of(verdict), verdict))
        return said, refused, returned

    def _note(self, account: Account, receipts: Sequence[Receipt]) -> None:
        """Leave an account alone that does not answer."""
        faults = [receipt for receipt in receipts if receipt.account_fault]
        if faults and all(receipt.outcome != "sent" for receipt in receipts):
            self._breakers.fault(account.id, max(receipt.retry_after or 0.0 for receipt in faults))
            log.warning("account does not answer", account=account.name, code=faults[0].code, detail=faults[0].detail)
        elif receipts:
            self._breakers.success(account.id)

    async def _record(
        self, dispatch: Dispatch, records: Sequence[Record], receipts: Sequence[Receipt], returned: Sequence[Claimed]
    ) -> None:
        """Write down what became of a batch. What was said was said: this needs no lease, and does not give up at once
        when the database is away; the statement leaves alone what has become somebody else's."""
        dead = {receipt.delivery_id for receipt in receipts if receipt.address_fault}
        for attempt in range(KEEP_TRYING):
            now = self._ctx.clock.now()
            try:
                settle_at = now + timedelta(hours=self._ctx.settings.delivered_after_hours)
                chained = bool(records and dispatch.hops)
                named = any(record.provider_ids for record in records)
                async with self._ctx.db.connection() as conn, _together(conn, bool(returned or dead or chained or named)):
                    if records:
                        await store.record(conn, records, now=now, settle_at=settle_at)
                    if chained:
                        await chains.after_record(conn, _keys([record.row for record in records]), now)
                    if returned:
                        await store.unclaim(conn, returned)
                    if dead:
                        gone = [r for r in records if r.row.delivery_id in dead]
                        await suppress(self._ctx, conn, [_gone(dispatch.channel, r, now) for r in gone])
                break
            except (PostgresError, DatabaseUnavailable):
                if attempt + 1 == KEEP_TRYING:
                    raise
                await asyncio.sleep(0.2 * 2**attempt)
        for record in records:
            _said.labels(dispatch.channel, record.state).inc()

    def _raise_failures(self) -> None:
        """Forget what has landed; if something of it failed, take no more in hand."""
        for task in [task for task in self._in_hand if task.done()]:
            self._in_hand.discard(task)
            task.result()

    async def _land(self) -> None:
        """Bring everything in hand to its end, also when the tick failed."""
        tasks, self._in_hand = self._in_hand, set()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result


def _together(conn: Connection, several: bool) -> AbstractAsyncContextManager[object]:
    """A transaction for several statements; one alone is its own."""
    return conn.transaction() if several else nullcontext()


def _keys(rows: Sequence[Claimed]) -> list[tuple[int, int]]:
    return [(row.delivery_id, row.profile_id) for row in rows]


def _gone(channel: str, record: Record, now: datetime) -> Suppressed:
    source = f"delivery:{record.row.delivery_id}"
    return Suppressed(channel=channel, address=record.row.address, reason="hard_bounce", source=source, at=now)


async def _send(channel: Channel, account: Account, wires: Sequence[Wire], on_speaking: Speaking) -> Sequence[Receipt]:
    """One call of the channel. A lost lease comes up as itself, whatever group of errors the channel raised it in."""
    if not wires:
        return []
    try:
        return await channel.send(account, wires, on_speaking)
    except BaseExceptionGroup as group:
        if group.subgroup(LeaseLost) is not None:
            raise LeaseLost from group
        raise


def _batches(rows: Sequence[Claimed], dispatches: Mapping[int, Dispatch]) -> Iterator[tuple[Dispatch, list[Claimed]]]:
    for dispatch_id, group in groupby(rows, key=lambda row: row.dispatch_id):
        of_one = list(group)
        for at in range(0, len(of_one), BATCH):
            yield dispatches[dispatch_id], of_one[at : at + BATCH]
