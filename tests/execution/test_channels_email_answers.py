"""Published vectors of the providers' signatures, what their answers mean, and what cannot be smuggled past them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings as trials, strategies as st

from antiphon.execution.channels import Account, Callback, CallbackForged, CallbackNeeds, Message, Receipt, Rendered
from antiphon.execution.channels.email.api import ApiProvider
from antiphon.execution.channels.mailgun import Mailgun
from antiphon.execution.channels.postmark import Postmark
from antiphon.execution.channels.sendgrid import SendGrid
from antiphon.execution.channels.sendgrid.news import read_news as read_sendgrid
from antiphon.execution.channels.ses import Ses
from antiphon.execution.channels.ses.news import read_news as read_sns
from antiphon.execution.channels.ses.sigv4 import signed_headers
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.outbound import permitting
from antiphon.sandbox.mailapi import ApiRates, MailApi, MailgunApi, PostmarkApi, SendGridApi, SesApi
from antiphon.sandbox.web import Request, Response, WebServer

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SENDER: dict[str, Any] = {"from_email": "shop@shop.example", "from_name": "The Shop", "timeout": 0.5}
EXTRA: dict[type[ApiProvider], dict[str, Any]] = {
    Ses: {"access_key": "AKIASANDBOX", "secret_key": "sandbox-secret", "topic_arn": "arn:aws:sns:eu-west-1:123456789012:sandbox"},
    SendGrid: {"api_key": "SG.sandbox"},
    Mailgun: {"sending_domain": "mg.shop.example", "api_key": "key-sandbox", "webhook_key": "sandbox-webhooks"},
    Postmark: {"server_token": "sandbox-server", "webhook_password": "sandbox-webhooks"},
}
PROVIDERS: dict[type[ApiProvider], type[MailApi]] = {
    Ses: SesApi, SendGrid: SendGridApi, Mailgun: MailgunApi, Postmark: PostmarkApi,
}  # fmt: skip
EVERY = pytest.mark.parametrize("kind", list(PROVIDERS), ids=lambda kind: kind.manifest.name)


def account(kind: type[ApiProvider], endpoint: str = "", **more: Any) -> Account:
    manifest = kind.manifest
    settings = msgspec.convert({**SENDER, **EXTRA[kind], "endpoint": endpoint, **more}, manifest.settings)
    return Account(id=1, channel="email", provider=manifest.name, name="t", settings=settings)


def message(address: str = "ann@x.example", **more: Any) -> Message:
    given: dict[str, Any] = {
        "delivery_id": 7, "address": address, "content": Rendered("Hello", "<p>Hi</p>", "Hi"), "date": NOW, "token": "t" * 32,
    }  # fmt: skip
    return Message(**(given | more))


async def announced(_: Sequence[int]) -> None: ...


# --- signatures as published

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and AWS's SigV4 test suite
@pytest.mark.parametrize(
    ("method", "url", "headers", "content", "service", "signature"),
    [
        ("GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, b"", "iam", "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"),  # noqa: E501
        ("GET", "https://example.amazonaws.com/", {}, b"", "service", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", {}, b"", "service", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),  # noqa: E501
        ("POST", "https://example.amazonaws.com/", {}, b"", "service", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("POST", "https://example.amazonaws.com/", {"Content-Type": "application/x-www-form-urlencoded"}, b"Param1=value1", "service", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),  # noqa: E501
    ],
    ids=["list-users", "get-vanilla", "get-vanilla-query-order", "post-vanilla", "post-x-www-form-urlencoded"],
)  # fmt: skip
def test_requests_are_signed_as_aws_publishes(
    method: str, url: str, headers: dict[str, str], content: bytes, service: str, signature: str
) -> None:
    signed = signed_headers(
        method, url, headers, content, access_key="AKIDEXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        region="us-east-1", service=service, at=datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
    )  # fmt: skip
    assert signed["authorization"].endswith(f"Signature={signature}")


# https://github.com/sendgrid/sendgrid-python/blob/main/test/unit/test_eventwebhook.py
SENDGRID_KEY = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
SENDGRID_OTHER = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R1NGe1OPzpA=="
SENDGRID_HEADERS = {
    "x-twilio-email-event-webhook-signature": "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",  # noqa: E501
    "x-twilio-email-event-webhook-timestamp": "1600112502",
}
SENDGRID_BODY = json.dumps(
    [{"email": "hello@world.com", "event": "dropped", "reason": "Bounced Address",
      "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
      "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
      "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>", "timestamp": 1600112492}],
    sort_keys=True, separators=(",", ":"),
).encode() + b"\r\n"  # fmt: skip


def test_the_published_event_of_sendgrid_is_genuine() -> None:
    callback = Callback(body=SENDGRID_BODY, headers=SENDGRID_HEADERS, now=datetime.fromtimestamp(1600112600, UTC))
    (signal,) = read_sendgrid(callback, SENDGRID_KEY)
    assert (signal.kind, signal.permanent, signal.address, signal.provider_id) == (
        "bounced", True, "hello@world.com", "LRzXl_NHStOGhQ4kofSm_A",
    )  # fmt: skip
    for wrong, key in (
        (callback, SENDGRID_OTHER),
        (msgspec.structs.replace(callback, body=b"payload"), SENDGRID_KEY),
        (msgspec.structs.replace(callback, headers={**SENDGRID_HEADERS, "x-twilio-email-event-webhook-timestamp": "timestamp"}), SENDGRID_KEY),
        (msgspec.structs.replace(callback, now=callback.now and callback.now + timedelta(hours=27)), SENDGRID_KEY),
        (callback, ""),
    ):
        with pytest.raises(CallbackForged):
            read_sendgrid(wrong, key)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://s3.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com/bucket/evil.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem\n",
        "https://127.0.0.1/SimpleNotificationService-0.pem",
    ],
)
def test_only_amazons_own_certificates_are_asked_for(url: str) -> None:
    api = SesApi()
    _, body = api.notify("{}", "1")
    callback = Callback(body=body, now=datetime.now(UTC))
    with pytest.raises(CallbackNeeds) as asked:
        read_sns(callback, api.topic_arn)
    assert asked.value.url == api.certificate_url
    changed = msgspec.json.encode(msgspec.json.decode(body) | {"SigningCertURL": url})
    with pytest.raises(CallbackForged):
        read_sns(msgspec.structs.replace(callback, body=changed, fetched={url: api.certificate}), api.topic_arn)


def test_a_subscription_is_confirmed_at_amazon_only() -> None:
    api = SesApi()
    for url, known in (
        ("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:1:t&Token=2336", True),
        ("https://evil.example/?Action=ConfirmSubscription", False),
        ("http://169.254.169.254/latest/meta-data", False),
    ):
        _, body = api.notify("You have chosen …", "1", kind="SubscriptionConfirmation", SubscribeURL=url, Token="2336")
        callback = Callback(body=body, now=datetime.now(UTC), fetched={api.certificate_url: api.certificate})
        assert [(one.kind, one.url) for one in read_sns(callback, api.topic_arn)] == ([("confirm", url)] if known else [])


# --- what an answer means


async def answered(kind: type[ApiProvider], answer: Callable[[Request], Response | None]) -> Receipt:
    """The receipt of one message whose request is answered so."""

    async def handle(request: Request) -> Response | None:
        return answer(request)

    server, provider = WebServer(handle), kind()
    await server.start()
    try:
        with permitting(["127.0.0.1"]):
            acc = account(kind, f"http://127.0.0.1:{server.port}")
            (receipt,) = await provider.send(acc, [provider.prepare(message(), acc)], announced)
            return receipt
    finally:
        await provider.close()
        await server.close()


@EVERY
@pytest.mark.parametrize(
    ("status", "outcome", "account_fault"),
    [
        (301, "deferred", True),
        (401, "deferred", True),
        (402, "deferred", True),
        (403, "deferred", True),
        (408, "deferred", False),
        (429, "deferred", True),
        (500, "deferred", False),
        (502, "unknown", False),
        (503, "deferred", False),
        (504, "unknown", False),
        (508, "unknown", False),
    ],
)
async def test_what_a_status_means(kind: type[ApiProvider], status: int, outcome: str, account_fault: bool) -> None:
    receipt = await answered(kind, lambda _: Response(status=status, headers={"location": "https://elsewhere.example/"}, body=b"oops"))
    assert (receipt.outcome, receipt.account_fault, receipt.permanent) == (outcome, account_fault, False)
    assert receipt.code.startswith(str(status)) and not receipt.address_fault
    assert (receipt.retry_after is not None) == (status == 429)


@EVERY
async def test_a_connection_that_breaks_after_the_request_leaves_it_unknown(kind: type[ApiProvider]) -> None:
    assert (await answered(kind, lambda _: None)).outcome == "unknown"


@pytest.mark.parametrize("kind", [Ses, Mailgun, Postmark], ids=lambda kind: kind.manifest.name)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[1,2]", b"\xff"])
async def test_an_answer_nobody_can_read_leaves_it_unknown_or_sent(kind: type[ApiProvider], body: bytes) -> None:
    receipt = await answered(kind, lambda _: Response(body=body))
    assert receipt.outcome in ("unknown", "sent") and receipt.outcome != "deferred"


@EVERY
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"oops"', b"\xff\xfe", b'{"message": "\xff"}'])
async def test_a_refusal_nobody_can_read_is_one_by_its_status(kind: type[ApiProvider], body: bytes) -> None:
    receipt = await answered(kind, lambda _: Response(status=400, body=body))
    account_fault = kind is Postmark  # whose batch is refused as a whole
    assert (receipt.outcome, receipt.account_fault) == ("deferred" if account_fault else "rejected", account_fault)
    assert receipt.code == "400" and not receipt.address_fault


@EVERY
@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"retry-after": "17"}, 17, 17),
        ({"x-ratelimit-reset": "in {}"}, 30, 30),
        ({"x-ratelimit-reset": "{}"}, 90, 100),
        ({"x-ratelimit-reset": "{}000"}, 90, 100),
        ({"x-ratelimit-reset": "1"}, 1, 1),
        ({}, 30, 30),
    ],
)
async def test_too_many_says_for_how_long(kind: type[ApiProvider], headers: dict[str, str], least: float, most: float) -> None:
    at = int(datetime.now(UTC).timestamp()) + 100
    given = {name: value.format(at) for name, value in headers.items()}
    receipt = await answered(kind, lambda _: Response(status=429, headers=given))
    assert receipt.retry_after is not None and least <= receipt.retry_after <= most


@pytest.mark.parametrize(
    "name", ["AccountSuspendedException", "SendingPausedException", "LimitExceededException", "MailFromDomainNotVerifiedException"]
)
async def test_sess_own_troubles_are_no_messages_fault(name: str) -> None:
    headers = {"x-amzn-errortype": f"{name}:http://internal.amazon.com/"}
    receipt = await answered(Ses, lambda _: Response(status=400, headers=headers, body=b'{"message":"no"}'))
    assert (receipt.outcome, receipt.account_fault, receipt.code) == ("deferred", True, f"400 {name}")


@pytest.mark.parametrize(
    ("error", "text", "outcome", "account_fault", "address_fault"),
    [
        (0, "OK", "sent", False, False),
        (10, "Bad or missing API token", "deferred", True, False),
        (100, "Maintenance", "deferred", False, False),
        (300, "Error parsing 'To': Illegal email address 'x'.", "rejected", False, True),
        (300, "Error parsing 'Cc': Illegal email address 'x'.", "rejected", False, False),
        (400, "Sender signature not found", "deferred", True, False),
        (405, "Not allowed to send", "deferred", True, False),
        (406, "Inactive recipient", "rejected", False, True),
        (411, "Forbidden attachment type", "rejected", False, False),
        (429, "Rate limit exceeded", "deferred", False, False),
    ],
)
async def test_each_message_of_a_batch_has_its_own_answer(
    error: int, text: str, outcome: str, account_fault: bool, address_fault: bool
) -> None:
    body = msgspec.json.encode([{"ErrorCode": error, "Message": text, "MessageID": "m1"}])
    receipt = await answered(Postmark, lambda _: Response(body=body))
    assert (receipt.outcome, receipt.account_fault, receipt.address_fault) == (outcome, account_fault, address_fault)


async def test_a_batch_refused_as_a_whole_is_no_messages_fault() -> None:
    receipt = await answered(Postmark, lambda _: Response(status=422, body=b'{"ErrorCode":402,"Message":"Invalid JSON"}'))
    assert (receipt.outcome, receipt.account_fault) == ("deferred", True)


@EVERY
async def test_troubles_of_the_emulator_and_its_news(kind: type[ApiProvider]) -> None:
    """A hundred and fifty people, every trouble among them: receipts agree with what the API took, news with what it did."""
    api = PROVIDERS[kind](hang_seconds=5, rates=ApiRates(reject=0.1, gone=0.1, defer=0.1, busy=0.1, silent=0.02, bounce=0.1, complain=0.1))
    more = {"webhook_key": api.webhook_key} if isinstance(api, SendGridApi) else {}

    async def hear(request: Request) -> Response:
        callback = Callback(
            body=request.body, headers=request.headers, now=datetime.now(UTC),
            fetched={api.certificate_url: api.certificate} if isinstance(api, SesApi) else {},
        )  # fmt: skip
        try:
            signals.extend(provider.parse_callback(callback, acc))
        except CallbackForged:
            return Response(status=403)
        return Response()

    signals: list[Any] = []
    ear = WebServer(hear)
    await ear.start()
    await api.start()
    api.callback = f"http://127.0.0.1:{ear.port}/callbacks/1"
    provider = kind()
    acc = account(kind, api.url, timeout=0.5, **more)
    try:
        with permitting(["127.0.0.1"]):
            receipts: dict[str, Receipt] = {}
            for start in range(0, 150, 10):
                batch = [
                    provider.prepare(message(f"p{n}@x.example", delivery_id=n, token=f"token-{n:03}".ljust(32, "x")), acc)
                    for n in range(start, start + 10)
                ]
                for wire, receipt in zip(batch, await provider.send(acc, batch, announced), strict=True):
                    receipts[wire.address] = receipt
            await api.quiet()
    finally:
        await provider.close()
        await api.close()
        await ear.close()
    taken = {mail.address for mail in api.taken}
    assert len(taken) == len(api.taken) > 70
    for address, receipt in receipts.items():
        trouble = api.fault(address)
        if receipt.outcome == "sent":
            assert address in taken and trouble in (None, "bounce", "complain")
        elif receipt.outcome != "unknown":
            assert address not in taken and trouble in ("reject", "gone", "defer", "busy")
            assert receipt.address_fault == (trouble == "gone")
    assert {post.status for post in api.posted} == {200}
    by_token = {signal.token: signal.kind for signal in signals if signal.kind != "delivered"}
    for mail in api.taken:
        expected = {"bounce": "bounced", "complain": "complained"}.get(api.fault(mail.address) or "")
        assert by_token.get(mail.token) == expected


# --- what cannot be smuggled in

NASTY = st.text(max_size=60) | st.sampled_from(
    ["a\r\nBcc: victim@x.example", "a\nX-Evil: 1", "a\0b", "a\u2028b\u2029c\x85d\x0bx\x0c", "\r\n\r\n<script>", '"><b', "=?utf-8?q?=0ABcc:_x?="]
)


@EVERY
@trials(max_examples=40, deadline=None)
@given(subject=NASTY, name=NASTY, value=NASTY, label=NASTY)
def test_no_header_can_be_injected(kind: type[ApiProvider], subject: str, name: str, value: str, label: str) -> None:
    api = PROVIDERS[kind]()
    sender = "".join(char for char in name if ord(char) >= 32)[:150]
    acc = account(kind, from_name=sender)
    wire = kind().prepare(
        message(content=Rendered(subject, f"<p>{value}</p>", value), headers={"X-Note": value}, feedback=(label, "m"),
                unsubscribe_url="https://m.example/u/t"),
        acc,
    )  # fmt: skip
    call = kind().call(acc.settings, [wire])
    assert not any("\r" in text or "\n" in text or "\0" in text for pair in call.headers.items() for text in pair)
    request = Request(method="POST", target="/", headers={k.lower(): v for k, v in call.headers.items()}, body=call.content)
    told = api.summary(request)
    match told:
        case (_, mail, (headers, _, _)):  # SES: its request, and MIME
            assert mail["Destination"] == {"ToAddresses": ["ann@x.example"]}
            assert not any(ord(char) < 32 for char in mail["FromEmailAddress"])
            _check_names(headers)
        case {"message": (headers, _, _)}:  # Mailgun
            assert set(told) == {"to", "o:tracking", "v:antiphon_token", "message"} and told["to"] == "ann@x.example"
            _check_names(headers)
        case [mail]:  # Postmark
            assert mail["To"] == "ann@x.example" and "Bcc" not in mail
            assert sorted(one["Name"] for one in mail["Headers"]) == ["Feedback-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "X-Note"]
            _check_lines(mail["Subject"], mail["From"], *(one["Value"] for one in mail["Headers"]))
        case {"personalizations": people}:  # SendGrid
            assert people[0]["to"] == [{"email": "ann@x.example"}] and set(people[0]) == {"to", "custom_args"}
            assert sorted(told["headers"]) == ["Feedback-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "X-Note"]
            _check_lines(told["subject"], told["from"].get("name", ""), *told["headers"].values())
        case _:
            raise AssertionError(told)


def _check_names(headers: Any) -> None:
    known = {
        "date", "to", "subject", "message-id", "list-unsubscribe", "list-unsubscribe-post", "x-note", "from", "feedback-id",
        "mime-version", "content-type",
    }  # fmt: skip
    assert {name.lower() for name in headers} == known and headers["To"] == "ann@x.example"


def _check_lines(*values: str) -> None:
    for value in values:
        assert not any(char in value for char in "\r\n\0\x0b\x0c\x85\u2028\u2029"), value


@EVERY
@pytest.mark.parametrize(
    "headers", [{"Bcc": "a@x.example"}, {"X\r\nBcc": "v"}, {"X:Y": "v"}, {"To": "b@x.example"}, {"": "v"}, {"DKIM-Signature": "v"}]
)
def test_headers_that_are_ours_cannot_be_set(kind: type[ApiProvider], headers: dict[str, str]) -> None:
    with pytest.raises(AntiphonError):
        kind().prepare(message(headers=headers), account(kind))


@EVERY
@pytest.mark.parametrize("address", ["", "x", "a@x.example\r\nBcc: b@x.example", "a@x.example, b@x.example", "a b@x.example", "ü@x.example"])
def test_what_is_no_address_of_one_person_is_refused(kind: type[ApiProvider], address: str) -> None:
    with pytest.raises(AntiphonError) as refused:
        kind().prepare(message(address), account(kind))
    assert refused.value.permanent


@EVERY
@pytest.mark.parametrize(
    "wrong",
    [{"from_email": "nobody"}, {"from_name": "A\r\nBcc: x"}, {"reply_to": "x"}, {"endpoint": "ftp://x"}, {"endpoint": "no address"},
     {"timeout": 0}, {"connections": 0}, {"unknown": 1}],
)  # fmt: skip
def test_wrong_settings_are_refused(kind: type[ApiProvider], wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        account(kind, **wrong)


def test_wrong_keys_are_a_clear_error_at_set_up() -> None:
    for kind, wrong in (
        (SendGrid, {"webhook_key": "no key"}), (SendGrid, {"api_key": "SG.x\r\nX: y"}), (SendGrid, {"api_key": ""}),
        (Postmark, {"server_token": "a b"}), (Postmark, {"stream": "Über"}), (Ses, {"region": "mars"}), (Ses, {"topic_arn": "topic"}),
        (Mailgun, {"sending_domain": "a/b"}),
    ):  # fmt: skip
        with pytest.raises(msgspec.ValidationError, match="|".join(wrong)):
            account(kind, **wrong)


def test_an_endpoint_inside_our_network_is_not_called() -> None:
    async def refused() -> Receipt:
        provider, acc = SendGrid(), account(SendGrid, "http://127.0.0.1:9")
        try:
            (receipt,) = await provider.send(acc, [provider.prepare(message(), acc)], announced)
            return receipt
        finally:
            await provider.close()

    receipt = asyncio.run(refused())
    assert (receipt.outcome, receipt.code, receipt.account_fault) == ("deferred", "refused", True)


@EVERY
async def test_a_change_of_settings_breaks_nothing_off(kind: type[ApiProvider]) -> None:
    """What is on its way over old connections is answered before they close."""
    api, provider = PROVIDERS[kind](answer_delay=0.2), kind()
    await api.start()
    try:
        with permitting(["127.0.0.1"]):
            old = account(kind, api.url, timeout=2.0)
            new = msgspec.structs.replace(account(kind, api.url, timeout=3.0), version=2)
            first = asyncio.create_task(provider.send(old, [provider.prepare(message(), old)], announced))
            await asyncio.sleep(0.1)
            (second,) = await provider.send(new, [provider.prepare(message("bob@x.example"), new)], announced)
            (receipt,) = await first
    finally:
        await provider.close()
        await api.close()
    assert (receipt.outcome, second.outcome, len(api.taken)) == ("sent", "sent", 2)
