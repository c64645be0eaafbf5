"""Mailgun's `messages.mime`, and its signed webhooks."""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import b64encode
from collections.abc import Mapping
from email import message_from_bytes
from email.policy import HTTP
from hashlib import sha256
from typing import Any

import msgspec

from antiphon.sandbox.mailapi.base import WAIT, Mail, MailApi, News, read_mime
from antiphon.sandbox.web import Request, Response, as_json

_EVENTS = {
    "delivered": "delivered", "bounced": "failed", "complained": "complained", "opened": "opened", "clicked": "clicked",
    "unsubscribed": "unsubscribed", "deferred": "failed",
}  # fmt: skip


class MailgunApi(MailApi):
    """One domain."""

    def __init__(
        self, *, api_key: str = "key-sandbox", domain: str = "mg.shop.example", webhook_key: str = "sandbox-webhooks", **more: Any
    ) -> None:
        super().__init__(**more)
        self._authorization = f"Basic {b64encode(f'api:{api_key}'.encode()).decode()}"
        self._domain = domain
        self._webhook_key = webhook_key

    def authorized(self, request: Request) -> bool:
        return request.headers.get("authorization") == self._authorization

    def forbidden(self) -> Response:
        return Response(status=401, body=b"Forbidden")

    def summary(self, request: Request) -> Any:
        form = _form(request)
        return {name: value if name != "message" else read_mime(value.encode("latin-1")) for name, value in form.items()}

    async def serve(self, request: Request) -> Response | None:
        if (request.method, request.path) == ("GET", f"/v4/domains/{self._domain}"):
            return as_json({"domain": {"name": self._domain, "state": "active"}})
        if (request.method, request.path) != ("POST", f"/v3/{self._domain}/messages.mime"):
            return as_json({"message": f"Domain not found: {request.path}"}, 404)
        form = _form(request)
        address = form.get("to", "")
        match self.fault(address):
            case "reject":
                return as_json({"message": "message is too large"}, 400)
            case "gone":
                return as_json({"message": "'to' parameter is not a valid address. please check documentation"}, 400)
            case "defer":
                return as_json({"message": "Service unavailable"}, 503)
            case "broken":
                return as_json({"message": "Internal Server Error"}, 500)
            case "busy":
                return as_json({"message": "Too many requests"}, 429, retry_after=WAIT)
            case "hang":
                await self.silence()
                return None
        headers, text, html = read_mime(form["message"].encode("latin-1"))
        taken = self.take(
            id=f"sandbox{len(self.taken) + 1:08d}@{self._domain}", address=address, sender=headers["From"],
            subject=headers["Subject"], text=text, html=html, token=form.get(f"v:{self.token_name}", ""), headers=headers,
        )  # fmt: skip
        if self.fault(address) == "silent":
            await self.silence()
            return None
        return as_json({"id": f"<{taken.id}>", "message": "Queued. Thank you."})

    def tell(self, news: News, mail: Mail) -> tuple[Mapping[str, str], bytes]:
        stamp, token = str(int(time.time())), secrets.token_hex(25)
        signature = hmac.new(self._webhook_key.encode(), f"{stamp}{token}".encode(), sha256).hexdigest()
        event: dict[str, Any] = {
            "event": _EVENTS[news], "id": f"{news}-{mail.n}", "timestamp": time.time(), "recipient": mail.address,
            "message": {"headers": {"message-id": mail.id}}, "user-variables": {self.token_name: mail.token},
        }  # fmt: skip
        if news == "bounced":
            status = {"code": 550, "message": "5.1.1 The email account does not exist", "enhanced-code": "5.1.1"}
            event |= {"severity": "permanent", "reason": "bounce", "delivery-status": status}
        if news == "deferred":
            status = {"code": 450, "message": "4.2.1 Try later"}
            event |= {"severity": "temporary", "reason": "generic", "delivery-status": status}
        body = {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": event}
        return {"content-type": "application/json"}, msgspec.json.encode(body)


def _form(request: Request) -> dict[str, str]:
    """multipart/form-data, each part's octets as Latin-1."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data") or "boundary=" not in kind:
        return {}
    boundary = b"--" + kind.partition("boundary=")[2].strip('"').encode()
    found: dict[str, str] = {}
    for part in request.body.split(boundary)[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        header = message_from_bytes(head + b"\r\n\r\n", policy=HTTP)
        name = header.get_param("name", header="content-disposition")
        found[str(name)] = value.removesuffix(b"\r\n").decode("latin-1")
    return found
