"""What SNS tells of messages (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html), its
signature verified (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html)."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import load_pem_x509_certificate

from antiphon.execution.channels.email.news import TOKEN, check_age, fields, instant, same, text_of
from antiphon.execution.channels.errors import CallbackForged, CallbackNeeds
from antiphon.execution.channels.model import Callback, Signal

OLDEST = timedelta(hours=26)  # SNS may be told to try for a day
_CERTIFICATE = re.compile(r"https://sns\.[a-z0-9-]{3,30}\.amazonaws\.com(\.cn)?/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem\Z")
_CONFIRM = re.compile(r"https://sns\.[a-z0-9-]{3,30}\.amazonaws\.com(\.cn)?/\?[A-Za-z0-9_.:%&=+~-]+\Z")
_NEWS = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def read_news(callback: Callback, topic_arn: str) -> Sequence[Signal]:
    """The signals of one notification. Raises `CallbackForged`, and `CallbackNeeds` for SNS's certificate."""
    try:
        outer = msgspec.json.decode(callback.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise CallbackForged from None
    if not isinstance(outer, dict) or not all(isinstance(outer.get(name, ""), str) for name in (*_NEWS, *_CONFIRMATION)):
        raise CallbackForged
    if not same(outer.get("TopicArn", ""), topic_arn):
        raise CallbackForged  # SNS signs for everybody: what counts is that it is our topic
    _verify(outer, callback)
    if outer.get("Type") == "SubscriptionConfirmation":
        url = outer.get("SubscribeURL", "")
        return [Signal(kind="confirm", url=url, id=outer["MessageId"])] if _CONFIRM.match(url) else []
    if outer.get("Type") != "Notification":
        return []
    try:
        event = msgspec.json.decode(outer["Message"])
    except (msgspec.MsgspecError, UnicodeError, KeyError):
        return []  # SNS's own "Successfully validated SNS topic …"
    return list(_signals(fields(event), outer.get("MessageId", "")))


def signed_text(outer: Mapping[str, Any]) -> bytes:
    """What SNS signs: names and values, line by line."""
    names = _NEWS if outer.get("Type") == "Notification" else _CONFIRMATION
    return "".join(f"{name}\n{outer[name]}\n" for name in names if name in outer).encode()


def _verify(outer: Mapping[str, Any], callback: Callback) -> None:
    url = outer.get("SigningCertURL") or outer.get("SigningCertUrl")
    at = instant(outer.get("Timestamp"))
    if not isinstance(url, str) or not _CERTIFICATE.match(url) or at is None:
        raise CallbackForged
    check_age(callback, at, OLDEST)
    if url not in callback.fetched:
        raise CallbackNeeds(url)
    kind: HashAlgorithm = SHA256() if outer.get("SignatureVersion") == "2" else SHA1()  # noqa: S303  SNS's version 1 is SHA-1
    try:
        signature = b64decode(outer.get("Signature", ""), validate=True)
        _public_key(callback.fetched[url]).verify(signature, signed_text(outer), PKCS1v15(), kind)
    except (InvalidSignature, ValueError, TypeError, UnicodeError):
        raise CallbackForged from None


@lru_cache(maxsize=16)
def _public_key(certificate: bytes) -> RSAPublicKey:
    key = load_pem_x509_certificate(certificate).public_key()
    if not isinstance(key, RSAPublicKey):
        raise TypeError("not an RSA certificate")
    return key


def _signals(event: Mapping[str, Any], message_id: str) -> Iterator[Signal]:
    mail = fields(event.get("mail"))
    tags = fields(mail.get("tags")).get(TOKEN)
    token = text_of(tags[0]) if isinstance(tags, list) and tags else ""
    common: dict[str, Any] = {"token": token or None, "provider_id": text_of(mail.get("messageId")) or None}
    match event.get("eventType") or event.get("notificationType"):
        case "Bounce":
            yield from _bounces(fields(event.get("bounce")), message_id, common)
        case "Complaint":
            what = fields(event.get("complaint"))
            if what.get("complaintFeedbackType") != "not-spam":
                for one in _people(what.get("complainedRecipients")):
                    yield Signal(
                        kind="complained", permanent=True, address=one.get("emailAddress"), at=instant(what.get("timestamp")),
                        code=text_of(what.get("complaintFeedbackType")) or "abuse", detail=text_of(what.get("userAgent")),
                        id=text_of(what.get("feedbackId")) or message_id, **common,
                    )  # fmt: skip
        case "Delivery":
            what = fields(event.get("delivery"))
            yield Signal(
                kind="delivered", at=instant(what.get("timestamp")), detail=text_of(what.get("smtpResponse")), id=message_id,
                address=_first(what.get("recipients")), **common,
            )  # fmt: skip
        case "DeliveryDelay":
            what = fields(event.get("deliveryDelay"))
            for one in _people(what.get("delayedRecipients")):
                yield Signal(
                    kind="deferred", address=one.get("emailAddress"), at=instant(what.get("timestamp")), id=message_id,
                    code=one.get("status", ""), detail=one.get("diagnosticCode") or text_of(what.get("delayType")), **common,
                )  # fmt: skip
        case "Reject":
            why = text_of(fields(event.get("reject")).get("reason"))
            yield Signal(kind="bounced", code="rejected", detail=why, id=message_id, **common)
        case "Open" | "Click" as kind:
            what = fields(event.get(kind.lower()))
            yield Signal(
                kind="opened" if kind == "Open" else "clicked", at=instant(what.get("timestamp")),
                url=text_of(what.get("link"), 2000) or None,
                agent=text_of(what.get("userAgent")), ip=text_of(what.get("ipAddress")), id=message_id, **common,
            )  # fmt: skip


def _bounces(what: Mapping[str, Any], message_id: str, common: Mapping[str, Any]) -> Iterator[Signal]:
    for one in _people(what.get("bouncedRecipients")):
        yield Signal(
            kind="bounced", permanent=what.get("bounceType") == "Permanent", address=one.get("emailAddress"),
            at=instant(what.get("timestamp")), code=one.get("status") or text_of(what.get("bounceSubType")),
            detail=one.get("diagnosticCode") or text_of(what.get("bounceSubType")),
            id=text_of(what.get("feedbackId")) or message_id, **common,
        )  # fmt: skip


def _people(value: Any) -> Iterator[Mapping[str, str]]:
    for one in value[:50] if isinstance(value, list) else []:
        yield {name: text_of(said) for name, said in fields(one).items() if isinstance(said, str)}


def _first(value: Any) -> str | None:
    return text_of(value[0]) or None if isinstance(value, list) and value else None
