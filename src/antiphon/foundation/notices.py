"""Notices: how a room tells what happened to rooms beside or above it, which it does not know.

A notice is written in the transaction of the change (an outbox, one row for each listener) and heard exactly once by
each: the listener's work and the row's deletion are one transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop, wake
from antiphon.foundation.postgres import Connection, Jsonb, load_queries
from antiphon.foundation.telemetry import get_logger

if TYPE_CHECKING:
    from antiphon.foundation.context import Context

SQL = load_queries(Path(__file__).with_name("notices.sql"))
log = get_logger(__name__)
LOOP = "notices"


class Notice(msgspec.Struct, frozen=True):
    """Base of all notices; the class's name is the topic."""


@dataclass(frozen=True)
class Listener:
    """`handle(ctx, conn, notice)` runs inside the transaction that forgets the notice. No network in it."""

    name: str
    notice: type[Notice]
    handle: Callable[[Context, Connection, Any], Awaitable[None]]


class Listeners:
    """Who listens to what in this installation; filled by app.py from the rooms switched on."""

    def __init__(self) -> None:
        self._by_topic: dict[str, list[Listener]] = {}
        self._by_name: dict[str, Listener] = {}

    def register(self, listeners: Sequence[Listener]) -> None:
        for listener in listeners:
            if self._by_name.get(listener.name) == listener:
                continue
            self._by_name[listener.name] = listener
            self._by_topic.setdefault(listener.notice.__name__, []).append(listener)

    def names(self, topic: str | None = None) -> list[str]:
        return list(self._by_name) if topic is None else [one.name for one in self._by_topic.get(topic, [])]

    def __getitem__(self, name: str) -> Listener:
        return self._by_name[name]


LISTENERS = Listeners()


async def publish(conn: Connection, notice: Notice) -> None:
    """Leave a notice for all who listen, in the caller's transaction."""
    topic = type(notice).__name__
    listeners = LISTENERS.names(topic)
    if listeners:
        await conn.execute(
            SQL.publish, {"listeners": listeners, "topic": topic, "body": Jsonb(msgspec.to_builtins(notice))}
        )
        await wake(conn, LOOP)


async def deliver_notices(ctx: Context, held: Held) -> bool:
    """Hear up to a hundred notices, each in its own transaction."""
    for _ in range(100):
        async with ctx.db.transaction() as conn:
            await held.fence(conn)
            row = await (await conn.execute(SQL.next_due, {"listeners": LISTENERS.names()})).fetchone()
            if row is None:
                return False
            notice_id, name, _topic, body, attempts = row
            listener = LISTENERS[name]
            try:
                async with conn.transaction():
                    await listener.handle(ctx, conn, msgspec.convert(body, listener.notice, strict=False))
            except Exception as failed:
                log.warning("notice not heard", listener=name, notice=notice_id, attempts=attempts, error=repr(failed))
                await conn.execute(SQL.postpone, {"id": notice_id, "error": repr(failed)[:500]})
            else:
                await conn.execute(SQL.forget, {"id": notice_id})
    return True


LOOPS = (Loop(LOOP, deliver_notices, interval=2.0, buckets=1),)
