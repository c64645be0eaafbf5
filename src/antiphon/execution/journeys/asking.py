"""Asking other systems: what webhook steps left is called out for here, and the answer moves the person.

Who is asked about is claimed in a transaction, called out for outside of any, and the answer written in another, in which the
passage gets it into its memory and wakes: once, whatever crashes. A crash between may ask again, under the same id
(``webhook-id``), by which the other side can tell. What is never answered is given up with a reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
from prometheus_client import Counter

from antiphon.execution.channels import Channels
from antiphon.execution.channels.webhook.signing import signature
from antiphon.execution.journeys.live.effects import ASK_LOOP, SEALED_FOR
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
MOST = 100
"""Asked in one tick."""
AT_ONCE = 20
PATIENCE = 10.0
"""Seconds an answer is waited for."""
CLAIMED = timedelta(minutes=2)
"""Who was claimed by a process that died is asked again after so long."""
BACKOFF = (10, 30, 120, 600, 1800, 3600)
BODY = 2_000
"""Characters of an answer that are carried along."""
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
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def ask(self, ctx: Context, one: Asked) -> Outcome:
        """Call out once, and judge what comes back."""
        now = ctx.clock.now()
        if now >= one.give_up_at:
            return Outcome(state="failed", reason="no_answer")
        content, headers = _signed(ctx, one, now)
        try:
            async with self._turns:
                answer = await self.outbound.call(
                    one.method, one.url, headers=headers, content=b"" if one.method == "GET" else content, limit=64_000
                )
        except OutboundRefused:
            return Outcome(state="failed", reason="address_refused")
        except OutboundFailed as failed:
            return _later(ctx, one, None, "no_answer" if failed.timeout else "unreachable", None)
        return judged(ctx, one, answer)


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
    """What is carried along of an answer: JSON as it is, or a text; too long a one is cut, JSON then left away."""
    text = answer.body.decode("utf-8", "replace").replace("\0", "")
    try:
        return msgspec.json.decode(answer.body) if len(text) <= BODY and not answer.cut else None
    except msgspec.DecodeError:
        return text[:BODY]


def _signed(ctx: Context, one: Asked, now: datetime) -> tuple[bytes, dict[str, str]]:
    """(the body, its headers), signed by the Standard Webhooks specification where there is a secret."""
    secrets = ctx.get(Channels).seal.open(one.sealed, SEALED_FOR)
    content = one.body.encode()
    name, stamp = f"journey_{one.run_id}_{one.step}_{one.turn}", int(now.timestamp())
    headers = {"content-type": "application/json"} | secrets["headers"] | {"webhook-id": name, "webhook-timestamp": str(stamp)}
    if secrets["secret"]:
        headers["webhook-signature"] = signature(secrets["secret"], name, stamp, content)
    return content, headers


async def ask_all(ctx: Context, held: Held) -> bool:
    """One tick: ask for those who are due, and bring them their answers."""
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        async with conn.cursor(row_factory=tuple_row) as cur:
            params = {"buckets": held.buckets, "now": now, "most": MOST, "claimed_to": now + CLAIMED}
            asked = [Asked(*row) for row in await (await cur.execute(SQL.claim, params)).fetchall()]
    if not asked:
        return False
    asker = _asker(ctx)
    outcomes = await asyncio.gather(*(asker.ask(ctx, one) for one in asked))
    point("asked")
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        await bring(conn, asked, outcomes, ctx.clock.now())
    for outcome in outcomes:
        _asked.labels(outcome.reason or outcome.state).inc()
    return len(asked) == MOST


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
        msgspec.json.encode({
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
