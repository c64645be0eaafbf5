"""Hearing the answer: opens, clicks, receipts, bounces, complaints and replies become the ledger's, the consents' and the
customer's history in one transaction. Many that come together are one statement.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import msgspec
from prometheus_client import Counter

from antiphon.awareness.events import INTERNAL, Journal, JournalTransaction
from antiphon.execution.content import find_urls
from antiphon.execution.delivery import chains, effects, engagement, matching, reply_files
from antiphon.execution.delivery.heard import ENGAGED, OF_PEOPLE, Heard, Kind, Row, event, event_of_nothing
from antiphon.execution.delivery.matching import SQL
from antiphon.execution.delivery.tracking import Tracker
from antiphon.foundation.batcher import Batcher
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.leases import LeaseLost
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import DeadlockDetected, struct_row
from antiphon.foundation.telemetry import registry

__all__ = ["Fate", "Heard", "Hearing", "Kind", "count_forged", "open_hearing"]

TRIES = 4
KEPT_URLS = 50_000
PIECE = 50  # news of one call that are handed on together
WAITING_LOOP = "delivery.waiting"
Fate = Literal["noted", "repeated", "waiting", "unknown"]

_heard = Counter("antiphon_heard", "Answers to messages, by kind and what became of them", ["kind", "fate"], registry=registry)
_forged = Counter("antiphon_forged_tokens", "Tokens that were not ours, by purpose", ["purpose"], registry=registry)


class PageRow(msgspec.Struct, frozen=True):
    """What the hosted page says of a delivery."""

    channel: str
    address: str | None
    topic: str | None
    topic_title: str | None
    done: bool


class Hearing:
    """One process's ear. `hear` waits until an answer is durable and says whether there is such a delivery."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self.tracker = Tracker(ctx.secret, ctx.settings.base_url)
        self._urls: dict[int, str] = {}
        self._batcher: Batcher[list[Heard], list[Fate]] = Batcher(
            self._flush, max_items=200, max_delay=0, gather=0.01, max_queue=20_000
        )

    async def hear(self, heard: Heard) -> bool:
        """Note one answer. Raises Overloaded when too many wait, or what the database says."""
        return (await self._batcher.submit([heard]))[0] != "unknown"

    async def hear_all(self, news: Sequence[Heard]) -> list[Fate]:
        """Note what came in one call, in pieces; what became of each. Some may be noted where this raises: tell all again."""
        pieces = [list(news[at : at + PIECE]) for at in range(0, len(news), PIECE)]
        return [fate for fates in await asyncio.gather(*map(self._batcher.submit, pieces)) for fate in fates]

    async def close(self) -> None:
        """Write down everything that was accepted."""
        await self._batcher.close()

    async def url(self, link_id: int) -> str | None:
        """Where a static link leads; kept, because a link never changes."""
        if link_id not in self._urls:
            async with self._ctx.db.connection() as conn:
                found = await find_urls(conn, [link_id])
            if len(self._urls) >= KEPT_URLS:
                self._urls.clear()
            self._urls.update(found)
        return self._urls.get(link_id)

    async def page(self, delivery_id: int, profile_id: int) -> PageRow | None:
        """What the hosted page says of a delivery, or None if there is none any more."""
        async with self._ctx.db.connection() as conn, conn.cursor(row_factory=struct_row(PageRow)) as cur:
            await cur.execute(SQL.unsubscribe_page, {"id": delivery_id, "profile_id": profile_id})
            return await cur.fetchone()

    async def _flush(self, batch: list[list[Heard]]) -> list[list[Fate] | AntiphonError]:
        news = [heard for piece in batch for heard in piece]
        fates = iter(await self._persist(news))
        answers: list[list[Fate] | AntiphonError] = []
        tally: Tally[tuple[Kind, Fate]] = Tally()
        for piece in batch:
            mine = [next(fates) for _ in piece]
            tally.update(zip([heard.kind for heard in piece], mine, strict=True))
            answers.append(mine)
        for (kind, fate), count in tally.items():
            _heard.labels(kind, fate).inc(count)
        return answers

    async def _persist(self, news: Sequence[Heard]) -> list[Fate]:
        """Write, again after a deadlock with a receipt of the same rows, or when the lane went elsewhere."""
        for attempt in range(TRIES - 1):
            try:
                return await self._write(news)
            except (DeadlockDetected, LeaseLost):
                await asyncio.sleep(0.05 * 2**attempt)
        return await self._write(news)

    async def _write(self, news: Sequence[Heard]) -> list[Fate]:
        async with self._ctx.get(Journal).transaction() as journal:
            return await take_in(self._ctx, journal, news)


async def take_in(ctx: Context, journal: JournalTransaction, news: Sequence[Heard], *, may_wait: bool = True) -> list[Fate]:
    """Write what was heard, all in this transaction; what became of each. With ``may_wait`` news of rows that are not
    recorded yet is kept for later."""
    conn, now = journal.conn, ctx.clock.now()
    named = await matching.place(conn, news, now)
    fates: list[Fate] = ["noted"] * len(named)
    early = [
        n for n, heard in enumerate(named)
        if heard.key is None and heard.provider_id and not (heard.kind in OF_PEOPLE and heard.address)
    ]  # fmt: skip
    for n in early:
        fates[n] = "waiting" if may_wait else "unknown"
    ready = {n: heard for n, heard in enumerate(named) if fates[n] == "noted"}
    for n in await matching.repeated(conn, ready, now):
        fates[n] = "repeated"
        del ready[n]
    for n, whole in (await matching.wholes(conn, ready)).items():
        if whole is None:
            del ready[n]
        else:
            ready[n] = whole
    looks = await engagement.look(ctx, conn, [heard for heard in ready.values() if heard.kind in ENGAGED])
    rows = await matching.note(conn, [heard for heard in ready.values() if heard.key is not None], looks.machines)
    known: list[tuple[Heard, Row]] = []
    loose: list[Heard] = []
    for n, heard in ready.items():
        row = rows.get(heard.key) if heard.key is not None else None
        if row is not None and heard.kind == "delivered" and row.waits:
            fates[n] = "waiting" if may_wait else "unknown"
        elif row is not None:
            known.append((heard, row))
        elif heard.key is None and heard.kind in OF_PEOPLE:
            loose.append(heard)
        else:
            fates[n] = "unknown"
    waiting = [heard for heard, fate in zip(named, fates, strict=True) if fate == "waiting"]
    if waiting:
        await matching.keep_waiting(conn, waiting, now)
        await wake(conn, WAITING_LOOP)
    people = await effects.apply(ctx, conn, known, loose)
    corrected = await engagement.keep(conn, looks, rows, now)
    stirred = {(row.id, row.profile_id) for heard, row in known if row.chained and heard.kind not in ("deferred", "complained")}
    if stirred:
        await chains.after_heard(conn, sorted(stirred), now)
    kept = await reply_files.keep(conn, known, people)
    told = [
        (INTERNAL, heard.at, event(heard, row, kept.get(id(heard), ()))) for heard, row in _newsworthy(known, looks.machines)
    ]
    told += [(INTERNAL, heard.at, event_of_nothing(heard, person, kept.get(id(heard), ()))) for heard, person in people]
    await journal.append([*told, *((INTERNAL, now, payload) for payload in corrected)])
    return fates


def count_forged(purpose: str) -> None:
    """Note that somebody showed a token that was not ours."""
    _forged.labels(purpose).inc()


@asynccontextmanager
async def open_hearing(ctx: Context) -> AsyncIterator[Hearing]:
    """The resource: closed with everything written down."""
    hearing = Hearing(ctx)
    try:
        yield hearing
    finally:
        await hearing.close()


def _newsworthy(known: Sequence[tuple[Heard, Row]], machines: frozenset[int]) -> Iterator[tuple[Heard, Row]]:
    """What goes into the customer's history: first times, and each link's click (intake drops repeats by messageId)."""
    seen: set[tuple[int, str, int | str | None]] = set()
    for heard, row in known:
        first: Mapping[Kind, bool] = {
            "opened": row.first_open,
            "clicked": True,
            "unsubscribed": row.first_unsubscribe,
            "subscribed": True,
            "complained": row.first_complaint,
            "bounced": row.bounces,
            "delivered": row.delivers,
            "replied": True,
            "deferred": False,
        }
        mark = (row.id, heard.kind, heard.link_id if heard.link_id is not None else heard.url or heard.id or heard.text)
        if first[heard.kind] and row.person_known and id(heard) not in machines and mark not in seen:
            seen.add(mark)
            yield heard, row
