"""What people do to single rows of the ledger: say again what was not said, and say what became of what nobody knew.

A row that is said again goes back into the queue as the row it is: one intent has one row for ever. How it was before is
kept beside it, with who did it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from antiphon.awareness.events import INTERNAL, Journal
from antiphon.execution.delivery import chains
from antiphon.execution.delivery.gate.again import count_now
from antiphon.execution.delivery.ledger import Search, marks
from antiphon.execution.delivery.model import CLASSES, State
from antiphon.execution.delivery.service import SEND_LOOP
from antiphon.execution.delivery.settling import delivered_event
from antiphon.execution.delivery.store import Settled, find_dispatches
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import JobKind, RunningJob, enqueue
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection, load_queries, struct_row
from antiphon.foundation.principal import Principal

SQL = load_queries(Path(__file__).with_name("resending.sql"))
RETRY = "delivery.retry"
RESOLVE = "delivery.resolve"
AT_ONCE = 2_000
NOT_SENT: list[State] = ["failed", "expired", "bounced", "suppressed", "unknown"]
"""States a retry looks at; whether one of them is said again is for its reason, class and chain to say."""
Outcome = Literal["delivered", "not_delivered", "send_again"]
Verb = Literal["retry", "send_again"]


class Intervention(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person did to a delivery, and how it was before; ``room``: Antiphon, once there was room for it again."""

    verb: Literal["retry", "delivered", "not_delivered", "send_again", "room"]
    at: datetime
    by: str
    state: State
    reason: str | None
    detail: str | None
    sent_at: datetime | None


async def retry_unsent(
    ctx: Context, who: Principal, ids: Sequence[int], *, even_if_heard: bool = False, verb: Verb = "retry"
) -> list[int]:
    """Queue again those of these deliveries that were not said; which they are.

    Never one that may have been received, unless its class is said again or a person says so (``even_if_heard``). The
    gate looks again before it is spoken: a reason that still holds refuses it again.
    """
    params = {
        "ids": list(ids),
        "states": NOT_SENT if verb == "retry" else ["unknown"],
        "classes": list(CLASSES),
        "lifetimes": [c.lifetime.total_seconds() for c in CLASSES.values()],
        "stops": list(chains.STOPS),
        "resend_classes": chains.RESEND,
        "even_if_heard": even_if_heard,
        "verb": verb,
        "by": who.name,
        "now": ctx.clock.now(),
    }
    async with ctx.db.transaction() as conn:
        rows = await (await conn.execute(SQL.requeue, params)).fetchall()
        queued = [int(row[0]) for row in rows]
        if queued:
            await _count(ctx, conn, rows)
            await wake(conn, SEND_LOOP)
            await _keep_record(conn, who, verb, queued)
    return queued


async def _count(ctx: Context, conn: Connection, rows: Sequence[tuple[int, int, int]]) -> None:
    """What is queued again counts towards caps from now on."""
    of: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for delivery_id, person_id, dispatch_id in rows:
        of[dispatch_id].append((delivery_id, person_id))
    for dispatch in await find_dispatches(conn, sorted(of)):
        await count_now(ctx, conn, dispatch, of[dispatch.id])


async def resolve_unknown(ctx: Context, who: Principal, ids: Sequence[int], outcome: Outcome) -> list[int]:
    """Say what became of those of these deliveries that are unknown; which they are. What was delivered is told to the
    customer's history; what was not goes on to the next hop of its chain."""
    if outcome == "send_again":
        return await retry_unsent(ctx, who, ids, even_if_heard=True, verb="send_again")
    params = {"ids": list(ids), "arrived": outcome == "delivered", "by": who.name, "now": ctx.clock.now()}
    async with ctx.get(Journal).transaction() as journal:
        rows = await (await journal.conn.execute(SQL.resolve, params)).fetchall()
        if not rows:
            return []
        await chains.after_heard(journal.conn, [(row[0], row[1]) for row in rows], ctx.clock.now())
        settled = [Settled(row[0], *row[2:]) for row in rows if row[2] and outcome == "delivered"]
        await journal.append([(INTERNAL, row.delivered_at, delivered_event(row)) for row in settled])
        resolved = [int(row[0]) for row in rows]
        await _keep_record(journal.conn, who, outcome, resolved)
    return resolved


async def _keep_record(conn: Connection, who: Principal, verb: str, ids: Sequence[int]) -> None:
    """The audit log: one delivery by its number, many by how many they were; each has a row of its own beside the ledger."""
    subject = f"delivery:{ids[0]}" if len(ids) == 1 else f"deliveries:{len(ids)}"
    await audit(conn, who, action=f"delivery.{verb}", subject=subject, after={"first": min(ids), "last": max(ids)})


async def count(ctx: Context, wanted: Search) -> int:
    """How many deliveries a retry of what a search finds would look at."""
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(SQL.count_matching, await _marks(conn, wanted))).fetchone()
    return int(row[0]) if row else 0


async def leave(ctx: Context, who: Principal, kind: str, wanted: Search, **more: Any) -> tuple[int, int]:
    """Leave a job that does it to all a search finds; (its id, how many deliveries it will look at)."""
    async with ctx.db.transaction() as conn:
        row = await (await conn.execute(SQL.count_matching, await _marks(conn, wanted))).fetchone()
        total = int(row[0]) if row else 0
        args = {"wanted": msgspec.to_builtins(wanted), "by": msgspec.to_builtins(_nameplate(who))} | more
        job_id = await enqueue(conn, kind, args, by=who.name, total=total)
        await audit(conn, who, action=kind, subject=f"job:{job_id}", after={"search": wanted, "deliveries": total} | more)
    return job_id, total


async def run_retry(ctx: Context, job: RunningJob) -> Mapping[str, Any]:
    """Retry all a search finds. What is queued again leaves the search, so that going on after a crash is harmless."""
    even_if_heard = bool(job.args["even_if_heard"])

    async def act(who: Principal, ids: Sequence[int]) -> list[int]:
        return await retry_unsent(ctx, who, ids, even_if_heard=even_if_heard)

    return await _each_found(ctx, job, act)


async def run_resolve(ctx: Context, job: RunningJob) -> Mapping[str, Any]:
    """Resolve all the unknown a search finds."""
    outcome = msgspec.convert(job.args["outcome"], Outcome)

    async def act(who: Principal, ids: Sequence[int]) -> list[int]:
        return await resolve_unknown(ctx, who, ids, outcome)

    return await _each_found(ctx, job, act)


async def _each_found(
    ctx: Context, job: RunningJob, act: Callable[[Principal, Sequence[int]], Awaitable[list[int]]]
) -> Mapping[str, Any]:
    wanted = msgspec.convert(job.args["wanted"], Search)
    who = _principal(job.args["by"])
    before: int | None = None
    looked_at = done = 0
    while True:
        async with ctx.db.connection() as conn:
            params = await _marks(conn, wanted) | {"before": before, "limit": AT_ONCE}
            ids = [row[0] for row in await (await conn.execute(SQL.matching, params)).fetchall()]
        if not ids:
            return {"looked_at": looked_at, "done": done, "left_alone": looked_at - done}
        done += len(await act(who, ids))
        looked_at += len(ids)
        before = ids[-1]
        await job.progress(looked_at)


async def _marks(conn: Connection, wanted: Search) -> dict[str, Any]:
    states = [state for state in NOT_SENT if wanted.states is None or state in wanted.states]
    return await marks(conn, wanted) | {"states": states}


def _nameplate(who: Principal) -> dict[str, Any]:
    return {"id": who.id, "kind": who.kind, "name": who.name}


def _principal(plate: Mapping[str, Any]) -> Principal:
    return Principal(id=plate["id"], kind=plate["kind"], name=plate["name"], permissions=frozenset())


async def interventions(conn: Connection, delivery_id: int) -> list[Intervention]:
    """What people did to one delivery, oldest first."""
    async with conn.cursor(row_factory=struct_row(Intervention)) as cur:
        return await (await cur.execute(SQL.interventions_of, {"id": delivery_id})).fetchall()


JOBS = (JobKind(RETRY, run_retry), JobKind(RESOLVE, run_resolve))
