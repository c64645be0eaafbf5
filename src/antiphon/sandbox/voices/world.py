"""The other side of the sandbox's channels: in this process's memory, deterministic, and at the disposal of tests."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from antiphon.execution.channels import Callback, SignalKind
from antiphon.sandbox.shares import drawn
from antiphon.sandbox.voices.settings import VoicesSettings

Fault = Literal["reject", "gone", "defer", "busy", "silent", "sign_in", "down"]
_SHARES: tuple[Literal["reject", "gone", "defer", "silent"], ...] = ("reject", "gone", "defer", "silent")
TOLERANCE = 300  # seconds that news may be old
MOST = 100_000  # messages the world remembers


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A message as its customer got it."""

    channel: str
    address: str
    sender: str
    language: str
    text: str
    link: str
    key: str
    token: str
    provider_id: str
    signed: str


class News(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of news of the world's."""

    kind: SignalKind
    token: str | None = None
    provider_id: str | None = None
    address: str | None = None
    text: str = ""
    permanent: bool = False
    id: str = ""


class World:
    """What was said, and what goes wrong."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.faults: dict[str, Fault] = {}
        self.tests = 0

    def fault(self, fault: Fault | None, address: str = "") -> None:
        """From now on do this to messages to this address; ``sign_in`` and ``down`` to everything. None: nothing more."""
        if fault is None:
            self.faults.pop(address, None)
        else:
            self.faults[address] = fault

    def trouble(self, settings: VoicesSettings, address: str) -> Fault | None:
        """What happens to a message to this address."""
        found = self.faults.get("") or self.faults.get(address)
        if found is not None:
            return found
        return drawn(_SHARES, settings, settings.seed, "voices-fault", address)

    def keep(self, said: Said) -> None:
        """Remember a message."""
        if len(self.said) >= MOST:
            del self.said[: MOST // 2]
        self.said.append(said)

    def clear(self) -> None:
        """Forget everything."""
        self.said.clear()
        self.faults.clear()
        self.tests = 0


def signed(settings: VoicesSettings, news: Sequence[News], now: datetime) -> Callback:
    """News as the other side posts it."""
    body = msgspec.json.encode(list(news))
    stamp = str(int(now.timestamp()))
    headers = {"x-sandbox-time": stamp, "x-sandbox-signature": signature(settings.secret, stamp, body)}
    return Callback(body=body, headers=headers, now=now)


def signature(secret: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 over time and body, in hexadecimal."""
    return hmac.digest(secret.encode(), stamp.encode("utf-8", "replace") + b"." + body, "sha256").hex()


WORLD = World()
"""The world of this process: what its providers speak to, unless they were given another."""
