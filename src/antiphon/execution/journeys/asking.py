"""Asking other systems: what webhook steps left is called out for here, and the answer moves the person.

Who is asked about is claimed in a transaction, called out for outside of any, and the answer written in another, in which the
passage gets it into its memory and wakes: once, whatever crashes. A crash between may ask again, under the same id
(``webhook-id``), by which the other side can tell. What is never answered is given up with a reason.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
from prometheus_client import Counter

from antiphon.execution.channels import AccountUnknown, Channels
from antiphon.execution.channels.webhook import WebhookSettings, signature
from antiphon.execution.journeys.live.effects import ASK_LOOP, SEALED_FOR
from antiphon.execution.journeys.telling import plain_json
from antiphon.foundation.context import Context
from antiphon.foundation.faults import point
from antiphon.foundation.ids import keyed_fraction
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop, wake
from antiphon.foundation.outbound import Answer, Outbound, OutboundFailed, OutboundRefused
from antiphon.foundation.postgres import Connection, load_queries, tuple_row
from antiphon.foundation.postgres.binary import bigints, instants, ints, micros, texts
from antiphon.foundation.rooms import Resource
from antiphon.foundation.telemetry import get_logger, registry

SQL = load_queries(Path(__file__).with_name("asking.sql"))
RUN_LOOP = "journeys.run"
BUCKETS = 64
AT_ONCE = 40
"""Calls under way in one process."""
LONGEST = 5.0
"""Seconds after which a tick takes on nothing new."""
TRIES = 3
RESTS = 30.0
"""An address that did not answer so often in a row is left alone for so many seconds."""
PATIENCE = 10.0
"""Seconds an answer is waited for."""
CLAIMED = timedelta(minutes=2)
"""Who was claimed by a process that died is asked again after so long."""
BACKOFF = (10, 30, 120, 600, 1800, 3600)
BODY = 2_000
"""Characters of an answer that are carried along."""
DEEPEST = 50
"""Levels of lists and objects in it."""
MOST_KNOWN = 10_000
KEPT = timedelta(days=90)
"""For so long it is kept what was asked."""
NOT_NOW = frozenset({408, 425, 429})
log = get_logger(__name__)
_asked = Counter("antiphon_journey_webhooks", "Calls of webhook steps by what came of them", ["outcome"], registry=registry)

State = Literal["waiting", "answered", "failed"]


class Asked(msgspec.Struct, frozen=True):
    """One who is asked about."""

    profile_id: int
    run_id: int
    step: str
    turn: int
    body: str
    attempts: int
    give_up_at: datetime
    url: str
    method: str
    sealed: bytes


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking; ``again_at`` while it is still ``waiting``."""

    state: State
    status: int | None = None
    reason: str | None = None
    body: Any = None
    again_at: datetime | None = None


class Asker:
    """One process's way out for webhook steps."""

    def __init__(self) -> None:
        self.outbound = Outbound(timeout=PATIENCE, connections=AT_ONCE)
        self._silent: dict[str, int] = {}
        self._rests: dict[str, float] = {}

    async def ask(self, ctx: Context, one: Asked) -> Outcome:
        """Call out once, and judge what comes back."""
        now = ctx.clock.now()
        if now >= one.give_up_at:
            return Outcome(state="failed", reason="no_answer")
        if self._rests.get(one.url, 0.0) > time.monotonic():
            return _later(ctx, one, None, "no_answer", None)
        try:
            content, headers = await _signed(ctx, one, now)
            answer = await self.outbound.call(
                one.method, one.url, headers=headers, content=b"" if one.method == "GET" else content, limit=64_000
            )
        except (AccountUnknown, NoWebhook):
            return Outcome(state="failed", reason="no-channel-account")
        except OutboundRefused:
            return Outcome(state="failed", reason="address_refused")
        except OutboundFailed as failed:
            self._note(one.url, silent=True)
            return _later(ctx, one, None, "no_answer" if failed.timeout else "unreachable", None)
        self._note(one.url, silent=False)
        return judged(ctx, one, answer)

    def _note(self, url: str, *, silent: bool) -> None:
        """One that is silent again and again is left alone for a while, so that others have their turn."""
        count = self._silent.get(url, 0) + 1 if silent else 0
        if len(self._silent) > MOST_KNOWN:
            self._silent.clear()
            self._rests.clear()
        self._silent[url] = count
        if count >= TRIES:
            self._rests[url] = time.monotonic() + RESTS


def judged(ctx: Context, one: Asked, answer: Answer) -> Outcome:
    """What an answer means: 2xx is one, 5xx and *not now* are asked again, everything else is a no."""
    if answer.ok:
        return Outcome(state="answered", status=answer.status, body=_body(answer))
    if answer.status >= 500 or answer.status in NOT_NOW:
        return _later(ctx, one, answer.status, "server_failed", answer.retry_after)
    return Outcome(state="failed", status=answer.status, reason="refused", body=_body(answer))


def _later(ctx: Context, one: Asked, status: int | None, reason: str, asked: float | None) -> Outcome:
    """It is asked again, unless it is to be given up before."""
    base = BACKOFF[min(one.attempts, len(BACKOFF)) - 1]
    spread = base * (0.8 + 0.4 * keyed_fraction(ctx.secret, "ask again", one.run_id, one.attempts))
    again = ctx.clock.now() + timedelta(seconds=max(spread, asked or 0))
    if again >= one.give_up_at:
        return Outcome(state="failed", status=status, reason=reason)
    return Outcome(state="waiting", status=status, reason=reason, again_at=again)


def _body(answer: Answer) -> Any:
    """What is carried along of an answer: JSON as it is, or a text. Too long a one is cut, JSON then left away; JSON that is
    nested deeper than anybody reads is a text."""
    text = answer.body.decode("utf-8", "replace").replace("\0", "")
    if len(text) > BODY or answer.cut:
        return None if text.lstrip()[:1] in ("{", "[") else text[:BODY]
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return text
    return found if _depth(found) <= DEEPEST else text


def _depth(value: Any) -> int:
    """How deep lists and objects are nested."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


class NoWebhook(Exception):
    """The account is none of a webhook."""


async def _signed(ctx: Context, one: Asked, now: datetime) -> tuple[bytes, dict[str, str]]:
    """(the body, its headers), signed by the Standard Webhooks specification where there is a secret, the step's own or its
    account's. Raises AccountUnknown, NoWebhook."""
    kept = ctx.get(Channels).seal.open(one.sealed, SEALED_FOR)
    secret, own = kept["secret"], kept["headers"]
    if kept["account_id"] is not None:
        async with ctx.db.connection() as conn:
            settings = (await ctx.get(Channels).account(conn, kept["account_id"])).settings
        if not isinstance(settings, WebhookSettings):
            raise NoWebhook
        secret = settings.secret
        own = ({"authorization": settings.authorization} if settings.authorization else {}) | own
    content = one.body.encode()
    name, stamp = f"journey_{one.run_id}_{one.step}_{one.turn}", int(now.timestamp())
    headers = {"content-type": "application/json"} | own | {"webhook-id": name, "webhook-timestamp": str(stamp)}
    if secret:
        headers["webhook-signature"] = signature(secret, name, stamp, content)
    return content, headers


async def ask_all(ctx: Context, held: Held) -> bool:
    """One tick: ask for those who are due, and bring them their answers as they come; who answers late keeps nobody waiting."""
    asker, began, more = _asker(ctx), time.monotonic(), True
    asking: dict[asyncio.Task[Outcome], Asked] = {}
    try:
        while True:
            room = AT_ONCE - len(asking)
            if more and room and not held.leaving() and time.monotonic() - began < LONGEST:
                fresh = await _claim(ctx, held, room)
                more = len(fresh) == room
                asking |= {asyncio.create_task(asker.ask(ctx, one)): one for one in fresh}
            if not asking:
                return more
            done, _ = await asyncio.wait(asking, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            if done:
                point("asked")
                outcomes = [(asking.pop(task), task.result()) for task in done]
                async with ctx.db.transaction() as conn:
                    await held.fence(conn)
                    await bring(conn, [one for one, _ in outcomes], [outcome for _, outcome in outcomes], ctx.clock.now())
                for _, outcome in outcomes:
                    _asked.labels(outcome.reason or outcome.state).inc()
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def _claim(ctx: Context, held: Held, most: int) -> list[Asked]:
    """Take some of those who are due."""
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        async with conn.cursor(row_factory=tuple_row) as cur:
            params = {"buckets": held.buckets, "now": now, "most": most, "claimed_to": now + CLAIMED}
            return [Asked(*row) for row in await (await cur.execute(SQL.claim, params)).fetchall()]


async def bring(conn: Connection, asked: Sequence[Asked], outcomes: Sequence[Outcome], now: datetime) -> int:
    """Write what came of asking, and give the answers to who still waits for them; returns to how many. Others have gone on, or
    left: their answers are too late."""
    over = [(one, outcome) for one, outcome in zip(asked, outcomes, strict=True) if outcome.state != "waiting"]
    again = [(one, outcome) for one, outcome in zip(asked, outcomes, strict=True) if outcome.again_at is not None]
    if again:
        await conn.execute(SQL.ask_again, _whose([one for one, _ in again]) | {
            "due_ats": instants([micros(outcome.again_at) for _, outcome in again if outcome.again_at is not None]),
            "reasons": texts([outcome.reason for _, outcome in again]),
        })  # fmt: skip
    if not over:
        return 0
    answers = [
        plain_json({
            "ok": outcome.state == "answered", "turn": one.turn, "status": outcome.status, "reason": outcome.reason,
            "body": outcome.body, "at": now,
        }).decode()
        for one, outcome in over
    ]  # fmt: skip
    row = await (await conn.execute(SQL.bring, _whose([one for one, _ in over]) | {
        "states": texts([outcome.state for _, outcome in over]), "answers": texts(answers),
        "statuses": ints([outcome.status or 0 for _, outcome in over]), "reasons": texts([outcome.reason for _, outcome in over]),
        "now": now,
    })).fetchone()  # fmt: skip
    assert row is not None
    if row[0]:
        await wake(conn, RUN_LOOP)
    return int(row[0])


def _whose(asked: Sequence[Asked]) -> dict[str, Any]:
    return {
        "profile_ids": bigints([one.profile_id for one in asked]), "run_ids": bigints([one.run_id for one in asked]),
        "steps": texts([one.step for one in asked]), "turns": bigints([one.turn for one in asked]),
    }  # fmt: skip


async def forget_asked(ctx: Context, held: Held) -> bool:
    """One tick: what was asked long ago is forgotten."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        gone = await conn.execute(SQL.forget_asked, {"before": ctx.clock.now() - KEPT, "most": 5_000})
        return gone.rowcount == 5_000


def _asker(ctx: Context) -> Asker:
    if not ctx.has(Asker):
        ctx.put(Asker, Asker())
    return ctx.get(Asker)


@asynccontextmanager
async def open_asker(ctx: Context) -> AsyncIterator[Asker]:
    """A worker's way out, its connections closed at the end."""
    asker = Asker()
    try:
        yield asker
    finally:
        await asker.outbound.close()


RESOURCES = (Resource(Asker, open_asker, frozenset({"worker"})),)
LOOPS = (
    Loop(ASK_LOOP, ask_all, interval=1.0, buckets=BUCKETS),
    Loop("journeys.forget_asked", forget_asked, interval=600.0, buckets=1),
)
