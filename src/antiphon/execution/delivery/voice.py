"""One batch's way: written, looked at again, marked, spoken, recorded."""

from __future__ import annotations

import asyncio
import time
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta

from prometheus_client import Counter

from antiphon.awareness.consent import Suppressed, suppress
from antiphon.execution.channels import Account, Channel, Channels, Receipt, Speaking, Wire
from antiphon.execution.delivery import chains, store
from antiphon.execution.delivery.accounts import Accounts
from antiphon.execution.delivery.budgets import Purse
from antiphon.execution.delivery.country import country_of
from antiphon.execution.delivery.gate.again import look_again
from antiphon.execution.delivery.lanes import ALONE, Batch
from antiphon.execution.delivery.model import Dispatch
from antiphon.execution.delivery.store import Claimed, Record
from antiphon.execution.delivery.verdicts import UNSENDABLE, ended, from_receipt, state_of
from antiphon.execution.delivery.writer import Unwritable, Writer
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.faults import point
from antiphon.foundation.leases import Held, LeaseLost
from antiphon.foundation.postgres import Connection, DatabaseUnavailable, PostgresError
from antiphon.foundation.telemetry import get_logger, registry

log = get_logger(__name__)
STALE = 1.0  # seconds for which a second look is good
AT_ONCE = 11  # rows written before others have their turn
KEEP_TRYING = 6  # times to record a receipt while the database is away, with growing pauses

_said = Counter("antiphon_deliveries", "Deliveries by what became of them", ["channel", "state"], registry=registry)


class Voice:
    """Writes batches, and speaks them under the leases of one tick."""

    def __init__(self, ctx: Context, channels: Channels, accounts: Accounts) -> None:
        self._ctx = ctx
        self._channels = channels
        self._accounts = accounts
        self._writer = Writer(ctx)
        self._purse = Purse(ctx.db)

    async def look(self, dispatch: Dispatch, account: Account, rows: Sequence[Claimed]) -> Batch:
        """Look at rows again: a batch of those that are still to be said, none of them written yet."""
        looked_at = time.monotonic()
        said, done, returned = await self._look_again(dispatch, rows)
        most = min(ALONE, self._channels[account.provider].manifest.capabilities.max_batch)
        return Batch(dispatch, account, said, ended=done, returned=returned, most=most, looked_at=looked_at)

    async def write(self, batch: Batch, count: int) -> Batch:
        """The batch with so many of its first rows written, or all; what cannot be written ends."""
        if all(row.delivery_id in batch.wires for row in batch.rows[:count]):
            return batch
        dispatch, account, wires = batch.dispatch, batch.account, batch.wires
        channel = self._channels[account.provider]
        now = self._ctx.clock.now()
        done: list[Record] = []
        try:
            write = await self._writer.of(dispatch, account, carries=channel.manifest.capabilities.carries)
        except AntiphonError as error:  # its template cannot be read: no row of it can ever be written
            done = [ended(row, "failed", "render_failed", str(error)[:1000]) for row in batch.rows]
            return replace(batch, rows=[], ended=[*batch.ended, *done])
        written = 0
        for number, row in enumerate(batch.rows, 1):
            if written == count:
                break
            written += 1
            if row.delivery_id in wires:
                continue
            try:
                wires[row.delivery_id] = channel.prepare(write(row, now), account)
            except Unwritable as error:
                done.append(ended(row, "failed", error.reason, error.detail[:1000]))
            except AntiphonError as error:  # the channel cannot carry it: permanent by contract
                done.append(ended(row, "failed", UNSENDABLE.get(error.code, "unsendable"), str(error)[:1000]))
            except Exception as error:  # a fault of ours or of a channel's: it must not hold up everybody behind it
                log.exception("a message could not be written", delivery=row.delivery_id, channel=dispatch.channel)
                done.append(ended(row, "failed", "unsendable", f"internal: {type(error).__name__}"))
            if row.delivery_id not in wires:
                written -= 1
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        point("rendered")
        if not done:
            return batch
        unwritten = {record.row.delivery_id for record in done}
        rows = [row for row in batch.rows if row.delivery_id not in unwritten]
        return replace(batch, rows=rows, ended=[*batch.ended, *done])

    async def speak(self, held: Held, batch: Batch) -> None:
        """Mark, speak, record; what waited too long since it was looked at is looked at once more."""
        dispatch, account, said = batch.dispatch, batch.account, list(batch.rows)
        mine = held.only(sorted({row.bucket for row in said}))
        done, returned = list(batch.ended), list(batch.returned)
        if said and time.monotonic() - batch.looked_at > STALE:
            said, refused, back = await self._look_again(dispatch, said)
            done, returned = done + refused, returned + back
        costs = {row.delivery_id: self._cost(batch, row) for row in said}
        unpaid = await self._purse.pay(dispatch, account.id, said, list(costs.values()), self._ctx.clock.now())
        done += [ended(row, "suppressed", "budget_exhausted") for row in said if row.delivery_id in unpaid]
        said = [row for row in said if row.delivery_id not in unpaid]
        marked_at: list[datetime] = []
        loop = asyncio.get_running_loop()
        spoken_at = began = loop.time()

        async def on_speaking(_: Sequence[int]) -> None:
            nonlocal spoken_at
            point("to_mark")
            marked_at.append(self._ctx.clock.now())
            async with self._ctx.db.connection() as conn:
                if not await store.mark_speaking(conn, mine, said, marked_at[0]):
                    raise LeaseLost
            spoken_at = loop.time()
            point("marked")

        wires = [batch.wires[row.delivery_id] for row in said]
        receipts = await _send(self._channels[account.provider], account, wires, on_speaking)
        took = loop.time() - began
        if wires:
            batch.took = loop.time() - spoken_at
        point("said")
        now = self._ctx.clock.now()
        await self._accounts.heard(self._ctx.db, account.id, receipts, took, now)
        judged = self._judge(batch, said, receipts, costs, now, marked_at[0] if marked_at else None)
        await self._record(dispatch, [*done, *judged], receipts, returned)

    def _judge(
        self,
        batch: Batch,
        said: Sequence[Claimed],
        receipts: Sequence[Receipt],
        costs: Mapping[int, int],
        now: datetime,
        marked_at: datetime | None,
    ) -> list[Record]:
        account = batch.account
        by_id = self._channels[account.provider].manifest.capabilities.receipts_by_id
        elsewhere = batch.dispatch.account_id is None and any(
            one != account.id and self._accounts.usable(one) for one in self._accounts.of(batch.dispatch)
        )
        return [
            from_receipt(
                row, receipt, secret=self._ctx.secret, now=now, speaking_at=marked_at, account_id=account.id,
                parts=batch.wires[row.delivery_id].parts, cost_micros=costs[row.delivery_id], by_id=by_id, elsewhere=elsewhere,
            )
            for row, receipt in zip(said, receipts, strict=True)
        ]  # fmt: skip

    def _cost(self, batch: Batch, row: Claimed) -> int:
        """What a message costs, in micros: its parts at the account's price for its country."""
        country = country_of(row.address, row.traits) if self._accounts.varies(batch.account.id) else ""
        price = self._accounts.price(batch.account.id, country)
        return price * batch.wires[row.delivery_id].parts

    async def _look_again(
        self, dispatch: Dispatch, rows: Sequence[Claimed]
    ) -> tuple[list[Claimed], list[Record], list[Claimed]]:
        """(to be said, refused after all, to go back unsaid): consent, suppression, pause and cancel as they are now."""
        async with self._ctx.db.connection() as conn:
            verdicts = await look_again(self._ctx, conn, dispatch, rows)
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
                point("to_record")
                async with self._ctx.db.connection() as conn, _together(conn, bool(returned or dead or chained)):
                    if records:
                        await store.record(conn, records, now=now, settle_at=settle_at)
                    if chained:
                        await chains.after_record(conn, _keys([record.row for record in records]), now)
                    if returned:
                        await store.unclaim(conn, returned)
                    if dead:
                        gone = [r for r in records if r.row.delivery_id in dead]
                        await suppress(self._ctx, conn, [_gone(dispatch.channel, r, now) for r in gone])
                point("recorded")
                break
            except (PostgresError, DatabaseUnavailable):
                if attempt + 1 == KEEP_TRYING:
                    raise
                await asyncio.sleep(0.2 * 2**attempt)
        for state, count in Tally(record.state for record in records).items():
            _said.labels(dispatch.channel, state).inc(count)


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
