"""The accounts as this process knows them: their terms, which of them answer, and what they cost.

What is known is read again twice a second; that an account does not answer, or answers again, is written at once for all
processes. An account that does not answer rests, longer each time; when its rest is over one process tries it with a few
messages. One that refuses its own sender for good is paused until somebody resumes it. Business time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from antiphon.execution.channels import Account, Channels, Receipt
from antiphon.execution.delivery import routing
from antiphon.execution.delivery.model import Dispatch
from antiphon.execution.delivery.routing import Addressee, Route
from antiphon.execution.delivery.terms import Terms, price_of
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.notices import Notice, publish
from antiphon.foundation.postgres import Connection, Database, load_queries, struct_row
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
SQL = load_queries(Path(__file__).with_name("accounts.sql"))
FRESH = 0.5  # seconds for which what was read is good
FIRST = 5.0  # seconds of the first rest
LONGEST = 300.0
SILENT = 5  # messages in a row that got no answer, from which on an account is one that does not answer
PROBE = 5  # messages that try whether an account answers again
HealthState = Literal["working", "resting", "paused"]


class AccountPaused(Notice, frozen=True):
    """An account was paused because it refuses its own sender."""

    account_id: int
    name: str
    reason: str


class Known(msgspec.Struct, kw_only=True):
    """An account: its terms and how it is."""

    id: int
    channel: str
    provider: str
    name: str
    enabled: bool
    version: int
    terms: Terms
    state: HealthState
    until: datetime | None
    rest_seconds: float
    silent: int = 0  # messages in a row without an answer


class Tally(msgspec.Struct):
    """What came of an account since it was last written down."""

    sent: int = 0
    failed: int = 0
    put_off: int = 0
    unknown: int = 0
    faults: int = 0
    batches: int = 0
    seconds: float = 0.0
    slowest: float = 0.0


class Accounts:
    """One process's view of all accounts and of the rules that choose among them."""

    def __init__(self, channels: Channels, secret: bytes) -> None:
        self._channels = channels
        self._secret = secret
        self._known: dict[int, Known] = {}
        self._open: dict[int, Account] = {}
        self._of_channel: dict[str, list[int]] = {}
        self._routes: dict[str, list[Route]] = {}
        self._read_at = 0.0
        self._probing: set[int] = set()
        self._tallies: dict[int, Tally] = {}

    async def refresh(self, conn: Connection, *, now_or_never: bool = False) -> None:
        """Read accounts and rules again, if what is known is not fresh."""
        if not now_or_never and time.monotonic() - self._read_at < FRESH:
            return
        async with conn.cursor(row_factory=struct_row(Known)) as cur:
            rows = await (await cur.execute(SQL.all_accounts)).fetchall()
        rows = [row for row in rows if row.provider in self._channels and await self._opens(conn, row)]
        for row in rows:
            row.silent = self._known[row.id].silent if row.id in self._known else 0
        self._known = {row.id: row for row in rows}
        self._probing &= {row.id for row in rows if row.state == "resting"}
        self._of_channel = {}
        for row in rows:
            self._of_channel.setdefault(row.channel, []).append(row.id)
        self._routes = {}
        for route in await all_routes(conn, None):
            self._routes.setdefault(route.channel, []).append(route)
        self._read_at = time.monotonic()

    async def _opens(self, conn: Connection, row: Known) -> bool:
        """Whether an account can be opened; one that cannot holds up no other."""
        opened = self._open.get(row.id)
        if opened is None or opened.version != row.version:
            try:
                self._open[row.id] = await self._channels.account(conn, row.id)
            except (AntiphonError, msgspec.ValidationError) as failed:
                log.error("an account cannot be opened", account=row.name, error=type(failed).__name__)
                return False
        return True

    def __getitem__(self, account_id: int) -> Account:
        """The account with its secrets in clear."""
        return self._open[account_id]

    def terms(self, account_id: int) -> Terms:
        """On which terms we speak through it."""
        return self._known[account_id].terms

    def paces_domains(self, account_id: int) -> bool:
        """Whether its terms limit what goes to a domain."""
        return bool(self._known[account_id].terms.domains)

    def of(self, dispatch: Dispatch) -> Sequence[int]:
        """The accounts a dispatch's messages may take at all."""
        if dispatch.account_id is not None:
            return (dispatch.account_id,) if dispatch.account_id in self._known else ()
        return self._of_channel.get(dispatch.channel, ())

    def of_channel(self, channel: str) -> Sequence[int]:
        """Every account of a channel, oldest first."""
        return self._of_channel.get(channel, ())

    def routes(self, channel: str) -> Sequence[Route]:
        """The rules of a channel, in the order they are asked."""
        return self._routes.get(channel, ())

    def usable(self, account_id: int) -> bool:
        """Whether it can be spoken through now."""
        known = self._known.get(account_id)
        return known is not None and known.enabled and (known.state == "working" or account_id in self._probing)

    def probing(self, account_id: int) -> bool:
        """Whether it is only tried, with `PROBE` messages."""
        return account_id in self._probing

    def is_ruled(self, dispatch: Dispatch) -> bool:
        """Whether rules choose the account of its messages, one by one."""
        return dispatch.account_id is None and bool(self._routes.get(dispatch.channel))

    def candidates(self, dispatch: Dispatch, to: Addressee) -> list[int]:
        """The accounts that can be used for a message now, best first, as the rules say."""
        return routing.candidates(
            self.routes(dispatch.channel), self.of_channel(dispatch.channel), to,
            key=self._secret, usable=self.usable, price=self.price,
        )  # fmt: skip

    def varies(self, account_id: int) -> bool:
        """Whether its price depends on the country."""
        known = self._known.get(account_id)
        return known is not None and bool(known.terms.prices)

    def price(self, account_id: int, country: str) -> int:
        """What a part costs through this account, in micros."""
        known = self._known.get(account_id)
        if known is None:
            return 0
        return price_of(known.terms, self._channels[known.provider].manifest.capabilities.cost_micros, country)

    async def probe(self, conn: Connection, wanted: Sequence[int], now: datetime) -> None:
        """Try those of these accounts whose rest is over, unless another process does."""
        due = [
            one for one in wanted
            if (known := self._known.get(one)) and known.state == "resting" and known.until and known.until <= now
        ]  # fmt: skip
        if due:
            rows = await (await conn.execute(SQL.probe, {"accounts": due, "now": now})).fetchall()
            for (account_id,) in rows:
                self._probing.add(account_id)
                self._known[account_id].until = now + timedelta(seconds=self._known[account_id].rest_seconds)

    async def heard(self, db: Database, account_id: int, receipts: Sequence[Receipt], seconds: float, now: datetime) -> None:
        """What a batch says of its account: it answers, it does not, or it refuses its own sender for good."""
        if not receipts:
            return
        self._tally(account_id, receipts, seconds)
        known = self._known.get(account_id)
        if known is None:
            return
        if any(receipt.outcome == "sent" for receipt in receipts):
            known.silent = 0
            await self._answers(db, known, now)
            return
        faults = [receipt for receipt in receipts if receipt.account_fault]
        known.silent = known.silent + len(receipts) if all(receipt.outcome == "unknown" for receipt in receipts) else 0
        if faults and all(receipt.outcome == "rejected" and receipt.permanent for receipt in faults):
            await self._refuses(db, known, faults[0], now)
        elif faults or known.silent >= SILENT:
            worst = faults or receipts
            await self._rests(db, known, worst[0], max(receipt.retry_after or 0.0 for receipt in worst), now)
        elif not known.silent:
            await self._answers(db, known, now)

    async def _answers(self, db: Database, known: Known, now: datetime) -> None:
        self._probing.discard(known.id)
        if known.state == "resting":
            known.state, known.until, known.rest_seconds = "working", None, 0.0
            async with db.connection() as conn:
                await conn.execute(SQL.wake_account, {"account_id": known.id, "now": now})
            log.info("account answers again", account=known.name)

    async def _rests(self, db: Database, known: Known, receipt: Receipt, asked: float, now: datetime) -> None:
        probed = known.id in self._probing
        self._probing.discard(known.id)
        params = {
            "account_id": known.id, "now": now, "first": FIRST, "longest": LONGEST, "asked": min(asked, LONGEST),
            "error": _said(receipt), "probed": probed,
        }  # fmt: skip
        async with db.connection() as conn:
            row = await (await conn.execute(SQL.rest, params)).fetchone()
        if row is not None:
            known.state, known.until, known.rest_seconds = row
            log.warning("account does not answer", account=known.name, code=receipt.code, detail=receipt.detail)
        elif known.state == "working":  # another process has seen it before us
            known.state, known.until = "resting", now + timedelta(seconds=FIRST)

    async def _refuses(self, db: Database, known: Known, receipt: Receipt, now: datetime) -> None:
        self._probing.discard(known.id)
        known.state = "paused"
        async with db.transaction() as conn:
            if await pause(conn, known.id, by=None, reason="refused", error=_said(receipt), now=now):
                await publish(conn, AccountPaused(account_id=known.id, name=known.name, reason=_said(receipt)))
        log.error("account refuses its own sender and is paused", account=known.name, code=receipt.code, detail=receipt.detail)

    def _tally(self, account_id: int, receipts: Sequence[Receipt], seconds: float) -> None:
        tally = self._tallies.setdefault(account_id, Tally())
        tally.batches += 1
        tally.seconds += seconds
        tally.slowest = max(tally.slowest, seconds)
        for receipt in receipts:
            if receipt.account_fault:
                tally.faults += 1
            elif receipt.outcome == "sent":
                tally.sent += 1
            elif receipt.outcome == "rejected":
                tally.failed += 1
            elif receipt.outcome == "unknown":
                tally.unknown += 1
            else:
                tally.put_off += 1

    async def write_tallies(self, conn: Connection, now: datetime) -> None:
        """Add what came of accounts to their minutes."""
        tallies, self._tallies = self._tallies, {}
        if not tallies:
            return
        ids = sorted(tallies)
        columns = {name: [getattr(tallies[i], name) for i in ids] for name in Tally.__struct_fields__}
        await conn.execute(SQL.note_minutes, {"accounts": ids, "now": now, **columns})


def _said(receipt: Receipt) -> str:
    return f"{receipt.code} {receipt.detail}".strip()[:500] or "no answer"


async def all_routes(conn: Connection, channel: str | None) -> list[Route]:
    """Every rule, or a channel's, in the order they are asked."""
    async with conn.cursor(row_factory=struct_row(Route)) as cur:
        return await (await cur.execute(SQL.all_routes, {"channel": channel})).fetchall()


async def pause(conn: Connection, account_id: int, *, by: str | None, reason: str, error: str | None, now: datetime) -> bool:
    """Say nothing more through an account; whether it was not paused before."""
    params = {"account_id": account_id, "by": by, "reason": reason, "error": error, "now": now}
    return await (await conn.execute(SQL.pause_account, params)).fetchone() is not None


async def forget(conn: Connection, now: datetime) -> None:
    """Minutes older than anybody asks for."""
    await conn.execute(SQL.forget_minutes, {"before": now - timedelta(days=2)})
