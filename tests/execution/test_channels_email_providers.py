"""SES, SendGrid, Mailgun and Postmark by the suite that every provider must pass, against emulators of their APIs."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.execution.mailapis import COMMON, KEYLESS, SENDER, host, running

from antiphon.execution.channels import Account, Callback, CallbackForged, Channel, Signal
from antiphon.execution.channels.contract import ChannelContract, Emulator, Genuine, Probe
from antiphon.execution.channels.mailgun import Mailgun
from antiphon.execution.channels.postmark import Postmark
from antiphon.execution.channels.sendgrid import SendGrid
from antiphon.execution.channels.ses import Ses
from antiphon.sandbox.mailapi import MailgunApi, PostmarkApi, SendGridApi, SesApi

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TOKEN = "AbC-_0123456789abcdefghijklmnopq"


async def believed(rig: Any, emulator: Any, account: Account) -> Any:
    """Whether news of the emulator's is believed."""
    api = emulator.api
    mail = api.take(id="m1", address="ann@x.example", sender="s", subject="s", text="t", html="", token="t" * 32)
    headers, body = api.tell("bounced", mail)
    fetched = {api.certificate_url: api.certificate} if isinstance(api, SesApi) else {}
    callback = Callback(body=body, headers={k.lower(): v for k, v in headers.items()}, now=datetime.now(UTC), fetched=fetched)
    try:
        return [signal.kind for signal in rig.channel().parse_callback(callback, account)]
    except CallbackForged:
        return "forged"


class TestSendGrid(ChannelContract):
    keyless = KEYLESS
    key = generate_private_key(SECP256R1())
    other = generate_private_key(SECP256R1())
    probes = COMMON | {
        "region": Probe(value="eu", along={"endpoint": ""}, observe=host),
        "api_key": "SG.other",
        "ip_pool": "marketing",
        "webhook_key": Probe(value="", observe=believed),
    }

    def channel(self) -> Channel:
        return SendGrid()

    def emulator(self) -> AbstractAsyncContextManager[Emulator]:
        api = SendGridApi(hang_seconds=20)
        return running(api, api_key="SG.sandbox", webhook_key=api.webhook_key)

    def offline(self) -> Mapping[str, Any]:
        return SENDER | {"api_key": "SG.sandbox", "webhook_key": _public(self.key)}

    def callbacks(self, account: Account) -> Sequence[Genuine]:
        stamp = str(int(NOW.timestamp()))
        body = msgspec.json.encode(SENDGRID_EVENTS)
        signature = b64encode(self.key.sign(stamp.encode() + body, ECDSA(SHA256()))).decode()
        headers = {
            "x-twilio-email-event-webhook-timestamp": stamp,
            "x-twilio-email-event-webhook-signature": signature,
        }
        return [
            Genuine(
                callback=Callback(body=body, headers=headers, now=NOW), signals=SENDGRID_SIGNALS, signed_by=tuple(headers),
                key="webhook_key", other_key=_public(self.other), dated=True,
            )
        ]  # fmt: skip


def _public(key: Any) -> str:
    return b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


# https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#event-objects, with an argument of ours
_SG = {"email": "example@test.com", "timestamp": 1513299569, "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
       "category": ["cat facts"], "antiphon_token": TOKEN}  # fmt: skip
SENDGRID_EVENTS = [
    _SG | {"event": "processed", "sg_event_id": "rbtnWrG1DVDGGGFHFyun0A==", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"},  # noqa: E501
    _SG | {"event": "deferred", "sg_event_id": "t7LEShmowp86DTdUW8M-GQ==", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "response": "400 try again later", "attempt": "5"},  # noqa: E501
    _SG | {"event": "delivered", "sg_event_id": "ZGVsaXZlcmVkLTA", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "response": "250 OK"},  # noqa: E501
    _SG | {"event": "open", "sg_event_id": "FOTFFO0ecsBE-zxFXfs6WA==", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "useragent": "Mozilla/4.0 (compatible; MSIE 6.1; Windows XP; .NET CLR 1.1.4322; .NET CLR 2.0.50727)", "ip": "255.255.255.255"},  # noqa: E501
    _SG | {"event": "click", "sg_event_id": "kCAi1KttyQdEKHhdC-nuEA==", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "useragent": "Mozilla/4.0 (compatible; MSIE 6.1; Windows XP; .NET CLR 1.1.4322; .NET CLR 2.0.50727)", "ip": "255.255.255.255", "url": "http://www.sendgrid.com/"},  # noqa: E501
    _SG | {"event": "bounce", "sg_event_id": "6g4ZI7SA-xmRDv57GoPIPw==", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "reason": "500 unknown recipient", "status": "5.0.0"},  # noqa: E501
    _SG | {"event": "dropped", "sg_event_id": "zmzJhfJgAfUSOW80yEbPyw==", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "reason": "Bounced Address", "status": "5.0.0"},  # noqa: E501
    _SG | {"event": "spamreport", "sg_event_id": "37nvH5QBz858KGVYCM4uOA==", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"},  # noqa: E501
    _SG | {"event": "unsubscribe", "sg_event_id": "zz_BjPgU_5pS-J8vlfB1sg==", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"},  # noqa: E501
    _SG | {"event": "group_unsubscribe", "sg_event_id": "ahSCB7xYcXFb-hEaawsPRw==", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "asm_group_id": 10},  # noqa: E501
    _SG | {"event": "group_resubscribe", "sg_event_id": "w_u0vJhLT-OFfprar5N93g==", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "asm_group_id": 10},  # noqa: E501
]
_HEARD: dict[str, Any] = {
    "token": TOKEN, "provider_id": "14c5d75ce93.dfd.64b469", "address": "example@test.com", "at": datetime(2017, 12, 15, 0, 59, 29, tzinfo=UTC),
}  # fmt: skip
_MOZILLA = "Mozilla/4.0 (compatible; MSIE 6.1; Windows XP; .NET CLR 1.1.4322; .NET CLR 2.0.50727)"
SENDGRID_SIGNALS = [
    Signal(kind="deferred", id="t7LEShmowp86DTdUW8M-GQ==", detail="400 try again later", **_HEARD),
    Signal(kind="delivered", id="ZGVsaXZlcmVkLTA", detail="250 OK", **_HEARD),
    Signal(kind="opened", id="FOTFFO0ecsBE-zxFXfs6WA==", agent=_MOZILLA, ip="255.255.255.255", **_HEARD),
    Signal(
        kind="clicked", id="kCAi1KttyQdEKHhdC-nuEA==", agent=_MOZILLA, ip="255.255.255.255", url="http://www.sendgrid.com/", **_HEARD
    ),
    Signal(
        kind="bounced", id="6g4ZI7SA-xmRDv57GoPIPw==", permanent=True, code="5.0.0", detail="500 unknown recipient", **_HEARD
    ),
    Signal(kind="bounced", id="zmzJhfJgAfUSOW80yEbPyw==", permanent=True, code="5.0.0", detail="Bounced Address", **_HEARD),
    Signal(kind="complained", id="37nvH5QBz858KGVYCM4uOA==", permanent=True, **_HEARD),
    Signal(kind="unsubscribed", id="zz_BjPgU_5pS-J8vlfB1sg==", **_HEARD),
    Signal(kind="unsubscribed", id="ahSCB7xYcXFb-hEaawsPRw==", **_HEARD),
    Signal(kind="subscribed", id="w_u0vJhLT-OFfprar5N93g==", **_HEARD),
]


class TestMailgun(ChannelContract):
    keyless = KEYLESS
    probes = COMMON | {
        "region": Probe(value="eu", along={"endpoint": ""}, observe=host),
        "sending_domain": "other.shop.example",
        "api_key": "key-other",
        "webhook_key": Probe(value="other", observe=believed),
        "require_tls": True,
    }
    keys: Mapping[str, Any] = {
        "sending_domain": "mg.shop.example", "api_key": "key-sandbox", "webhook_key": "sandbox-webhooks"
    }  # fmt: skip

    def channel(self) -> Channel:
        return Mailgun()

    def emulator(self) -> AbstractAsyncContextManager[Emulator]:
        return running(MailgunApi(hang_seconds=20), **self.keys)

    def offline(self) -> Mapping[str, Any]:
        return SENDER | self.keys

    def callbacks(self, account: Account) -> Sequence[Genuine]:
        return [
            Genuine(
                callback=_mailgun(event), signals=signals, key="webhook_key", other_key="another", dated=True, signs_body=False,
                forged=(
                    _mailgun(event, signature="0" * 64), _mailgun(event, token="another"), _mailgun(event, timestamp="1780315201"),
                    _mailgun(event, signature=""), _mailgun(event, signature=None), Callback(body=b"{}", now=NOW),
                    Callback(body=msgspec.json.encode({"event-data": event}), now=NOW),
                ),
            )
            for event, signals in MAILGUN
        ]  # fmt: skip


def _mailgun(event: Mapping[str, Any], **more: Any) -> Callback:
    # https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
    stamp, token = str(int(NOW.timestamp())), "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0"
    signature = hmac.new(b"sandbox-webhooks", f"{stamp}{token}".encode(), sha256).hexdigest()
    signed = {"timestamp": stamp, "token": token, "signature": signature} | more
    return Callback(body=msgspec.json.encode({"signature": signed, "event-data": event}), now=NOW)


# https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads, with a variable of ours
_MG: dict[str, Any] = {
    "id": "G9Bn5sl1TC6nu79C8C0bwg", "timestamp": 1521233195.375624, "recipient": "alice@example.com", "recipient-domain": "example.com",
    "message": {
        "headers": {"to": "Alice <alice@example.com>", "message-id": "20130503192659.13651.20287@sandbox.mailgun.org"}, "size": 111,
    },
    "tags": ["my_tag_1", "my_tag_2"], "user-variables": {"my_var_1": "Mailgun Variable #1", "antiphon_token": TOKEN},
}  # fmt: skip
_MG_HEARD: dict[str, Any] = {
    "token": TOKEN, "provider_id": "20130503192659.13651.20287@sandbox.mailgun.org", "address": "alice@example.com",
    "at": datetime.fromtimestamp(1521233195.375624, UTC), "id": "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0",
}  # fmt: skip
_CLIENT = {"client-os": "Linux", "device-type": "desktop", "client-name": "Chrome", "client-type": "browser", "user-agent": "Mozilla/5.0"}
MAILGUN: list[tuple[dict[str, Any], list[Signal]]] = [
    (_MG | {"event": "accepted"}, []),
    (
        _MG | {"event": "delivered", "delivery-status": {"tls": True, "code": 250, "description": "", "message": "OK", "attempt-no": 1}},
        [Signal(kind="delivered", detail="OK", **_MG_HEARD)],
    ),
    (
        _MG | {"event": "failed", "severity": "permanent", "reason": "suppress-bounce", "delivery-status": {
            "attempt-no": 1, "message": "", "code": 605, "description": "Not delivering to previously bounced address"}},
        [Signal(kind="bounced", permanent=True, code="605", detail="Not delivering to previously bounced address", **_MG_HEARD)],
    ),
    (
        _MG | {"event": "failed", "severity": "permanent", "reason": "bounce", "delivery-status": {
            "code": 550, "message": "5.7.1 message content rejected", "enhanced-code": "5.7.1"}},
        [Signal(kind="bounced", code="5.7.1", detail="5.7.1 message content rejected", **_MG_HEARD)],
    ),
    (
        _MG | {"event": "failed", "severity": "temporary", "reason": "generic", "delivery-status": {
            "attempt-no": 1, "message": "No MX for [example.com]", "code": 498, "retry-seconds": 900}},
        [Signal(kind="deferred", code="498", detail="No MX for [example.com]", **_MG_HEARD)],
    ),
    (
        _MG | {"event": "opened", "ip": "50.56.129.169", "client-info": _CLIENT},
        [Signal(kind="opened", agent="Mozilla/5.0", ip="50.56.129.169", **_MG_HEARD)],
    ),
    (
        _MG | {"event": "clicked", "ip": "50.56.129.169", "client-info": _CLIENT, "url": "http://mailgun.net"},
        [Signal(kind="clicked", url="http://mailgun.net", agent="Mozilla/5.0", ip="50.56.129.169", **_MG_HEARD)],
    ),
    (_MG | {"event": "complained"}, [Signal(kind="complained", permanent=True, **_MG_HEARD)]),
    (_MG | {"event": "unsubscribed", "ip": "50.56.129.169"}, [Signal(kind="unsubscribed", **_MG_HEARD)]),
]  # fmt: skip


class TestPostmark(ChannelContract):
    keyless = KEYLESS
    probes = COMMON | {
        "server_token": "other",
        "stream": "broadcast",
        "webhook_user": Probe(value="other", observe=believed),
        "webhook_password": Probe(value="other", observe=believed),
    }
    keys: Mapping[str, Any] = {"server_token": "sandbox-server", "webhook_password": "sandbox-webhooks"}

    def channel(self) -> Channel:
        return Postmark()

    def emulator(self) -> AbstractAsyncContextManager[Emulator]:
        return running(PostmarkApi(hang_seconds=20), **self.keys)

    def offline(self) -> Mapping[str, Any]:
        return SENDER | self.keys

    def callbacks(self, account: Account) -> Sequence[Genuine]:
        headers = {"authorization": f"Basic {b64encode(b'postmark:sandbox-webhooks').decode()}"}
        return [
            Genuine(
                callback=Callback(body=msgspec.json.encode(record), headers=headers, now=NOW), signals=signals,
                signed_by=("authorization",), key="webhook_password", other_key="another", signs_body=False,
            )
            for record, signals in POSTMARK
        ]  # fmt: skip


# https://postmarkapp.com/developer/webhooks/bounce-webhook and the pages beside it, with metadata of ours
_PM: dict[str, Any] = {
    "MessageStream": "outbound", "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483", "Tag": "Test", "ServerID": 23,
    "Metadata": {"a_key": "a_value", "antiphon_token": TOKEN},
}  # fmt: skip
_PM_BOUNCE = _PM | {
    "RecordType": "Bounce", "ID": 4323372036854775807, "Type": "HardBounce", "TypeCode": 1, "Name": "Hard bounce",
    "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
    "Details": "Test bounce details", "Email": "john@example.com", "From": "sender@example.com",
    "BouncedAt": "2014-08-01T13:28:10.2735393-04:00", "DumpAvailable": True, "Inactive": True, "CanActivate": True,
    "Subject": "Test subject", "Content": "<Full dump of bounce>",
}  # fmt: skip
_PM_HEARD: dict[str, Any] = {
    "token": TOKEN, "provider_id": "883953f4-6105-42a2-a16a-77a8eac79483", "address": "john@example.com",
}  # fmt: skip
_BOUNCED = datetime(2014, 8, 1, 17, 28, 10, 273539, tzinfo=UTC)
POSTMARK: list[tuple[dict[str, Any], list[Signal]]] = [
    (_PM_BOUNCE, [Signal(kind="bounced", permanent=True, code="HardBounce", detail="Test bounce details", at=_BOUNCED, **_PM_HEARD)]),
    (_PM_BOUNCE | {"Type": "SoftBounce"}, [Signal(kind="bounced", code="SoftBounce", detail="Test bounce details", at=_BOUNCED, **_PM_HEARD)]),  # noqa: E501
    (_PM_BOUNCE | {"Type": "Transient"}, [Signal(kind="deferred", code="Transient", detail="Test bounce details", at=_BOUNCED, **_PM_HEARD)]),  # noqa: E501
    (_PM_BOUNCE | {"Type": "AutoResponder"}, []),
    (
        _PM_BOUNCE | {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "TypeCode": 100001, "Name": "Spam complaint"},
        [Signal(kind="complained", permanent=True, code="abuse", at=_BOUNCED, **_PM_HEARD)],
    ),
    (
        _PM | {"RecordType": "Delivery", "Recipient": "john@example.com", "DeliveredAt": "2019-11-05T16:33:54.9070259Z",
               "Details": "Test delivery webhook details"},
        [Signal(kind="delivered", detail="Test delivery webhook details", at=datetime(2019, 11, 5, 16, 33, 54, 907025, tzinfo=UTC), **_PM_HEARD)],  # noqa: E501
    ),
    (
        _PM | {"RecordType": "Open", "FirstOpen": True, "Recipient": "john@example.com", "ReceivedAt": "2019-11-05T16:33:54.9070259Z",
               "UserAgent": "Mozilla/5.0 (Macintosh)", "Geo": {"IP": "188.2.95.4", "Country": "Serbia"}},
        [Signal(kind="opened", agent="Mozilla/5.0 (Macintosh)", ip="188.2.95.4", **_PM_HEARD)],
    ),
    (
        _PM | {"RecordType": "Click", "ClickLocation": "HTML", "OriginalLink": "https://example.com", "Recipient": "john@example.com",
               "ReceivedAt": "2017-10-25T15:21:11.9065619Z"},
        [Signal(kind="clicked", url="https://example.com", **_PM_HEARD)],
    ),
    (
        _PM | {"RecordType": "SubscriptionChange", "ChangedAt": "2020-02-01T10:53:34.416071Z", "Recipient": "john@example.com",
               "Origin": "Recipient", "SuppressSending": True, "SuppressionReason": "ManualSuppression"},
        [Signal(kind="unsubscribed", code="ManualSuppression", **_PM_HEARD)],
    ),
]  # fmt: skip

SNS = SesApi()


class TestSes(ChannelContract):
    keyless = KEYLESS
    probes = COMMON | {
        "region": "eu-central-1",
        "access_key": "AKIAOTHER",
        "secret_key": "another secret",
        "configuration_set": "marketing",
        "topic_arn": Probe(value="", observe=believed),
    }
    keys: Mapping[str, Any] = {"access_key": "AKIASANDBOX", "secret_key": "sandbox-secret", "topic_arn": SNS.topic_arn}

    def channel(self) -> Channel:
        return Ses()

    def emulator(self) -> AbstractAsyncContextManager[Emulator]:
        return running(SesApi(hang_seconds=20), **self.keys)

    def offline(self) -> Mapping[str, Any]:
        return SENDER | self.keys

    def callbacks(self, account: Account) -> Sequence[Genuine]:
        url = "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-west-2:123456789012:MyTopic&Token=2336412f"
        told = [_sns(msgspec.json.encode(event).decode(), signals) for event, signals in SES]
        confirm = _sns(
            "You have chosen to subscribe to the topic.", [Signal(kind="confirm", url=url)], kind="SubscriptionConfirmation",
            SubscribeURL=url, Token="2336412f",
        )  # fmt: skip
        return [*told, confirm, _sns("Successfully validated SNS topic for Amazon SES event publishing.", [])]


def _sns(message: str, signals: Sequence[Signal], **more: Any) -> Genuine:
    _, body = SNS.notify(message, "165545c9-2a5c-472c-8df2-7ff2be2b3b1b", **more)
    outer = msgspec.json.decode(body)
    now = datetime.now(UTC)
    fetched = {SNS.certificate_url: SNS.certificate}

    def changed(**fields: Any) -> Callback:
        return Callback(body=msgspec.json.encode(outer | fields), now=now, fetched=fetched)

    bad = "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem"
    forged = [
        changed(Message=message + " "), changed(MessageId="another"), changed(TopicArn=SNS.topic_arn[:-1] + "y"), changed(Signature=""),
        changed(Signature="AAAA"), changed(SignatureVersion="1"), changed(SigningCertURL=bad), changed(SigningCertURL=None),
        changed(Timestamp="2026-01-01T00:00:00.000Z"), changed(Type="UnsubscribeConfirmation"),
    ]  # fmt: skip
    return Genuine(
        callback=changed(), signals=signals, key="topic_arn", other_key="arn:aws:sns:eu-west-1:123456789012:other", dated=True,
        signs_body=False, forged=forged,
    )  # fmt: skip


# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html, with a tag of ours
_MAIL: dict[str, Any] = {
    "timestamp": "2017-08-05T00:40:02.012Z", "source": "Sender Name <sender@example.com>", "sendingAccountId": "123456789012",
    "messageId": "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000", "destination": ["recipient@example.com"],
    "tags": {"ses:configuration-set": ["ConfigSet"], "antiphon_token": [TOKEN]},
}  # fmt: skip
_SES_HEARD: dict[str, Any] = {"token": TOKEN, "provider_id": _MAIL["messageId"]}
_AT = datetime(2017, 8, 5, 0, 41, 2, 669000, tzinfo=UTC)
SES: list[tuple[dict[str, Any], list[Signal]]] = [
    (
        {"eventType": "Bounce", "mail": _MAIL, "bounce": {
            "bounceType": "Permanent", "bounceSubType": "General", "timestamp": "2017-08-05T00:41:02.669Z",
            "bouncedRecipients": [{"emailAddress": "recipient@example.com", "action": "failed", "status": "5.1.1",
                                   "diagnosticCode": "smtp; 550 5.1.1 user unknown"}],
            "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000", "reportingMTA": "dsn; mta.example.com"}},
        [Signal(kind="bounced", permanent=True, address="recipient@example.com", code="5.1.1", detail="smtp; 550 5.1.1 user unknown",
                at=_AT, id="01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000", **_SES_HEARD)],
    ),
    (
        {"notificationType": "Bounce", "mail": _MAIL, "bounce": {
            "bounceType": "Transient", "bounceSubType": "MailboxFull", "timestamp": "2017-08-05T00:41:02.669Z", "feedbackId": "f",
            "bouncedRecipients": [{"emailAddress": "recipient@example.com"}]}},
        [Signal(kind="bounced", address="recipient@example.com", code="MailboxFull", detail="MailboxFull", id="f", at=_AT, **_SES_HEARD)],
    ),
    (
        {"eventType": "Complaint", "mail": _MAIL, "complaint": {
            "complainedRecipients": [{"emailAddress": "recipient@example.com"}], "timestamp": "2017-08-05T00:41:02.669Z",
            "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000", "complaintFeedbackType": "abuse",
            "userAgent": "Mozilla/5.0", "arrivalDate": "2017-08-05T00:41:02.669Z"}},
        [Signal(kind="complained", permanent=True, address="recipient@example.com", code="abuse", detail="Mozilla/5.0", at=_AT,
                id="01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000", **_SES_HEARD)],
    ),
    (
        {"eventType": "Delivery", "mail": _MAIL, "delivery": {
            "timestamp": "2017-08-05T00:41:02.669Z", "processingTimeMillis": 11024, "recipients": ["recipient@example.com"],
            "smtpResponse": "250 2.6.0 Message received", "reportingMTA": "mta.example.com"}},
        [Signal(kind="delivered", address="recipient@example.com", detail="250 2.6.0 Message received", at=_AT, **_SES_HEARD)],
    ),
    ({"eventType": "Send", "mail": _MAIL, "send": {}}, []),
    (
        {"eventType": "Reject", "mail": _MAIL, "reject": {"reason": "Bad content"}},
        [Signal(kind="bounced", code="rejected", detail="Bad content", **_SES_HEARD)],
    ),
    (
        {"eventType": "Open", "mail": _MAIL, "open": {
            "ipAddress": "192.0.2.1", "timestamp": "2017-08-05T00:41:02.669Z", "userAgent": "Mozilla/5.0 (iPhone)"}},
        [Signal(kind="opened", ip="192.0.2.1", agent="Mozilla/5.0 (iPhone)", at=_AT, **_SES_HEARD)],
    ),
    (
        {"eventType": "Click", "mail": _MAIL, "click": {
            "ipAddress": "192.0.2.1", "link": "http://docs.aws.amazon.com/ses/latest/DeveloperGuide/send-email-smtp.html",
            "timestamp": "2017-08-05T00:41:02.669Z", "userAgent": "Mozilla/5.0"}},
        [Signal(kind="clicked", ip="192.0.2.1", agent="Mozilla/5.0", at=_AT,
                url="http://docs.aws.amazon.com/ses/latest/DeveloperGuide/send-email-smtp.html", **_SES_HEARD)],
    ),
    (
        {"eventType": "DeliveryDelay", "mail": _MAIL, "deliveryDelay": {
            "timestamp": "2017-08-05T00:41:02.669Z", "delayType": "TransientCommunicationFailure", "expirationTime": "2020-06-16T00:25:40.914Z",
            "delayedRecipients": [{"emailAddress": "recipient@example.com", "status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host"}]}},  # noqa: E501
        [Signal(kind="deferred", address="recipient@example.com", code="4.4.1", detail="smtp; 421 4.4.1 Unable to connect to remote host", at=_AT, **_SES_HEARD)],  # noqa: E501
    ),
]  # fmt: skip
