"""Amazon SES's API v2, its signatures verified, and the notifications SNS would post, signed."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from antiphon.sandbox.mailapi.base import WAIT, Mail, MailApi, News, read_mime
from antiphon.sandbox.web import Request, Response, as_json

_CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/ses/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})\Z"
)

SECRET = "sandbox-secret"  # noqa: S105  anybody may know it: it opens nothing but this emulator


class SesApi(MailApi):
    """SendEmail and GetAccount of one region."""

    def __init__(
        self, *, access_key: str = "AKIASANDBOX", secret_key: str = SECRET, region: str = "eu-west-1",
        topic_arn: str = "arn:aws:sns:eu-west-1:123456789012:sandbox", **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(**more)
        self._access_key, self._secret_key, self._region = access_key, secret_key, region
        self.topic_arn = topic_arn
        self._key = generate_private_key(65537, 2048)
        self.certificate_url = f"https://sns.{region}.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
        self.certificate = self._certificate()

    def authorized(self, request: Request) -> bool:
        """Signature Version 4, worked out from the request as it came."""
        found = _CREDENTIAL.match(request.headers.get("authorization", ""))
        if not found:
            return False
        access, day, region, names, signature = found.groups()
        stamp = request.headers.get("x-amz-date", "")
        if access != self._access_key or region != self._region or not stamp.startswith(day):
            return False
        told = "\n".join(
            [request.method, quote(request.path), "",
             *(f"{name}:{request.headers.get(name, '')}" for name in names.split(";")), "",
             names, sha256(request.body).hexdigest()]
        )  # fmt: skip
        key = f"AWS4{self._secret_key}".encode()
        for part in (day, region, "ses", "aws4_request"):
            key = hmac.new(key, part.encode(), sha256).digest()
        what = f"AWS4-HMAC-SHA256\n{stamp}\n{day}/{region}/ses/aws4_request\n{sha256(told.encode()).hexdigest()}"
        return hmac.compare_digest(signature, hmac.new(key, what.encode(), sha256).hexdigest())

    def forbidden(self) -> Response:
        return _error(403, "InvalidSignatureException", "The request signature we calculated does not match.")

    def summary(self, request: Request) -> Any:
        found = _CREDENTIAL.match(request.headers.get("authorization", ""))
        scope = (found[1], found[3]) if found else None
        if not request.body:
            return scope
        mail = msgspec.json.decode(request.body)
        raw = mail["Content"]["Raw"].pop("Data")
        return scope, mail, read_mime(b64decode(raw))

    async def serve(self, request: Request) -> Response | None:
        if (request.method, request.path) == ("GET", "/v2/email/account"):
            return as_json({"SendingEnabled": True, "ProductionAccessEnabled": True})
        if (request.method, request.path) != ("POST", "/v2/email/outbound-emails"):
            return _error(404, "NotFoundException", "no such operation")
        mail = msgspec.json.decode(request.body)
        address = mail["Destination"]["ToAddresses"][0]
        match self.fault(address):
            case "reject":
                return _error(400, "MessageRejected", "Email address is not verified.")
            case "gone":
                return _error(400, "BadRequestException", "Illegal address")
            case "defer":
                return _error(503, "ServiceUnavailableException", "Service unavailable")
            case "broken":
                return _error(500, "InternalFailure", "Internal failure")
            case "busy":
                return _error(429, "TooManyRequestsException", "Too many requests", WAIT)
            case "hang":
                await self.silence()
                return None
        headers, text, html = read_mime(b64decode(mail["Content"]["Raw"]["Data"]))
        tags = {tag["Name"]: tag["Value"] for tag in mail.get("EmailTags", ())}
        taken = self.take(
            id=f"0102{len(self.taken) + 1:012d}-sandbox-000000", address=address, sender=mail["FromEmailAddress"],
            subject=headers["Subject"], text=text, html=html, token=tags.get(self.token_name, ""), headers=headers,
        )  # fmt: skip
        if self.fault(address) == "silent":
            await self.silence()
            return None
        return as_json({"MessageId": taken.id})

    def tell(self, news: News, mail: Mail) -> tuple[Mapping[str, str], bytes]:
        now = _now()
        people = [{"emailAddress": mail.address}]
        dead = [people[0] | {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 unknown"}]
        events: dict[News, dict[str, Any]] = {
            "delivered": {"eventType": "Delivery", "delivery": {"timestamp": now, "recipients": [mail.address]}},
            "bounced": {
                "eventType": "Bounce",
                "bounce": {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": dead, "timestamp": now},
            },
            "deferred": {
                "eventType": "DeliveryDelay",
                "deliveryDelay": {"timestamp": now, "delayType": "TransientCommunicationFailure", "delayedRecipients": people},
            },
            "complained": {"eventType": "Complaint", "complaint": {"complainedRecipients": people, "timestamp": now}},
            "opened": {"eventType": "Open", "open": {"timestamp": now, "userAgent": "Sandbox", "ipAddress": "192.0.2.1"}},
            "clicked": {"eventType": "Click", "click": {"timestamp": now, "link": "https://shop.example/"}},
            "unsubscribed": {"eventType": "Subscription", "subscription": {"timestamp": now}},
        }  # fmt: skip
        about = {"messageId": mail.id, "destination": [mail.address], "tags": {self.token_name: [mail.token]}}
        return self.notify(msgspec.json.encode(events[news] | {"mail": about}).decode(), f"{news}-{mail.n}")

    def notify(self, message: str, number: str, kind: str = "Notification", **more: str) -> tuple[Mapping[str, str], bytes]:
        """Anything, as SNS would post it to a subscriber of the topic."""
        outer = {"Type": kind, "MessageId": number, "TopicArn": self.topic_arn, "Message": message, "Timestamp": _now(), **more}
        what = "".join(f"{name}\n{outer[name]}\n" for name in sorted(outer))
        outer["SignatureVersion"] = "2"
        outer["Signature"] = b64encode(self._key.sign(what.encode(), PKCS1v15(), SHA256())).decode()
        outer["SigningCertURL"] = self.certificate_url
        return {"content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": kind}, msgspec.json.encode(outer)

    def _certificate(self) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self._key.public_key())
            .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365))
        )  # fmt: skip
        return made.sign(self._key, SHA256()).public_bytes(Encoding.PEM)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _error(status: int, code: str, message: str, wait: str = "") -> Response:
    more = {"retry_after": wait} if wait else {}
    return as_json({"message": message}, status, x_amzn_errortype=code, **more)
