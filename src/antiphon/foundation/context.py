"""What a running process hands to every verb: settings, the two stores, clocks, the secret, and rooms' resources."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from antiphon.foundation.clock import Clock, SharedClock
from antiphon.foundation.config import Settings
from antiphon.foundation.errors import Unavailable
from antiphon.foundation.postgres import Connection, Database

if TYPE_CHECKING:
    from antiphon.foundation.lake import LakeClient

T = TypeVar("T")


class ResourceMissing(Unavailable):
    """This process does not run {name}."""


class Context:
    """One process's surroundings. Made by `foundation.process.open_context`, or by a test."""

    def __init__(
        self,
        *,
        settings: Settings,
        db: Database,
        lake: LakeClient,
        clock: Clock,
        secret: bytes,
        node: str,
        kind: str,
    ) -> None:
        self.settings = settings
        self.db = db
        self.lake = lake
        self.clock = clock
        self.secret = secret
        self.node = node
        self.kind = kind
        self._resources: dict[type[Any], Any] = {}

    def put(self, cls: type[T], resource: T) -> None:
        self._resources[cls] = resource

    def drop(self, cls: type[Any]) -> None:
        self._resources.pop(cls, None)

    def get(self, cls: type[T]) -> T:
        """The process-wide resource of this class; ResourceMissing if no room opened one here."""
        try:
            found: T = self._resources[cls]
        except KeyError:
            raise ResourceMissing(name=cls.__name__) from None
        return found

    def has(self, cls: type[Any]) -> bool:
        return cls in self._resources


async def read_offset(conn: Connection) -> timedelta:
    """How far business time is ahead of machine time."""
    row = await (await conn.execute('select "offset" from business_clock')).fetchone()
    return row[0] if row else timedelta()


async def move_clock(ctx: Context, by: timedelta) -> None:
    """Move the installation's business time forward; every process sees it within a second."""
    if by < timedelta():
        raise ValueError("business time never runs backwards")
    async with ctx.db.transaction() as conn:
        await conn.execute('update business_clock set "offset" = "offset" + %s', (by,))
        if isinstance(ctx.clock, SharedClock):
            ctx.clock.offset = await read_offset(conn)
