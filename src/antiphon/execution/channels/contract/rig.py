"""What a provider's tests give to the suite: the provider, an emulator of its other side, and genuine callbacks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, Protocol

import msgspec

from antiphon.execution.channels.model import Account, Callback, Channel, Message, Receipt, Rendered, Signal, Wire

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

Fault = Literal["reject", "gone", "defer", "busy", "silent", "sign_in", "down"]
"""What an emulator can do to a message: refuse it for good; refuse its address for good; put it off; put it off and say for
how long; take it and never answer; refuse the account's sign-in; not be there at all."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A message the emulator took: whom it was to, what they would read, and the key and token that came with it."""

    address: str
    text: str
    key: str = ""
    token: str = ""


class Emulator(Protocol):
    """A real server of the provider's protocol, on loopback."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of an account that reaches it, secrets included, with short time-outs."""
        ...

    def taken(self) -> Sequence[Taken]:
        """The messages it took responsibility for, oldest first."""
        ...

    def sees(self) -> Any:
        """All it saw since it began (sign-ins, greetings, messages, parameters), comparable by ``==`` and alike in two runs
        that do the same."""
        ...

    async def fault(self, fault: Fault, address: str) -> None:
        """From now on do this to messages to this address; ``sign_in`` and ``down`` to everything."""
        ...


class Genuine(msgspec.Struct, frozen=True, kw_only=True):
    """A callback as the other side sends it, best the example of its documentation, and the signals it must give (fields that
    are not at their defaults are compared). ``signed_by`` names the headers its signature is in; ``key`` the setting that
    holds the key; ``dated`` whether an old one is refused; ``signs_url`` whether its URL is signed, too;
    ``signs_body`` whether the body is, to the octet. ``forged`` are more that must be refused."""

    callback: Callback
    signals: Sequence[Signal]
    signed_by: tuple[str, ...] = ()
    key: str = ""
    other_key: Any = None
    dated: bool = False
    signs_url: bool = False
    signs_body: bool = True
    forged: Sequence[Callback] = ()


Observe = Callable[["Rig", Emulator, Account], Awaitable[Any]]


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """How it is shown that a setting matters: another ``value`` for it, other settings both runs need (``along``), and what is
    looked at, unless it is what the emulator saw of a test and of one message (``observe``)."""

    value: Any
    along: Mapping[str, Any] = {}
    observe: Observe | None = None


class Rig(ABC):
    """What a subclass fills in."""

    probes: ClassVar[Mapping[str, Any]] = {}
    """For each setting another value, or a `Probe`."""
    exempt: ClassVar[Mapping[str, str]] = {}
    """Settings that change nothing the emulator could see, and why."""
    lacks: ClassVar[Mapping[Fault, str]] = {}
    """Faults this protocol does not have, and why."""
    unsigned: ClassVar[str] = ""
    """Why callbacks carry no signature, if they carry none."""
    keyless: ClassVar[str] = ""
    """Why the provider is given no idempotency key, if it has none."""

    @abstractmethod
    def channel(self) -> Channel:
        """A new provider."""

    @abstractmethod
    def emulator(self) -> AbstractAsyncContextManager[Emulator]:
        """A new emulator, running."""

    def address(self, number: int) -> str:
        """The address of the customer of this number (0 to 99)."""
        return f"p{number}@customers.example"

    def callbacks(self, account: Account) -> Sequence[Genuine]:
        """Genuine callbacks of each kind the provider has, signed for this account (not connected to any emulator)."""
        return ()

    def offline(self) -> Mapping[str, Any]:
        """Settings of an account for what needs no emulator."""
        return {}

    def account(self, settings: Mapping[str, Any], **changes: Any) -> Account:
        """An account with these settings."""
        manifest = self.channel().manifest
        return Account(
            id=7, channel=manifest.channel, provider=manifest.name, name="contract",
            settings=msgspec.convert({**settings, **changes}, manifest.settings),
        )  # fmt: skip

    def message(self, number: int = 0, text: str | None = None, **more: Any) -> Message:
        """The message to a customer of this number."""
        said = f"Hello {number}, ça va? 你好" if text is None else text
        given: dict[str, Any] = {
            "delivery_id": 1000 + number,
            "address": self.address(number),
            "content": Rendered(subject=f"Hello {number}", html=f"<p>{said}</p>", text=said),
            "date": NOW,
            "skeleton": "contract",
            "token": f"token-{number}-abcdefghijklmnopqrstu",
            "key": f"key-{number}",
            "link": "https://m.example/c/abc",
        }
        return Message(**(given | more))

    async def speak(
        self, channel: Channel, account: Account, numbers: Sequence[int], announced: list[int] | None = None
    ) -> list[Receipt]:
        """Prepare and send messages to these customers; their receipts."""
        wires: list[Wire] = [channel.prepare(self.message(number), account) for number in numbers]

        async def on_speaking(ids: Sequence[int]) -> None:
            if announced is not None:
                announced.extend(ids)

        return list(await channel.send(account, wires, on_speaking))


@asynccontextmanager
async def opened(rig: Rig) -> AsyncIterator[tuple[Channel, Emulator, Account]]:
    """A provider, an emulator and an account that connects them; the provider is closed at the end."""
    async with rig.emulator() as emulator:
        channel = rig.channel()
        try:
            yield channel, emulator, rig.account(emulator.settings)
        finally:
            await channel.close()
