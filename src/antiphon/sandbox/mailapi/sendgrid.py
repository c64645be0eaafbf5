"""SendGrid's API v3, as far as one message at a time goes, and its signed Event Webhook."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from antiphon.sandbox.mailapi.base import WAIT, Mail, MailApi, News, json_of
from antiphon.sandbox.web import Request, Response, as_json

_EVENTS = {
    "delivered": "delivered", "bounced": "bounce", "complained": "spamreport", "opened": "open", "clicked": "click",
    "unsubscribed": "unsubscribe", "deferred": "deferred",
}  # fmt: skip


class SendGridApi(MailApi):
    """`/v3/mail/send` and `/v3/scopes`."""

    def __init__(self, *, api_key: str = "SG.sandbox", **more: Any) -> None:
        super().__init__(**more)
        self._api_key = api_key
        self._secret = generate_private_key(SECP256R1())

    @property
    def webhook_key(self) -> str:
        """The verification key its settings page would show."""
        der = self._secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b64encode(der).decode()

    def authorized(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self._api_key}"

    def forbidden(self) -> Response:
        message = "The provided authorization grant is invalid, expired, or revoked"
        return as_json({"errors": [{"message": message, "field": None, "help": None}]}, 401)

    def summary(self, request: Request) -> Any:
        return json_of(request)

    async def serve(self, request: Request) -> Response | None:
        if (request.method, request.path) == ("GET", "/v3/scopes"):
            return as_json({"scopes": ["mail.send"]})
        if (request.method, request.path) != ("POST", "/v3/mail/send"):
            return as_json({"errors": [{"message": "not found", "field": None, "help": None}]}, 404)
        mail = msgspec.json.decode(request.body)
        for field in ("personalizations", "from", "subject", "content"):
            if not mail.get(field):
                return _error(f"The {field} is required", field)
        (person,) = mail["personalizations"]
        address = person["to"][0]["email"]
        match self.fault(address):
            case "reject":
                return _error("The content value must be a string at least one character in length.", "content.0.value")
            case "gone":
                return _error("Does not contain a valid address.", "personalizations.0.to.0.email")
            case "defer":
                return as_json({"errors": [{"message": "service unavailable"}]}, 503)
            case "broken":
                return as_json({"errors": [{"message": "internal error"}]}, 500)
            case "busy":
                return as_json({"errors": [{"message": "too many requests"}]}, 429, retry_after=WAIT)
            case "hang":
                await self.silence()
                return None
        values = {part["type"]: part["value"] for part in mail["content"]}
        taken = self.take(
            id=f"sandbox{len(self.taken) + 1:08d}", address=address, sender=mail["from"]["email"], subject=mail["subject"],
            text=values.get("text/plain", ""), html=values.get("text/html", ""),
            token=person.get("custom_args", {}).get(self.token_name, ""), headers=mail.get("headers", {}),
        )  # fmt: skip
        if self.fault(address) == "silent":
            await self.silence()
            return None
        return Response(status=202, headers={"x-message-id": taken.id})

    def tell(self, news: News, mail: Mail) -> tuple[Mapping[str, str], bytes]:
        now = int(time.time())
        event: dict[str, Any] = {
            "email": mail.address, "timestamp": now, "event": _EVENTS[news], "sg_event_id": f"{news}-{mail.n}",
            "sg_message_id": f"{mail.id}.recvd-sandbox-0", self.token_name: mail.token,
        }  # fmt: skip
        if news == "bounced":
            event |= {"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 The email account does not exist"}
        body = msgspec.json.encode([event])
        signature = self._secret.sign(str(now).encode() + body, ECDSA(SHA256()))
        return {
            "content-type": "application/json",
            "x-twilio-email-event-webhook-timestamp": str(now),
            "x-twilio-email-event-webhook-signature": b64encode(signature).decode(),
        }, body


def _error(message: str, field: str) -> Response:
    return as_json({"errors": [{"message": message, "field": field, "help": None}]}, 400)
