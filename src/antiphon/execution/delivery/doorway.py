"""What one process needs to answer callbacks: accounts at hand, public documents fetched, and what was refused."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
from prometheus_client import Counter

from antiphon.execution.channels import Account, Channels
from antiphon.execution.delivery.matching import SQL
from antiphon.foundation.context import Context
from antiphon.foundation.errors import Unavailable
from antiphon.foundation.outbound import Outbound, OutboundFailed, OutboundRefused, check_url
from antiphon.foundation.postgres import Connection, PostgresError, struct_row
from antiphon.foundation.postgres.binary import bigints, texts
from antiphon.foundation.tasks import end_task
from antiphon.foundation.telemetry import get_logger, registry

log = get_logger(__name__)
AT_HAND = 2.0  # seconds an account is taken as it was; a change of its keys is known after that
KEPT = 100  # documents
DOCUMENT = 64_000  # bytes of one, at most
CONFIRMING = ("amazonaws.com", "amazonaws.com.cn")  # whose confirmations of a subscription are followed
PAUSE = 1.0  # seconds refusals are added up before they are written down

_refused = Counter("antiphon_callbacks_refused", "Calls at callback addresses that were refused", ["account", "cause"],
                   registry=registry)  # fmt: skip


class DocumentMissing(Unavailable):
    """What this callback is to be checked with could not be fetched. Send it again."""

    code = "callback-document-missing"
    permanent = False


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Calls at an account's callback address that were refused for one cause. ``unknown_message``: news that was believed, but
    of no message of ours."""

    account_id: int
    account_name: str | None
    cause: str
    count: int
    first_at: datetime
    last_at: datetime
    last_detail: str


class Doorway:
    """One process's way in for callbacks."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._accounts: dict[int, tuple[float, Account]] = {}
        self._documents: dict[str, bytes] = {}
        self._outbound = Outbound(timeout=10.0, connections=4)
        self._tally: Tally[tuple[int, str]] = Tally()
        self._details: dict[tuple[int, str], str] = {}
        self._writing: asyncio.Task[None] | None = None

    async def account(self, account_id: int) -> Account:
        """The account whose address was called, as it was a moment ago. Raises `AccountUnknown`."""
        now = asyncio.get_running_loop().time()
        known = self._accounts.get(account_id)
        if known is None or now - known[0] > AT_HAND:
            async with self._ctx.db.connection() as conn:
                account = await self._ctx.get(Channels).account(conn, account_id)
            known = self._accounts[account_id] = (now, account)
        return known[1]

    async def document(self, url: str) -> bytes:
        """A public document (a signer's certificate). Raises `DocumentMissing`."""
        if url not in self._documents:
            try:
                check_url(url, https=True)
                answer = await self._outbound.call("GET", url, limit=DOCUMENT)
            except (OutboundRefused, OutboundFailed) as failed:
                raise DocumentMissing from failed
            if not answer.ok or answer.cut:
                raise DocumentMissing
            if len(self._documents) >= KEPT:
                self._documents.clear()
            self._documents[url] = answer.body
        return self._documents[url]

    async def confirm(self, url: str | None) -> bool:
        """Follow a confirmation, if it leads to whom we would confirm anything to."""
        if not url:
            return False
        try:
            host = check_url(url, https=True).host
            if not any(host == one or host.endswith(f".{one}") for one in CONFIRMING):
                log.warning("a confirmation leads elsewhere", host=host)
                return False
            return (await self._outbound.call("GET", url, limit=DOCUMENT)).ok
        except (OutboundRefused, OutboundFailed) as failed:
            log.warning("a subscription could not be confirmed", error=str(failed))
            return False

    def refuse(self, account_id: int, cause: str, detail: str = "") -> None:
        """Count a refused call; written down a moment later, with others."""
        _refused.labels(str(account_id), cause).inc()
        self._tally[account_id, cause] += 1
        self._details[account_id, cause] = detail[:300].replace("\0", "")
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_later())

    async def close(self) -> None:
        """Write down what was refused."""
        await self._outbound.close()
        if self._writing is not None:
            await end_task(self._writing)
        await self.write_down()

    async def _write_later(self) -> None:
        await asyncio.sleep(PAUSE)
        await self.write_down()

    async def write_down(self) -> None:
        """Add what was refused to the table."""
        tally, details = self._tally, self._details
        if not tally:
            return
        self._tally, self._details = Tally(), {}
        try:
            async with self._ctx.db.connection() as conn:
                await count_refusals(conn, tally, details, self._ctx.clock.now())
        except PostgresError as failed:
            log.warning("refused callbacks could not be counted", error=repr(failed))


async def count_refusals(
    conn: Connection, tally: Mapping[tuple[int, str], int], details: Mapping[tuple[int, str], str], now: datetime
) -> None:
    """Add to what was refused."""
    keys = sorted(tally)
    params = {
        "accounts": bigints([key[0] for key in keys]),
        "causes": texts([key[1] for key in keys]),
        "counts": bigints([tally[key] for key in keys]),
        "details": texts([details.get(key, "") for key in keys]),
        "now": now,
    }
    await conn.execute(SQL.count_refusals, params)


async def find_refusals(conn: Connection, account_id: int | None) -> list[Refusal]:
    """What was refused, the latest first."""
    async with conn.cursor(row_factory=struct_row(Refusal)) as cur:
        return await (await cur.execute(SQL.find_refusals, {"account_id": account_id})).fetchall()


@asynccontextmanager
async def open_doorway(ctx: Context) -> AsyncIterator[Doorway]:
    """The resource of whoever answers HTTP."""
    doorway = Doorway(ctx)
    try:
        yield doorway
    finally:
        await doorway.close()
