"""The providers of SMS pass the suite that every channel passes; their other side is the sandbox's."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import msgspec
from tests.execution.http_emulator import self_signed
from tests.execution.sms import Ear, until

from antiphon.execution.channels import Account, Callback, Channel, Receipt, Signal
from antiphon.execution.channels.contract import ChannelContract, Emulator, Fault, Genuine, Probe, Taken
from antiphon.execution.channels.sms.smpp import SmppChannel
from antiphon.execution.channels.sms.twilio import TwilioChannel
from antiphon.execution.channels.sms.twilio.signature import HEADER, signature
from antiphon.foundation.outbound import permitting
from antiphon.sandbox.sms.faults import Fault as Trouble
from antiphon.sandbox.sms.gateway import Gateway
from antiphon.sandbox.sms.log import SmsLog, read_received
from antiphon.sandbox.sms.smsc import Habits, Smsc

TROUBLES: Mapping[str, Trouble] = {"reject": "block", "gone": "refuse", "defer": "busy", "busy": "throttle", "silent": "mute"}
LONG = "Hello " * 40


class Box:
    """An SMSC and its log."""

    def __init__(self, smsc: Smsc, port: int, folder: Path) -> None:
        self.smsc, self.port, self.folder = smsc, port, folder

    @property
    def settings(self) -> Mapping[str, Any]:
        return {
            "host": "127.0.0.1", "port": self.port, "system_id": "antiphon", "password": "s3cret-w", "sender": "Antiphon",
            "timeout": 2.0, "answer_timeout": 2.0,
        }  # fmt: skip

    def taken(self) -> Sequence[Taken]:
        return [Taken(address=f"+{one.recipient}", text=one.text) for _, one in read_received(self.folder)]

    def sees(self) -> Any:
        return sorted(self.smsc.binds), [(one.fields, one.content) for _, one in read_received(self.folder)]

    async def fault(self, fault: Fault, address: str) -> None:
        if fault == "down":
            await self.smsc.close()
        elif fault == "sign_in":
            self.smsc.habits = msgspec.structs.replace(self.smsc.habits, system_id="somebody", password="else")
        else:
            self.smsc.stubborn = True
            self.smsc.forced[address.lstrip("+")] = TROUBLES[fault]


@asynccontextmanager
async def box(habits: Habits | None = None) -> AsyncIterator[Box]:
    with tempfile.TemporaryDirectory() as folder:
        log = SmsLog(Path(folder))
        smsc = Smsc(log, habits=habits)
        found = Box(smsc, await smsc.start(), Path(folder))
        try:
            yield found
        finally:
            await smsc.close()
            await asyncio.to_thread(log.close)


def saying(text: str) -> Any:
    """What is seen of one text that may be split."""

    async def look(rig: Any, emulator: Any, account: Account) -> Any:
        channel = rig.channel()
        try:
            wire = channel.prepare(rig.message(1, text, split=True), account)
        except Exception as refused:
            return type(refused).__name__
        receipts = await channel.send(account, [wire], _speaking)
        await channel.close()
        return emulator.sees(), [one.outcome for one in receipts]

    return look


async def _speaking(ids: Sequence[int]) -> None: ...


async def _sent(rig: Any, emulator: Any, account: Account, *numbers: int) -> list[Receipt]:
    channel = rig.channel()
    found = await rig.speak(channel, account, list(numbers))
    await channel.close()
    return cast(list[Receipt], found)


def hearing(text: str = "", fault: Trouble | None = None, habits: Habits | None = None) -> Any:
    """What becomes of a customer's message, or of a receipt."""

    async def look(rig: Any, emulator: Box, account: Account) -> Any:
        emulator.smsc.habits = habits or Habits()
        channel, ear = rig.channel(), Ear()
        listening = asyncio.create_task(channel.listen(account, ear))
        await until(lambda: emulator.smsc.binds)
        if text:
            emulator.smsc.say(rig.address(1), "1234", text)
        else:
            emulator.smsc.forced[rig.address(1).lstrip("+")] = fault
            (receipt,) = await rig.speak(channel, account, [1])
            ((_, entry),) = read_received(emulator.folder)
        await until(lambda: ear.signals)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await channel.close()
        roles = sorted(role for role, _ in emulator.smsc.binds)
        if text:
            return roles, ear.signals
        return roles, [(one.kind, one.permanent) for one in ear.signals], receipt.provider_id == entry.id

    return look


async def busy_lines(rig: Any, emulator: Box, account: Account) -> Any:
    """How many connections and how many messages at once, where answers take a while."""
    emulator.smsc.pause = 0.05
    receipts = await _sent(rig, emulator, account, *range(8))
    return len(emulator.smsc.binds), emulator.smsc.most_in_hand, {one.outcome for one in receipts}


async def enquiries(rig: Any, emulator: Box, account: Account) -> Any:
    channel = rig.channel()
    await rig.speak(channel, account, [1])
    await asyncio.sleep(0.5)
    await channel.close()
    return emulator.smsc.enquiries > 0


async def patience_for_a_bind(rig: Any, _: Box, account: Account) -> Any:
    """Whether a server that says nothing is given up soon."""
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    settings = msgspec.structs.replace(account.settings, port=server.sockets[0].getsockname()[1])
    began = asyncio.get_running_loop().time()
    trial = await rig.channel().test(msgspec.structs.replace(account, settings=settings))
    server.close()
    return trial.ok, asyncio.get_running_loop().time() - began < 1.5


async def patience_for_an_answer(rig: Any, emulator: Box, account: Account) -> Any:
    emulator.smsc.pause = 2.6
    return [one.outcome for one in await _sent(rig, emulator, account, 1)]


async def over_tls(rig: Any, _: Box, account: Account) -> Any:
    """The same account, to an SMSC with a certificate nobody trusts."""
    with tempfile.TemporaryDirectory() as folder:
        smsc = Smsc(None)
        port = await smsc.start(tls=self_signed(Path(folder)))
        settings = msgspec.structs.replace(account.settings, port=port, host="localhost")
        trial = await rig.channel().test(msgspec.structs.replace(account, settings=settings))
        await smsc.close()
        return trial.ok


class TestSmpp(ChannelContract):
    keyless = "SMPP 3.4 has no idempotency key"
    unsigned = "an SMSC tells its news on the connection that was bound"
    probes = {
        "host": "127.0.0.2",
        "port": 1,
        "security": "tls",
        "verify_certificate": Probe(value=False, along={"security": "tls"}, observe=over_tls),
        "system_id": "other",
        "password": "other",
        "system_type": "VMA",
        "bind": Probe(value="separate", observe=hearing(habits=Habits())),
        "sender": "1234",
        "sender_ton": 6,
        "sender_npi": 9,
        "destination_ton": 2,
        "destination_npi": 8,
        "service_type": "CMT",
        "receipts": "failures",
        "validity_hours": 5,
        "charset": Probe(value="latin1", observe=saying("Ça va")),
        "joining": Probe(value="16bit", observe=saying(LONG)),
        "message_ids": Probe(value="hex_decimal", observe=hearing(habits=Habits(ids="hex_decimal"))),
        "dead_codes": Probe(value="1", observe=hearing(fault="undelivered")),
        "connections": Probe(value=2, along={"window": 1}, observe=busy_lines),
        "window": Probe(value=2, observe=busy_lines),
        "enquire_seconds": Probe(value=0.1, observe=enquiries),
        "timeout": Probe(value=0.2, observe=patience_for_a_bind),
        "answer_timeout": Probe(value=20.0, observe=patience_for_an_answer),
        "transliterate": Probe(value=True, observe=saying("Привет")),
        "most_parts": Probe(value=1, observe=saying(LONG)),
        "stop_words": Probe(value="basta", observe=hearing("Basta!")),
        "start_words": Probe(value="adesso", observe=hearing("adesso")),
        "help_words": Probe(value="eh", observe=hearing("Eh?")),
    }
    exempt = {"help_answer": "delivery answers, by a message of its own"}

    def channel(self) -> Channel:
        return SmppChannel()

    def emulator(self) -> AbstractAsyncContextManager[Emulator]:
        return box()

    def address(self, number: int) -> str:
        return f"+7999000{number:04d}"

    def offline(self) -> Mapping[str, Any]:
        return {"host": "127.0.0.1", "system_id": "antiphon", "sender": "Antiphon"}


SID, TOKEN = "AC00000000000000000000000000000001", "s3cret-auth-token"


class Desk:
    """A gateway and its log."""

    def __init__(self, gateway: Gateway, port: int, folder: Path) -> None:
        self.gateway, self.port, self.folder = gateway, port, folder
        self._down = False

    @property
    def settings(self) -> Mapping[str, Any]:
        return {
            "base_url": f"http://127.0.0.1:{self.port}", "account_sid": SID, "auth_token": TOKEN, "sender": "+15005550006", "timeout": 2.0
        }  # fmt: skip

    def taken(self) -> Sequence[Taken]:
        keys = {}
        for one in self.gateway.requests:
            if one.method == "POST":
                keys[one.body] = one.headers.get("idempotency-key", "")
        found = []
        for _, one in read_received(self.folder):
            callback = str(one.fields.get("StatusCallback", ""))
            key = next((key for body, key in keys.items() if urlencode({"To": one.recipient}).encode() in body), "")
            found.append(Taken(address=one.recipient, text=one.text, key=key, token=callback.rpartition("?t=")[2]))
        return found

    def sees(self) -> Any:
        return [(one.method, one.path, one.headers.get("authorization"), one.body) for one in self.gateway.requests]

    async def fault(self, fault: Fault, address: str) -> None:
        if fault == "down":
            await self.gateway.close()
        elif fault == "sign_in":
            self.gateway.auth_token = "another"
        else:
            self.gateway.forced[address] = TROUBLES[fault]


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    with tempfile.TemporaryDirectory() as folder, permitting(["127.0.0.0/8"]):
        log = SmsLog(Path(folder))
        gateway = Gateway(log, account_sid=SID, auth_token=TOKEN)
        found = Desk(gateway, await gateway.start(), Path(folder))
        try:
            yield found
        finally:
            await gateway.close()
            await asyncio.to_thread(log.close)


async def requests_at_once(rig: Any, emulator: Desk, account: Account) -> Any:
    emulator.gateway.pause = 0.05
    await _sent(rig, emulator, account, *range(5))
    return emulator.gateway.most_open


async def patience(rig: Any, emulator: Desk, account: Account) -> Any:
    emulator.gateway.pause = 2.6
    return [one.outcome for one in await _sent(rig, emulator, account, 1)]


def told(text: str) -> Any:
    """What becomes of a customer's message."""

    async def look(rig: Any, _: Desk, account: Account) -> Any:
        return rig.channel().parse_callback(_signed({"MessageSid": "SM1", "Body": text, "From": "+79990000001", "To": "1"}), account)

    return look


def _signed(fields: Mapping[str, str], url: str = "https://antiphon.example/callbacks/7?t=token-7") -> Callback:
    headers = {HEADER: signature(TOKEN, url, fields.items()), "content-type": "application/x-www-form-urlencoded"}
    return Callback(body=urlencode(fields).encode(), url=url, headers=headers)


class TestTwilio(ChannelContract):
    probes = {
        "base_url": "http://127.0.0.1:1",
        "account_sid": "AC2",
        "auth_token": "other",
        "key_sid": Probe(value="SK1", along={"key_secret": "k"}, observe=saying("Hi")),
        "key_secret": Probe(value="other", along={"key_sid": "SK1"}, observe=saying("Hi")),
        "sender": "Shop",
        "messaging_service": "MG1",
        "validity_seconds": 600,
        "smart_encoding": True,
        "status_callbacks": False,
        "timeout": Probe(value=20.0, observe=patience),
        "connections": Probe(value=1, observe=requests_at_once),
        "transliterate": Probe(value=True, observe=saying("Привет")),
        "most_parts": Probe(value=1, observe=saying(LONG)),
        "stop_words": Probe(value="basta", observe=told("Basta!")),
        "start_words": Probe(value="adesso", observe=told("adesso")),
        "help_words": Probe(value="eh", observe=told("Eh?")),
    }
    exempt = {"help_answer": "delivery answers, by a message of its own"}

    def account(self, settings: Mapping[str, Any], **changes: Any) -> Account:
        if changes.get("key_sid") == "SK1" and "key_secret" not in changes:
            changes["key_secret"] = "k"
        if changes.get("key_secret") and "key_sid" not in changes:
            changes.pop("key_secret")
        made = super().account(settings, **changes)
        return msgspec.structs.replace(made, callback_url="https://antiphon.example/callbacks/7")

    def channel(self) -> Channel:
        return TwilioChannel()

    def emulator(self) -> AbstractAsyncContextManager[Emulator]:
        return desk()

    def address(self, number: int) -> str:
        return f"+7999000{number:04d}"

    def offline(self) -> Mapping[str, Any]:
        return {"account_sid": SID, "auth_token": TOKEN, "sender": "+15005550006"}

    def callbacks(self, account: Account) -> Sequence[Genuine]:
        # https://www.twilio.com/docs/messaging/guides/track-outbound-message-status and
        # https://www.twilio.com/docs/messaging/guides/webhook-request, their examples with our URL and token
        sent = {
            "SmsSid": "SM1342fe1b2c904d1ab04f0fc7a58abca9", "SmsStatus": "delivered", "MessageStatus": "delivered",
            "To": "+15558675310", "MessageSid": "SM1342fe1b2c904d1ab04f0fc7a58abca9", "AccountSid": SID,
            "From": "+15005550006", "ApiVersion": "2010-04-01",
        }  # fmt: skip
        failed = sent | {"MessageStatus": "undelivered", "SmsStatus": "undelivered", "ErrorCode": "30005"}
        wrote = {
            "ToCountry": "US", "SmsMessageSid": "SM2", "NumMedia": "0", "SmsSid": "SM2", "SmsStatus": "received", "Body": "Hi & bye",
            "To": "+15005550006", "NumSegments": "1", "MessageSid": "SM2", "AccountSid": SID, "From": "+15558675310",
        }  # fmt: skip
        named = {"token": "token-7", "provider_id": sent["MessageSid"], "address": "+15558675310"}
        heard: list[tuple[dict[str, str], Signal]] = [
            (sent, Signal(kind="delivered", **named)),
            (failed, Signal(kind="bounced", permanent=True, code="30005", **named)),
            (wrote, Signal(kind="replied", text="Hi & bye", address="+15558675310", recipient="+15005550006", id="SM2")),
            (wrote | {"Body": "Stop"}, Signal(kind="unsubscribed", text="Stop", code="stop", address="+15558675310")),
        ]
        return [
            Genuine(
                callback=_signed(fields), signals=[signal], signed_by=(HEADER,), key="auth_token", other_key="other", signs_url=True
            )
            for fields, signal in heard
        ]  # fmt: skip
