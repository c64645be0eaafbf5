"""The sandbox's channels: the contract, put together without a network."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from hashlib import blake2b
from typing import ClassVar

import msgspec

from antiphon.execution.channels import (
    Account,
    Callback,
    CallbackForged,
    Capabilities,
    LinkMissing,
    Manifest,
    Message,
    Receipt,
    Signal,
    Speaking,
    TextTooLong,
    Trial,
    Wire,
)
from antiphon.sandbox.voices.settings import VoicesSettings
from antiphon.sandbox.voices.world import TOLERANCE, WORLD, Fault, News, Said, World, signature

_read = msgspec.json.Decoder(list[News]).decode


class _Voices:
    """What both have in common."""

    manifest: ClassVar[Manifest]

    def __init__(self, world: World | None = None) -> None:
        self.world = WORLD if world is None else world

    def prepare(self, message: Message, account: Account) -> Wire:
        """The words, in as many parts as they take. Raises `TextTooLong`, `LinkMissing`."""
        abilities = self.manifest.capabilities
        if abilities.needs_link and not message.link:
            raise LinkMissing
        text = message.content.text.encode("utf-8", "replace").decode()
        parts = max(1, -(-len(text) // (abilities.max_length or len(text) or 1)))
        if parts > 1 and not message.split:
            raise TextTooLong(parts=parts)
        options = {"key": message.key, "token": message.token, "link": message.link or ""}
        return Wire(
            delivery_id=message.delivery_id, address=message.address, sender=account.settings.sender, payload=text.encode(),
            options=options, parts=parts,
        )  # fmt: skip

    async def send(self, account: Account, batch: Sequence[Wire], on_speaking: Speaking) -> Sequence[Receipt]:
        """Say them to the world."""
        if not batch:
            return []
        await on_speaking([wire.delivery_id for wire in batch])
        await asyncio.sleep(0)
        return [self._say(account.settings, wire) for wire in batch]

    def parse_callback(self, callback: Callback, account: Account | None) -> Sequence[Signal]:
        """News the world signed. Raises `CallbackForged`."""
        stamp = callback.headers.get("x-sandbox-time", "")
        if account is None or callback.now is None or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
            raise CallbackForged
        expected = signature(account.settings.secret, stamp, callback.body)
        if not hmac.compare_digest(expected.encode(), callback.headers.get("x-sandbox-signature", "").encode("utf-8", "replace")):
            raise CallbackForged
        if abs(callback.now.timestamp() - int(stamp)) > TOLERANCE:
            raise CallbackForged(cause="replayed")
        try:
            news = _read(callback.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return []
        return [
            Signal(
                kind=one.kind, token=one.token, provider_id=one.provider_id, address=one.address, text=one.text,
                permanent=one.permanent, id=one.id,
            )
            for one in news
        ]  # fmt: skip

    async def test(self, account: Account) -> Trial:
        """Whether the world is there."""
        fault = self.world.faults.get("")
        self.world.tests += 1
        await asyncio.sleep(0)
        if fault in ("sign_in", "down"):
            return Trial(ok=False, steps=["ask the world"], detail=f"the world answers: {fault}")
        return Trial(ok=True, steps=["ask the world"], detail="at your service")

    async def close(self) -> None:
        """Nothing is open."""

    def _say(self, settings: VoicesSettings, wire: Wire) -> Receipt:
        fault = self.world.trouble(settings, wire.address)
        if fault is not None and fault != "silent":
            return _refused(wire.delivery_id, fault)
        named = f"{self.manifest.name}\0{wire.options['key']}\0{wire.delivery_id}"
        provider_id = blake2b(named.encode(), digest_size=8).hexdigest()
        self.world.keep(
            Said(
                channel=self.manifest.channel, address=wire.address, sender=wire.sender, language=settings.language,
                text=wire.payload.decode(), link=wire.options["link"], key=wire.options["key"], token=wire.options["token"],
                provider_id=provider_id, signed=signature(settings.secret, "0", wire.payload),
            )
        )  # fmt: skip
        if fault == "silent":
            return Receipt(delivery_id=wire.delivery_id, outcome="unknown", code="no-answer", detail="the world said nothing")
        return Receipt(delivery_id=wire.delivery_id, outcome="sent", code="200", detail="said", provider_id=provider_id)


def _refused(delivery_id: int, fault: Fault) -> Receipt:
    if fault in ("reject", "gone"):
        return Receipt(
            delivery_id=delivery_id, outcome="rejected", code=fault, detail=f"the world answers: {fault}", permanent=True,
            address_fault=fault == "gone",
        )  # fmt: skip
    return Receipt(
        delivery_id=delivery_id, outcome="deferred", code=fault, detail=f"the world answers: {fault}",
        retry_after=7.0 if fault == "busy" else None, account_fault=fault in ("sign_in", "down"),
    )  # fmt: skip


class SandboxVoice(_Voices):
    """A telephone call: read aloud, answered by a receipt and by keys that are pressed."""

    manifest = Manifest(
        name="sandbox_voice", title="Sandbox call", channel="voice", channel_title="Voice", identity="phone",
        settings=VoicesSettings, default=True, secrets=frozenset({"secret"}),
        capabilities=Capabilities(two_way=True, receipts=True, max_length=1000, cost_micros=50_000, max_batch=50),
    )  # fmt: skip


class SandboxPush(_Voices):
    """A push message: short, worth nothing without a link."""

    manifest = Manifest(
        name="sandbox_push", title="Sandbox push", channel="push", channel_title="Push", identity="push_subscription",
        settings=VoicesSettings, default=True, secrets=frozenset({"secret"}),
        capabilities=Capabilities(
            subject=True, receipts=True, opens=True, clicks=True, needs_link=True, max_length=240, max_batch=50
        ),
    )  # fmt: skip
