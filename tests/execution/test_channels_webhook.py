"""The webhook channel against a real HTTP server: the contract, the published vectors, and what answers mean."""

from __future__ import annotations

import asyncio
import base64
import hmac
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.execution.http_emulator import Asked, HttpServer, Said, http_server, self_signed

from antiphon.execution.channels import Account, Callback, CallbackForged, Channel, Rendered, Signal
from antiphon.execution.channels.contract import ChannelContract, Emulator, Fault, Genuine, Probe, Taken
from antiphon.execution.channels.contract.rig import Rig
from antiphon.execution.channels.webhook import WebhookChannel, WebhookSettings, signature, verify
from antiphon.execution.channels.webhook.channel import BodyNotJson

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"o" * 24).decode()


class Endpoint:
    """Somebody's system: checks the signature, takes a message, answers as it was told for its customer."""

    def __init__(self, server: HttpServer, **settings: Any) -> None:
        self.server = server
        self.settings: dict[str, Any] = {
            "url": f"http://127.0.0.1:{server.port}/in", "secret": SECRET, "timeout": 2, "authorization": "Bearer s3cr3t-word",
        } | settings  # fmt: skip
        self.faults: dict[str, Fault] = {}
        self.kept: list[Taken] = []
        self.delay = 0.0

    async def answer(self, asked: Asked) -> Said:
        await asyncio.sleep(self.delay)
        head = asked.headers
        signed = f"{head['webhook-id']}.{head['webhook-timestamp']}.".encode() + asked.body
        self.good = hmac.compare_digest(
            head["webhook-signature"],
            "v1," + base64.b64encode(hmac.digest(base64.b64decode(SECRET[6:]), signed, "sha256")).decode(),
        )
        if "" in self.faults and self.faults[""] == "sign_in":
            return Said(status=401, body=b"who are you?")
        body = msgspec.json.decode(asked.body)
        if body.get("type") == "test":
            return Said(body=b'{"detail": "at your service"}')
        fault = self.faults.get(body.get("user_id", ""))
        match fault:
            case "reject":
                return Said(status=422, body=b'{"code": "no-consent-here", "detail": "not with us"}')
            case "gone":
                return Said(status=410)
            case "defer":
                return Said(status=503)
            case "busy":
                return Said(status=429, headers={"retry-after": "7"})
        self.kept.append(
            Taken(address=body.get("user_id", ""), text=body.get("text", ""), key=head["idempotency-key"], token=head.get("antiphon-token", ""))
        )
        return Said(silent=True) if fault == "silent" else Said(body=b'{"id": "m-%d"}' % len(self.kept))

    def taken(self) -> Sequence[Taken]:
        return self.kept

    def sees(self) -> Any:
        fixed = {"host", "webhook-timestamp", "webhook-signature"}
        return (
            [(one.method, one.path, {k: v for k, v in one.headers.items() if k not in fixed}, one.body) for one in self.server.asked],
            getattr(self, "good", None), self.server.alpn,
        )  # fmt: skip

    async def fault(self, fault: Fault, address: str) -> None:
        if fault == "down":
            await self.server.stop()
        self.faults[address] = fault


@asynccontextmanager
async def endpoint(**settings: Any) -> AsyncIterator[Endpoint]:
    made: list[Endpoint] = []

    async def answering(asked: Asked) -> Said:
        return await made[0].answer(asked)

    async with http_server(answering) as server:
        made.append(Endpoint(server, **settings))
        yield made[0]


async def outcome_of_a_line_cut_after_the_request(rig: Rig, emulator: Emulator, account: Account) -> Any:
    assert isinstance(emulator, Endpoint)

    async def cut(_: Asked) -> Said:
        raise ConnectionResetError

    emulator.server.answering = cut
    channel = rig.channel()
    receipts = await rig.speak(channel, account, [1])
    await channel.close()
    return receipts[0].outcome


async def outcome_of_an_answer_after_a_second(rig: Rig, emulator: Emulator, account: Account) -> Any:
    """What is told apart is whether the answer was waited for, not for how long: a busy machine takes its time."""
    assert isinstance(emulator, Endpoint)
    emulator.delay = 1.0
    channel = rig.channel()
    receipts = await rig.speak(channel, account, [1])
    await channel.close()
    return receipts[0].outcome


async def most_at_once(rig: Rig, emulator: Emulator, account: Account) -> Any:
    assert isinstance(emulator, Endpoint)
    quick = emulator.server.answering

    async def slow(asked: Asked) -> Said:
        await asyncio.sleep(0.05)
        return await quick(asked)

    emulator.server.answering = slow
    channel = rig.channel()
    await rig.speak(channel, account, list(range(6)))
    await channel.close()
    return emulator.server.most_open


async def over_tls(rig: Rig, _: Emulator, account: Account) -> Any:
    """The same account, to a server with a certificate nobody trusts."""
    made: list[Endpoint] = []

    async def answering(asked: Asked) -> Said:
        return await made[0].answer(asked)

    with tempfile.TemporaryDirectory() as folder:
        async with http_server(answering, self_signed(Path(folder), alpn=("h2", "http/1.1"))) as server:
            made.append(Endpoint(server))
            settings = msgspec.structs.replace(account.settings, url=f"https://localhost:{server.port}/in")
            channel = rig.channel()
            trial = await channel.test(msgspec.structs.replace(account, settings=settings))
            await channel.close()
            return trial.ok, server.alpn


class TestWebhookContract(ChannelContract):
    probes = {
        "url": "http://127.0.0.1:1/elsewhere",
        "secret": OTHER,
        "method": "PUT",
        "body": Probe(value="template", observe=lambda rig, emulator, account: templated(rig, emulator, account)),
        "authorization": "Bearer another",
        "drops_repeats": Probe(value=True, observe=outcome_of_a_line_cut_after_the_request),
        "timeout": Probe(value=0.1, along={"timeout": 20}, observe=outcome_of_an_answer_after_a_second),
        "connections": Probe(value=1, observe=most_at_once),
        "http2": Probe(value=False, along={"verify_certificate": False}, observe=over_tls),
        "verify_certificate": Probe(value=False, along={"http2": False}, observe=over_tls),
    }

    def channel(self) -> Channel:
        return WebhookChannel()

    def emulator(self) -> Any:
        return endpoint()

    def offline(self) -> dict[str, Any]:
        return {"url": "https://crm.example/in", "secret": SECRET}

    def callbacks(self, account: Account) -> Sequence[Genuine]:
        now = datetime(2021, 2, 25, 14, 55, 40, tzinfo=UTC)
        news = {"type": "replied", "user_id": "C1", "text": "да", "token": "t1", "at": "2021-02-25T14:55:00Z"}
        many = [{"type": "delivered", "id": "m-1"}, {"type": "nonsense"}, {"type": "bounced", "token": "t2", "permanent": True}]
        both = []
        for body, signals in (
            (news, [Signal(kind="replied", address="C1", text="да", token="t1")]),
            (many, [Signal(kind="delivered", provider_id="m-1"), Signal(kind="bounced", token="t2", permanent=True)]),
        ):
            raw = msgspec.json.encode(body)
            headers = {
                "webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": f"v1,bm9uZQ== {signature(SECRET, 'msg_1', int(now.timestamp()), raw)}",
            }  # fmt: skip
            both.append(
                Genuine(
                    callback=Callback(body=raw, headers=headers, now=now), signals=signals, signed_by=("webhook-id", "webhook-timestamp"),
                    key="secret", other_key=OTHER, dated=True,
                    forged=[Callback(body=raw, headers={**headers, "webhook-signature": "v1,"}, now=now), Callback(body=raw, now=now)],
                )
            )  # fmt: skip
        return both


async def templated(rig: Rig, emulator: Emulator, account: Account) -> Any:
    assert isinstance(emulator, Endpoint)
    channel = rig.channel()
    wire = channel.prepare(rig.message(1, text='{"user_id": "p", "n": 1}'), account)

    async def mark(_: Sequence[int]) -> None: ...

    await channel.send(account, [wire], mark)
    await channel.close()
    return emulator.server.asked[-1].body


def test_the_published_vector() -> None:
    """The example of the Standard Webhooks specification's libraries."""
    body = b'{"test": 2432232314}'
    signed = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == signed
    headers = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature": signed}
    at = datetime.fromtimestamp(1614265330, UTC)
    assert verify(SECRET, headers, body, at) == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    with pytest.raises(CallbackForged):
        verify(SECRET, headers, body, datetime.fromtimestamp(1614265330 + 301, UTC))


@pytest.mark.parametrize(
    ("status", "body", "outcome", "more"),
    [
        (200, b"", "sent", {}),
        (202, b'{"id": "abc"}', "sent", {"provider_id": "abc"}),
        (200, b'{"outcome": "rejected", "code": "7", "address_gone": true}', "rejected", {"code": "7", "address_fault": True}),
        (200, b'{"outcome": "deferred", "retry_after": 90}', "deferred", {"retry_after": 90.0}),
        (301, b"", "rejected", {}),
        (400, b"no", "rejected", {"detail": "no"}),
        (403, b"", "deferred", {"account_fault": True}),
        (500, b"", "unknown", {}),
        (502, b"\xff\x00", "unknown", {}),
        (200, b"x" * 200_000, "sent", {}),
    ],
)
async def test_what_answers_mean(status: int, body: bytes, outcome: str, more: dict[str, Any]) -> None:
    async def answering(_: Asked) -> Said:
        return Said(status=status, body=body, headers={"location": "http://169.254.169.254/"})

    rig = TestWebhookContract()
    async with http_server(answering) as server:
        channel = rig.channel()
        (receipt,) = await rig.speak(channel, rig.account({"url": f"http://127.0.0.1:{server.port}", "secret": SECRET}), [1])
        await channel.close()
        assert len(server.asked) == 1
    assert receipt.outcome == outcome and {name: getattr(receipt, name) for name in more} == more
    assert receipt.permanent == (outcome == "rejected") and len(receipt.detail) <= 1000 and receipt.detail.isprintable()


async def test_our_own_network_is_not_called() -> None:
    rig = TestWebhookContract()
    channel = rig.channel()
    account = rig.account({"url": "http://169.254.169.254/latest/meta-data/", "secret": SECRET})
    (receipt,) = await rig.speak(channel, account, [1])
    assert receipt.outcome == "deferred" and receipt.account_fault and receipt.code == "outbound-refused"
    trial = await channel.test(account)
    assert not trial.ok and "169.254" in trial.detail
    await channel.close()


def test_a_template_that_is_no_json_is_refused() -> None:
    rig = TestWebhookContract()
    account = rig.account(rig.offline(), body="template")
    with pytest.raises(BodyNotJson):
        rig.channel().prepare(rig.message(text='{"name": Anna}'), account)
    wire = rig.channel().prepare(rig.message(content=Rendered("", None, '{"name": "Anna"}')), account)
    assert wire.payload == b'{"name": "Anna"}'


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"url": "ftp://x.example", "secret": SECRET}, "url"),
        ({"url": "https://u:p@x.example", "secret": SECRET}, "url"),
        ({"url": "https://x.example", "secret": "abc"}, "secret"),
        ({"url": "https://x.example", "secret": "whsec_c2hvcnQ="}, "secret"),
        ({"url": "https://x.example", "secret": "whsec_%%%"}, "secret"),
        ({"url": "https://x.example", "secret": SECRET, "authorization": "a\r\nb: c"}, "authorization"),
    ],
)
def test_wrong_settings_name_their_field(settings: dict[str, str], field: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert(settings, WebhookSettings)
