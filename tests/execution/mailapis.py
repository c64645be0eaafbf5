"""The contract suite's view of the emulators of mail providers' APIs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from antiphon.execution.channels import Account
from antiphon.execution.channels.contract import Fault, Probe, Taken
from antiphon.foundation.outbound import permitting
from antiphon.sandbox.mailapi import MailApi

SENDER: dict[str, Any] = {"from_email": "shop@shop.example", "from_name": "The Shop", "timeout": 2.0}


class Api:
    """An emulator as the suite knows one."""

    def __init__(self, api: MailApi, settings: Mapping[str, Any]) -> None:
        self.api = api
        self.settings = {**SENDER, "endpoint": api.url, **settings}

    def taken(self) -> Sequence[Taken]:
        return [Taken(address=mail.address, text=mail.text, token=mail.token) for mail in self.api.taken]

    def sees(self) -> Any:
        return self.api.seen

    async def fault(self, fault: Fault, address: str) -> None:
        match fault:
            case "sign_in":
                self.api.locked_out = True
            case "down":
                await self.api.close()
            case _:
                self.api.faults[address.lower()] = fault


@asynccontextmanager
async def running(api: MailApi, **settings: Any) -> AsyncIterator[Api]:
    with permitting(["127.0.0.1"]):
        await api.start()
        try:
            yield Api(api, settings)
        finally:
            await api.close()


async def at_once(rig: Any, emulator: Any, account: Account) -> Any:
    """The most requests the API had at once, of two overlapping batches."""
    emulator.api.answer_delay = 0.1
    channel = rig.channel()
    try:
        await asyncio.gather(rig.speak(channel, account, [1]), rig.speak(channel, account, [2]))
    finally:
        await channel.close()
    return emulator.api.most_at_once


async def patience(rig: Any, emulator: Any, account: Account) -> Any:
    """What becomes of a message whose answer takes a while."""
    emulator.api.answer_delay = 0.5
    channel = rig.channel()
    try:
        return [one.outcome for one in await rig.speak(channel, account, [1])]
    finally:
        await channel.close()


async def host(rig: Any, emulator: Any, account: Account) -> Any:
    """Where requests go."""
    return rig.channel().trial(account.settings).url


COMMON: dict[str, Any] = {
    "from_email": "other@shop.example",
    "from_name": "Другой магазин",
    "reply_to": "answers@shop.example",
    "endpoint": "http://127.0.0.1:9",
    "timeout": Probe(value=0.15, observe=patience),
    "connections": Probe(value=1, observe=at_once),
}
KEYLESS = "its API has no idempotency keys"
