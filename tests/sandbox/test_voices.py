"""The sandbox's channels keep the contract like any other; they are there only where the sandbox is on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec

from antiphon.execution.channels import Account, Channel, Signal
from antiphon.execution.channels.contract import ChannelContract, Emulator, Fault, Genuine, Probe, Taken
from antiphon.execution.channels.contract.rig import Rig
from antiphon.execution.channels.registry import discover
from antiphon.sandbox.voices import SandboxPush, SandboxVoice, World
from antiphon.sandbox.voices.world import News, signed

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Side:
    """A world as the suite sees it."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"secret": "a-word-of-the-sandbox"}

    def taken(self) -> Sequence[Taken]:
        return [Taken(address=one.address, text=one.text, key=one.key, token=one.token) for one in self.world.said]

    def sees(self) -> Any:
        return [msgspec.structs.astuple(one) for one in self.world.said], self.world.tests

    async def fault(self, fault: Fault, address: str) -> None:
        self.world.fault(fault, address)


async def fates(rig: Rig, emulator: Emulator, account: Account) -> Any:
    return [one.outcome for one in await rig.speak(rig.channel(), account, list(range(30)))]


class VoicesContract(ChannelContract):
    probes = {
        "sender": "Somebody else",
        "secret": "another-secret",
        "language": "ru",
        "seed": Probe(value=7, along={"reject": 0.5}, observe=fates),
        "reject": Probe(value=0.5, observe=fates),
        "gone": Probe(value=0.5, observe=fates),
        "defer": Probe(value=0.5, observe=fates),
        "silent": Probe(value=0.5, observe=fates),
    }
    kind: type[SandboxVoice] | type[SandboxPush]

    def setup_method(self) -> None:
        self.world = World()

    def channel(self) -> Channel:
        return self.kind(self.world)

    def offline(self) -> Mapping[str, Any]:
        return {"secret": "a-word-of-the-sandbox"}

    @asynccontextmanager
    async def emulator(self) -> AsyncIterator[Side]:
        self.world.clear()
        yield Side(self.world)

    def callbacks(self, account: Account) -> Sequence[Genuine]:
        news = [News(kind="delivered", token="t"), News(kind="replied", address="+4915112345678", text="1", id="r1")]
        signals = [Signal(kind="delivered", token="t"), Signal(kind="replied", address="+4915112345678", text="1", id="r1")]
        by = ("x-sandbox-signature", "x-sandbox-time")
        return [
            Genuine(callback=signed(account.settings, news, NOW), signals=signals, signed_by=by, key="secret", other_key="y" * 9, dated=True)
        ]


class TestSandboxVoice(VoicesContract):
    kind = SandboxVoice

    def address(self, number: int) -> str:
        return f"+49151123456{number:02}"


class TestSandboxPush(VoicesContract):
    kind = SandboxPush


def test_they_are_there_only_in_the_sandbox() -> None:
    assert not {"sandbox_voice", "sandbox_push"} & set(discover())
    assert {"sandbox_voice", "sandbox_push", "smtp"} <= set(discover(sandbox=True))
