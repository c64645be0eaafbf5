"""An account's connections: opened when there is something to say or to hear, as many as it may have, opened again with
growing pauses when they break."""

from __future__ import annotations

import asyncio
from typing import Any

from antiphon.execution.channels.model import Account, Hear
from antiphon.execution.channels.sms.smpp.ear import Ear
from antiphon.execution.channels.sms.smpp.session import Role, Session, SmppError, connect
from antiphon.execution.channels.sms.smpp.settings import SmppSettings
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0


class Pool:
    """The connections of one account in one process."""

    def __init__(self, account: Account, hear: Hear | None = None) -> None:
        self.settings: SmppSettings = account.settings
        self.account = account
        self.ear = Ear(account, hear)
        self.closed = asyncio.Event()
        self._sessions: list[Session] = []
        self._opening = asyncio.Lock()
        self._failed: SmppError | None = None
        self._pause = _FIRST_PAUSE
        self._not_before = 0.0
        self._slow_until = 0.0

    # --- speaking

    async def take(self) -> Session:
        """A connection to send on, the least busy. Raises `SmppError`, at once while the last attempt is not long ago."""
        best = self._best()
        if best is None or (best.window.locked() and self._count() < self.settings.connections):
            async with self._opening:
                best = self._best()
                if best is None or (best.window.locked() and self._count() < self.settings.connections):
                    together = self.settings.bind == "transceiver" and self.ear.hear is not None
                    best = await self._open("transceiver" if together else "transmitter")
        return best

    def _best(self) -> Session | None:
        usable = [one for one in self._sessions if one.usable and one.role != "receiver"]
        return min(usable, key=lambda one: one.load) if usable else None

    def _count(self) -> int:
        return sum(one.usable and one.role != "receiver" for one in self._sessions)

    @property
    def busy(self) -> bool:
        """Whether answers are awaited."""
        return any(one.load for one in self._sessions)

    async def slowed(self) -> None:
        """Wait while the SMSC wants us slower."""
        while (left := self._slow_until - asyncio.get_running_loop().time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    def slow(self, seconds: float) -> None:
        """Send nothing for so long."""
        self._slow_until = max(self._slow_until, asyncio.get_running_loop().time() + seconds)

    # --- connections

    async def _open(self, role: Role) -> Session:
        loop = asyncio.get_running_loop()
        if self.closed.is_set():
            raise SmppError("closed", "the account was changed or the process ends")
        if self._failed is not None and loop.time() < self._not_before:
            raise SmppError(self._failed.kind, self._failed.detail)
        try:
            session = await connect(self.settings, role, self.ear.take)
        except SmppError as failed:
            self._failed, self._not_before = failed, loop.time() + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            raise
        self._failed, self._pause = None, _FIRST_PAUSE
        self._sessions = [one for one in self._sessions if one.lost is None] + [session]
        return session

    # --- hearing

    async def stay(self) -> None:
        """Keep one connection that hears, until the pool is closed."""
        role: Role = "transceiver" if self.settings.bind == "transceiver" else "receiver"
        while not self.closed.is_set():
            try:
                async with self._opening:
                    hearing = next((one for one in self._sessions if one.usable and one.role == role), None)
                    if hearing is None:
                        self._make_way(role)
                        hearing = await self._open(role)
                await self._until(hearing.closed)
            except SmppError as failed:
                log.info("an SMSC cannot be heard", account=self.account.name, error=failed.detail)
                pause = max(0.05, self._not_before - asyncio.get_running_loop().time())
                await self._until(asyncio.ensure_future(asyncio.sleep(pause)))

    async def _until(self, end: asyncio.Future[Any]) -> None:
        """Wait for that or for the pool's end."""
        closing: asyncio.Future[Any] = asyncio.ensure_future(self.closed.wait())
        try:
            await asyncio.wait((end, closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            closing.cancel()

    def _make_way(self, role: Role) -> None:
        """Connections that only send give way to one that does both, where an account has only so many."""
        if role == "transceiver" and self._count() >= self.settings.connections:
            for one in self._sessions:
                if one.usable and one.role == "transmitter":
                    one.retire()

    async def close(self) -> None:
        """Hang up."""
        self.closed.set()
        sessions, self._sessions = self._sessions, []
        await asyncio.gather(*(one.close() for one in sessions), return_exceptions=True)
        await self.ear.close()
