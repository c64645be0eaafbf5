"""Twilio's API against the sandbox's gateway, and its signature against published vectors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.execution.http_emulator import Asked, Said, http_server
from tests.execution.sms import message, until

from antiphon.execution.channels import Account, Callback, CallbackForged, Receipt, Signal, TextTooLong
from antiphon.execution.channels.sms.twilio import TwilioChannel
from antiphon.execution.channels.sms.twilio.settings import TwilioSettings
from antiphon.execution.channels.sms.twilio.signature import genuine, signature
from antiphon.foundation.outbound import permitting
from antiphon.sandbox.sms.faults import Rates
from antiphon.sandbox.sms.gateway import Gateway
from antiphon.sandbox.sms.log import SmsLog, count_received, read_received

SID, TOKEN = "AC00000000000000000000000000000001", "a-token-of-tests"


def account(base: str = "http://127.0.0.1:1", callback_url: str = "", *, version: int = 1, **settings: Any) -> Account:
    given: dict[str, Any] = {"base_url": base, "account_sid": SID, "auth_token": TOKEN, "sender": "+15005550006", "timeout": 0.5}
    return Account(
        id=3, channel="sms", provider="twilio", name="gateway", settings=TwilioSettings(**(given | settings)), version=version,
        callback_url=callback_url,
    )  # fmt: skip


class Scene:
    def __init__(self, gateway: Gateway, channel: TwilioChannel, base: str, folder: Path) -> None:
        self.gateway, self.channel, self.base, self.folder = gateway, channel, base, folder
        self.callback_url = ""
        self.signals: list[Signal] = []
        self.forged = 0

    async def heard(self, asked: Asked) -> Said:
        """The public side: what the product's callback route does with a request."""
        callback = Callback(body=asked.body, headers=asked.headers, url=self.callback_url.rpartition("/callbacks")[0] + asked.path)
        try:
            self.signals += self.channel.parse_callback(callback, self.account())
        except CallbackForged:
            self.forged += 1
            return Said(status=403)
        return Said(status=204, body=b"")

    def account(self, **settings: Any) -> Account:
        return account(self.base, self.callback_url, **settings)

    async def say(self, who: Account, *texts: str, split: bool = False) -> list[Receipt]:
        async def speaking(ids: Sequence[int]) -> None: ...

        wires = [self.channel.prepare(message(n, text, split=split), who) for n, text in enumerate(texts, 1)]
        return list(await self.channel.send(who, wires, speaking))


@asynccontextmanager
async def scene(folder: Path, rates: Rates | None = None) -> AsyncIterator[Scene]:
    log = SmsLog(folder)
    gateway = Gateway(log, 1, rates, account_sid=SID, auth_token=TOKEN)
    port = await gateway.start()
    channel = TwilioChannel()
    found = Scene(gateway, channel, f"http://127.0.0.1:{port}", folder)
    async with http_server(found.heard) as hook:
        found.callback_url = gateway.inbound_url = f"http://127.0.0.1:{hook.port}/callbacks/3"
        with permitting(["127.0.0.0/8"]):
            try:
                yield found
            finally:
                await channel.close()
                await gateway.close()
                await asyncio.to_thread(log.close)


async def test_a_message_its_receipt_and_its_token(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        (receipt,) = await s.say(s.account(), "Hello, Привет & 100% +")
        assert receipt.outcome == "sent" and receipt.provider_id
        ((_, entry),) = read_received(tmp_path)
        assert (entry.id, entry.text, entry.recipient, entry.sender) == (receipt.provider_id, "Hello, Привет & 100% +", "+79990000001", "+15005550006")
        await until(lambda: s.signals)
        assert [(x.kind, x.token, x.provider_id) for x in s.signals] == [("delivered", "token-1", receipt.provider_id)]
        assert s.gateway.requests[0].headers["idempotency-key"] == "key-1" and s.forged == 0


@pytest.mark.parametrize(
    ("fault", "outcome", "code", "account_fault", "address_fault", "retry", "accepted"),
    [
        ("refuse", "rejected", "21211", False, True, None, 0), ("throttle", "deferred", "20429", True, False, 2.0, 0),
        ("busy", "deferred", "20503", True, False, None, 0), ("hang", "unknown", "timeout", False, False, None, 0),
        ("close", "unknown", "closed", False, False, None, 0), ("silent", "unknown", "closed", False, False, None, 1),
        ("mute", "unknown", "timeout", False, False, None, 1),
    ],
)  # fmt: skip
async def test_troubles_of_sending(
    tmp_path: Path, fault: str, outcome: str, code: str, account_fault: bool, address_fault: bool, retry: float | None, accepted: int
) -> None:
    async with scene(tmp_path, Rates(**{fault: 1.0})) as s:
        (receipt,) = await s.say(s.account(), "Hello")
        assert (receipt.outcome, receipt.code, receipt.retry_after) == (outcome, code, retry)
        assert (receipt.account_fault, receipt.address_fault) == (account_fault, address_fault)
        assert receipt.permanent == (outcome == "rejected") and count_received(tmp_path) == accepted


@pytest.mark.parametrize(
    ("fault", "kinds", "permanent"),
    [
        ("undelivered", ["bounced"], True), ("expired", ["bounced"], False), ("twice", ["delivered", "delivered"], False),
        ("early", ["delivered"], False), ("late", ["delivered"], False), ("reply", ["delivered", "replied"], False),
        ("stop", ["delivered", "unsubscribed"], False),
    ],
)  # fmt: skip
async def test_troubles_of_receipts(tmp_path: Path, fault: str, kinds: list[str], permanent: bool) -> None:
    async with scene(tmp_path, Rates(**{fault: 1.0})) as s:
        (receipt,) = await s.say(s.account(), "Hello")
        assert receipt.outcome == "sent"
        await until(lambda: len(s.signals) >= len(kinds))
        assert [signal.kind for signal in s.signals] == kinds and s.signals[0].permanent == permanent
        if fault == "twice":
            assert s.signals[0].id == s.signals[1].id
        if fault == "stop":
            assert (s.signals[1].text, s.signals[1].address, s.signals[1].recipient) == ("STOP", "+79990000001", "+15005550006")
            (again,) = await s.say(s.account(), "Hello again")
            assert (again.outcome, again.code, again.address_fault) == ("rejected", "21610", False)


async def test_a_long_text_is_one_request_and_counted_in_parts(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        with pytest.raises(TextTooLong):
            s.channel.prepare(message(1, "a" * 161), s.account())
        wire = s.channel.prepare(message(1, "a" * 161, split=True), s.account())
        assert wire.parts == 2
        (receipt,) = await s.say(s.account(), "я" * 200, split=True)
        assert receipt.outcome == "sent" and count_received(tmp_path) == 1


async def test_the_account_is_tried_without_sending(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        assert (await s.channel.test(s.account())).ok
        wrong = await s.channel.test(s.account(version=2, auth_token="other"))
        assert not wrong.ok and "20003" in wrong.detail and count_received(tmp_path) == 0
        (receipt,) = await s.say(s.account(version=2, auth_token="other"), "Hello")
        assert (receipt.outcome, receipt.code, receipt.account_fault) == ("deferred", "20003", True)
        nowhere = await s.channel.test(account(version=3))
        assert not nowhere.ok and nowhere.detail


async def test_an_inside_address_is_not_called(tmp_path: Path) -> None:
    channel = TwilioChannel()
    with permitting([]):
        assert not (await channel.test(account("http://169.254.169.254"))).ok
    await channel.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://mycompany.com/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com:1234/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        ("https://mycompany.com/myapp.php?foo=1&bar=2", "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com/myapp.php?foo=1&bar=2", "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ],
)
def test_published_signatures(url: str, expected: str) -> None:
    """Vectors of github.com/twilio/twilio-python, tests/unit/test_request_validator.py: the token is 12345."""
    fields = [
        ("CallSid", "CA1234567890ABCDE"), ("Digits", "1234"), ("From", "+14158675309"), ("To", "+18005551212"), ("Caller", "+14158675309"),
    ]  # fmt: skip
    assert genuine("12345", url, expected, fields, b"", form=True)
    assert not genuine("12346", url, expected, fields, b"", form=True)
    assert not genuine("12345", url + "&x", expected, fields, b"", form=True)
    assert not genuine("12345", url, expected, [*fields, ("More", "1")], b"", form=True)
    assert not genuine("", url, expected, fields, b"", form=True) and not genuine("12345", url, "é", fields, b"", form=True)


def test_published_signatures_of_repeated_fields_and_of_bodies() -> None:
    """The same file: a field given twice, and a JSON body by its digest in the URL."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    repeated = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234")]
    assert signature("12345", url, repeated) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="
    body = b'{"property": "value", "boolean": true}'
    digest = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
    assert genuine("12345", f"{url}&bodySHA256={digest}", "a9nBmqA0ju/hNViExpshrM61xv4=", [], body, form=False)
    assert not genuine("12345", f"{url}&bodySHA256={digest}", "a9nBmqA0ju/hNViExpshrM61xv4=", [], body + b" ", form=False)


def _callback(fields: dict[str, str], url: str = "https://antiphon.example/callbacks/3?t=tok") -> Callback:
    return Callback(
        body=urlencode(fields).encode(), url=url,
        headers={"x-twilio-signature": signature(TOKEN, url, fields.items()), "content-type": "application/x-www-form-urlencoded"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"MessageSid": "SM1", "MessageStatus": "queued"}, None), ({"MessageSid": "SM1", "MessageStatus": "sent"}, None),
        ({"MessageSid": "SM1", "MessageStatus": "delivered"}, "delivered"),
        ({"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": "30008"}, "bounced"),
        ({"SmsSid": "SM1", "SmsStatus": "undelivered", "ErrorCode": "x" * 50}, "bounced"),
        ({"MessageSid": "SM2", "SmsStatus": "received", "Body": "ok", "From": "+79990000001", "To": "1"}, "replied"),
        ({"MessageSid": "SM2", "SmsStatus": "received", "Body": "Ок!", "From": "+79990000001", "OptOutType": "STOP"}, "unsubscribed"),
        ({"MessageSid": "SM2", "SmsStatus": "received", "Body": "Старт", "From": "+79990000001"}, "subscribed"),
        ({}, None), ({"MessageStatus": "delivered"}, None),
    ],
)  # fmt: skip
def test_callbacks(fields: dict[str, str], kind: str | None) -> None:
    signals = TwilioChannel().parse_callback(_callback(fields), account())
    assert [signal.kind for signal in signals] == ([kind] if kind else [])


def test_forged_callbacks() -> None:
    good, channel = _callback({"MessageSid": "SM1", "MessageStatus": "delivered"}), TwilioChannel()
    for bad in (
        Callback(body=good.body, url=good.url), Callback(body=good.body + b"&x=1", url=good.url, headers=good.headers),
        Callback(body=good.body, url=good.url + "x", headers=good.headers), Callback(body=b"\xff\xfe", url=good.url, headers=good.headers),
        Callback(body=good.body, url=good.url, headers=dict(good.headers) | {"content-type": "application/json"}),
    ):  # fmt: skip
        with pytest.raises(CallbackForged):
            channel.parse_callback(bad, account())
    with pytest.raises(CallbackForged):
        channel.parse_callback(good, None)


def test_settings_that_do_not_fit_are_refused() -> None:
    for bad in (
        {"auth_token": ""}, {"sender": ""}, {"sender": "far too long a name"}, {"key_sid": "SK1"},
    ):  # fmt: skip
        with pytest.raises(ValueError):
            account(**bad)
    assert account(sender="", messaging_service="MG1") and TOKEN not in repr(account().settings)
