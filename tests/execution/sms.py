"""What tests of SMS share: an SMSC on loopback, an account bound to it, and an ear that notes what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from antiphon.execution.channels import Account, Message, Rendered, Signal, Wire
from antiphon.execution.channels.sms.smpp import SmppChannel
from antiphon.execution.channels.sms.smpp.settings import SmppSettings
from antiphon.sandbox.sms.faults import Rates
from antiphon.sandbox.sms.log import Received, SmsLog, read_received
from antiphon.sandbox.sms.smsc import Habits, Smsc

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def smpp_account(port: int, *, version: int = 1, **settings: Any) -> Account:
    given: dict[str, Any] = {
        "host": "127.0.0.1", "port": port, "system_id": "antiphon", "password": "secret", "sender": "Antiphon", "timeout": 20.0,
        "answer_timeout": 20.0,
    }  # fmt: skip
    return Account(
        id=1, channel="sms", provider="smpp", name="smsc", settings=SmppSettings(**(given | settings)), version=version
    )


def message(id: int, text: str = "Your code is 1234", to: str = "", *, split: bool = False) -> Message:
    return Message(
        delivery_id=id, address=to or f"+7999{id:07d}", content=Rendered(subject="", html=None, text=text), date=NOW, split=split,
        token=f"token-{id}", key=f"key-{id}",
    )  # fmt: skip


class Ear:
    """Notes signals; can be slow or broken."""

    def __init__(self) -> None:
        self.signals: list[Signal] = []
        self.calls = 0
        self.fails = 0
        self.gate: asyncio.Event | None = None

    async def __call__(self, account: Account, signals: Sequence[Signal]) -> None:
        self.calls += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            self.fails -= 1
            raise OSError("the disk is full")
        self.signals.extend(signals)

    def of(self, kind: str) -> list[Signal]:
        return [signal for signal in self.signals if signal.kind == kind]


async def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something that is to become true."""
    end = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < end, "it never came to that"
        await asyncio.sleep(0.01)


class Scene:
    """An SMSC, the channel, and what was announced."""

    def __init__(self, folder: Path, smsc: Smsc, channel: SmppChannel, port: int) -> None:
        self.folder, self.smsc, self.channel, self.port = folder, smsc, channel, port
        self.announced: list[int] = []
        self.ear = Ear()
        self.listening: asyncio.Task[None] | None = None

    def account(self, **settings: Any) -> Account:
        return smpp_account(self.port, **settings)

    async def speaking(self, ids: Sequence[int]) -> None:
        self.announced.extend(ids)

    def wires(self, account: Account, *messages: Message) -> list[Wire]:
        return [self.channel.prepare(one, account) for one in messages]

    async def say(self, account: Account, *messages: Message) -> list[Any]:
        return list(await self.channel.send(account, self.wires(account, *messages), self.speaking))

    async def listen(self, account: Account) -> None:
        """Begin to listen, and wait until bound."""
        self.listening = asyncio.create_task(self.channel.listen(account, self.ear))
        await until(lambda: any(line.role in ("transceiver", "receiver") for line in self.smsc.lines))

    @property
    def log(self) -> list[Received]:
        return [entry for _, entry in read_received(self.folder)]


@asynccontextmanager
async def scene(
    folder: Path, rates: Rates | None = None, habits: Habits | None = None, tls: Any = None
) -> AsyncIterator[Scene]:
    log = SmsLog(folder)
    smsc = Smsc(log, 1, rates, habits)
    port = await smsc.start(tls=tls)
    channel = SmppChannel()
    found = Scene(folder, smsc, channel, port)
    try:
        yield found
    finally:
        if found.listening is not None:
            found.listening.cancel()
            await asyncio.gather(found.listening, return_exceptions=True)
        await channel.close()
        await smsc.close()
        await asyncio.to_thread(log.close)
