"""Fenced leases by bucket: who may do which part of a loop's work, and the proof of it inside each transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from antiphon.foundation.errors import Unavailable
from antiphon.foundation.postgres import Connection, Database, load_queries

SQL = load_queries(Path(__file__).with_name("leases.sql"))
TERM = timedelta(seconds=15)


class LeaseLost(Unavailable):
    """Another process has taken over this work."""


class Held:
    """The buckets of one loop that this process holds, with their epochs."""

    def __init__(self, loop: str, owner: str, epochs: Mapping[int, int]) -> None:
        self.loop = loop
        self.owner = owner
        self.epochs = dict(epochs)
        self.leaving: Callable[[], bool] = lambda: False
        """Whether this process is about to stop: a long tick then takes on nothing new."""

    @property
    def buckets(self) -> list[int]:
        return sorted(self.epochs)

    def only(self, buckets: list[int]) -> Held:
        """The same leases, restricted to some buckets."""
        return Held(self.loop, self.owner, {b: self.epochs[b] for b in buckets if b in self.epochs})

    async def fence(self, conn: Connection) -> None:
        """The first statement of a work transaction. Raises LeaseLost unless every bucket is still held."""
        params = {
            "loop": self.loop,
            "owner": self.owner,
            "buckets": list(self.epochs),
            "epochs": list(self.epochs.values()),
        }
        rows = await (await conn.execute(SQL.fence, params)).fetchall()
        if len(rows) != len(self.epochs):
            raise LeaseLost


class Leases:
    """This node's leases of all loops."""

    def __init__(self, db: Database, owner: str, kind: str, term: timedelta = TERM) -> None:
        self.db = db
        self.owner = owner
        self.kind = kind
        self.term = term

    async def beat(self) -> None:
        """Say that this node lives and renew all it holds; call it several times a term."""
        async with self.db.connection() as conn:
            await conn.execute(SQL.beat, {"owner": self.owner, "kind": self.kind, "term": self.term})
            await conn.execute(SQL.renew, {"owner": self.owner, "term": self.term})
            await conn.execute(SQL.bury)

    async def declare(self, loop: str, buckets: int) -> None:
        async with self.db.connection() as conn:
            await conn.execute(SQL.declare, {"loop": loop, "buckets": buckets})

    async def share(self, loop: str, buckets: int, most: int | None = None) -> Held:
        """Hold a fair share of a loop's buckets: take free ones, give back what is beyond the share."""
        async with self.db.connection() as conn:
            params = {"loop": loop, "owner": self.owner}
            epochs: dict[int, int] = dict(await (await conn.execute(SQL.owned, params)).fetchall())
            row = await (await conn.execute(SQL.count_nodes, {"kind": self.kind})).fetchone()
            nodes = max(1, row[0] if row else 1)
            fair = -(-buckets // nodes) if most is None else min(most, -(-buckets // nodes) if nodes < buckets else most)
            if len(epochs) > fair:
                spare = sorted(epochs)[fair:]
                await conn.execute(SQL.release, params | {"buckets": spare})
                epochs = {b: e for b, e in epochs.items() if b not in spare}
            elif len(epochs) < fair:
                taken = await conn.execute(SQL.take, params | {"term": self.term, "most": fair - len(epochs)})
                epochs.update(await taken.fetchall())
        return Held(loop, self.owner, epochs)

    async def take_one(self, loop: str) -> Held:
        """Take one free bucket, whichever; LeaseLost if there is none."""
        async with self.db.connection() as conn:
            rows = await (
                await conn.execute(SQL.take, {"loop": loop, "owner": self.owner, "term": self.term, "most": 1})
            ).fetchall()
        if not rows:
            raise LeaseLost(f"no {loop} lease is free")
        return Held(loop, self.owner, dict(rows))

    async def release(self, loop: str) -> None:
        """Give back everything of a loop."""
        async with self.db.connection() as conn:
            await conn.execute(SQL.release, {"owner": self.owner, "loop": loop, "buckets": None})

    async def leave(self, loops: Sequence[str]) -> None:
        """Give back these loops (a journal lane of the same process is its holder's to give back) and say goodbye."""
        for loop in loops:
            await self.release(loop)
        async with self.db.connection() as conn:
            await conn.execute(SQL.leave, {"owner": self.owner})
