"""Hearing the answer: opens, clicks, unsubscribes, bounces and complaints become the ledger's, the consents' and the
customer's history in one transaction. Many that come together are one statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from prometheus_client import Counter

from antiphon.awareness.consent import Evidence, Statement, Suppressed, record_consents, suppress, withdraw_all
from antiphon.awareness.events import INTERNAL, Journal
from antiphon.execution.content import find_urls
from antiphon.execution.delivery import chains
from antiphon.execution.delivery.tracking import Tracker
from antiphon.foundation.batcher import Batcher
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.leases import LeaseLost
from antiphon.foundation.postgres import Connection, DeadlockDetected, load_queries, struct_row
from antiphon.foundation.telemetry import registry

SQL = load_queries(Path(__file__).with_name("hearing.sql"))
TRIES = 4
KEPT_URLS = 50_000
Kind = Literal["opened", "clicked", "unsubscribed", "bounced", "complained"]

_heard = Counter("antiphon_heard", "Answers to messages, by kind", ["kind"], registry=registry)
_forged = Counter("antiphon_forged_tokens", "Tokens that were not ours, by purpose", ["purpose"], registry=registry)


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to one delivery. ``at`` is business time."""

    kind: Kind
    delivery_id: int
    profile_id: int
    at: datetime
    link_id: int | None = None
    url: str | None = None
    everything: bool = False  # an unsubscribe from all topics of the channel
    evidence: Evidence = Evidence()
    permanent: bool = False  # a bounce after which the address is not written to again
    detail: str = ""


class Row(msgspec.Struct, frozen=True):
    """A delivery that was heard of, as it was before."""

    id: int
    profile_id: int
    person: int
    person_known: bool
    campaign_id: int | None
    template_id: int | None
    template_version_id: int | None
    channel: str
    topic: str | None
    address: str | None
    first_open: bool
    first_click: bool
    first_unsubscribe: bool
    first_complaint: bool
    bounces: bool


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
        self._batcher: Batcher[Heard, bool] = Batcher(self._flush, max_items=500, max_delay=0.01, max_queue=20_000)

    async def hear(self, heard: Heard) -> bool:
        """Note one answer. Raises Overloaded when too many wait, or what the database says."""
        return await self._batcher.submit(heard)

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

    async def _flush(self, batch: list[Heard]) -> list[bool | AntiphonError]:
        rows = await self._persist(batch)
        for heard in batch:
            _heard.labels(heard.kind).inc()
        return [_key(heard) in rows for heard in batch]

    async def _persist(self, batch: list[Heard]) -> Mapping[tuple[int, int], Row]:
        """Write, again after a deadlock with a receipt of the same rows, or when the lane went elsewhere."""
        for attempt in range(TRIES - 1):
            try:
                return await self._write(batch)
            except (DeadlockDetected, LeaseLost):
                await asyncio.sleep(0.05 * 2**attempt)
        return await self._write(batch)

    async def _write(self, batch: list[Heard]) -> Mapping[tuple[int, int], Row]:
        async with self._ctx.get(Journal).transaction() as journal:
            rows = await note(journal.conn, batch)
            known = [(heard, rows[_key(heard)]) for heard in batch if _key(heard) in rows]
            await _withdraw(journal.conn, known)
            await _suppress(self._ctx, journal.conn, known)
            if rows:
                await chains.after_heard(journal.conn, list(rows), self._ctx.clock.now())
            await journal.append([(INTERNAL, heard.at, _event(heard, row)) for heard, row in _newsworthy(known)])
        return rows


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


def _key(heard: Heard) -> tuple[int, int]:
    return heard.delivery_id, heard.profile_id


async def note(conn: Connection, batch: Sequence[Heard]) -> dict[tuple[int, int], Row]:
    """Write a batch into the ledger; the rows that exist, as they were."""
    folded: dict[tuple[int, int], dict[str, Any]] = {}
    for heard in batch:
        news = folded.setdefault(_key(heard), {"opens": 0, "clicks": 0})
        if heard.kind == "opened":
            news["opens"] += 1
        elif heard.kind == "clicked":
            news["clicks"] += 1
        news[f"{heard.kind}_at"] = min(news.get(f"{heard.kind}_at", heard.at), heard.at)
        if heard.kind == "bounced":
            news["detail"] = heard.detail
    params: dict[str, Any] = {"ids": [k[0] for k in folded], "profile_ids": [k[1] for k in folded]}
    for name in ("opens", "clicks", "opened_at", "clicked_at", "unsubscribed_at", "complained_at", "bounced_at", "detail"):
        column = name if name in ("opens", "clicks") else f"{name}s"
        params[column] = [news.get(name) for news in folded.values()]
    async with conn.cursor(row_factory=struct_row(Row)) as cur:
        await cur.execute(SQL.hear, params)
        return {(row.id, row.profile_id): row for row in await cur.fetchall()}


Known = Sequence[tuple[Heard, Row]]


async def _withdraw(conn: Connection, known: Known) -> None:
    """An unsubscribe withdraws the consent to its topic, or to all; so does a complaint."""
    statements: list[Statement] = []
    for heard, row in known:
        if heard.kind not in ("unsubscribed", "complained") or not row.person_known:
            continue
        if heard.everything or row.topic is None or heard.kind == "complained":
            await withdraw_all(conn, row.person, row.channel, at=heard.at, source=_source(heard), evidence=heard.evidence)
        if row.topic is not None:
            statements.append(
                Statement(
                    profile_id=row.person,
                    channel=row.channel,
                    topic=row.topic,
                    state="withdrawn",
                    at=heard.at,
                    source=_source(heard),
                    evidence=heard.evidence,
                )
            )
    if statements:
        await record_consents(conn, statements, only_changes=True)


async def _suppress(ctx: Context, conn: Connection, known: Known) -> None:
    """Addresses that bounced for good or complained are written to no more."""
    listed: dict[tuple[str, str], Suppressed] = {}
    for heard, row in known:
        if row.address is None or not (heard.kind == "complained" or (heard.kind == "bounced" and heard.permanent)):
            continue
        listed[row.channel, row.address] = Suppressed(
            channel=row.channel,
            address=row.address,
            reason="complaint" if heard.kind == "complained" else "hard_bounce",
            source=f"delivery:{row.id}",
            at=heard.at,
        )
    if listed:
        await suppress(ctx, conn, list(listed.values()))


def _source(heard: Heard) -> str:
    return f"{heard.kind} delivery:{heard.delivery_id}"


def _newsworthy(known: Known) -> Iterator[tuple[Heard, Row]]:
    """What goes into the customer's history: first times, and each link's click (intake drops repeats by messageId)."""
    seen: set[tuple[int, str, int | str | None]] = set()
    for heard, row in known:
        first: Mapping[Kind, bool] = {
            "opened": row.first_open,
            "clicked": True,
            "unsubscribed": row.first_unsubscribe,
            "complained": row.first_complaint,
            "bounced": row.bounces,
        }
        mark = (row.id, heard.kind, heard.link_id if heard.link_id is not None else heard.url)
        if first[heard.kind] and row.person_known and mark not in seen:
            seen.add(mark)
            yield heard, row


_NAMES: Mapping[Kind, str] = {
    "opened": "Email Opened",
    "clicked": "Email Link Clicked",
    "unsubscribed": "Unsubscribed",
    "bounced": "Email Bounced",
    "complained": "Email Marked As Spam",
}


def _event(heard: Heard, row: Row) -> bytes:
    link = heard.url if heard.url is not None else None
    what = f"{heard.kind}:{heard.link_id or link}" if heard.kind == "clicked" else heard.kind
    name = _NAMES[heard.kind]
    if row.channel != "email":
        name = name.replace("Email", row.channel.capitalize())
    properties: dict[str, Any] = {
        "delivery_id": row.id,
        "campaign_id": row.campaign_id,
        "template_id": row.template_id,
        "template_version_id": row.template_version_id,
        "channel": row.channel,
        "topic": row.topic,
    }
    if link is not None:
        properties["link_url"] = link
    if heard.link_id is not None:
        properties["link_id"] = heard.link_id
    if heard.kind == "bounced":
        properties |= {"permanent": heard.permanent, "detail": heard.detail}
    return msgspec.json.encode(
        {
            "type": "track",
            "event": name,
            "messageId": f"delivery:{row.id}:{what}"[:200],
            "profileId": row.person,
            "timestamp": heard.at,
            "properties": {key: value for key, value in properties.items() if value is not None},
        }
    )
