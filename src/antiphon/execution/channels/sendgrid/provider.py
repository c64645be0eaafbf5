"""Sending by SendGrid: one `mail/send` a message
(https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta

from antiphon.execution.channels.email.address import one_line
from antiphon.execution.channels.email.api import (
    ApiProvider,
    ApiSettings,
    Call,
    Said,
    about,
    accepted,
    body,
    json_wire,
    mail_provider,
    recipient,
    told,
)
from antiphon.execution.channels.email.mime import feedback_id, further
from antiphon.execution.channels.email.news import TOKEN, fields, text_of
from antiphon.execution.channels.model import Account, Callback, Message, Receipt, Signal, Wire
from antiphon.execution.channels.sendgrid.news import load_key, read_news
from antiphon.foundation.outbound import Answer

HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}


class SendGridSettings(ApiSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account at SendGrid."""

    region: Annotated[Literal["global", "eu"], about("Region", "Where the subuser lives.")] = "global"
    api_key: Annotated[
        str, about("API key", "With the permission Mail Send."), Meta(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
    ]
    ip_pool: Annotated[str, about("IP pool", "Empty: SendGrid's choice."), Meta(max_length=64)] = ""
    webhook_key: Annotated[
        str,
        about("Verification key of the Event Webhook", "Signed events are believed by this public key. Empty: none are."),
        Meta(max_length=500),
    ] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.webhook_key:
            try:
                load_key(self.webhook_key)
            except ValueError as bad:
                raise ValueError("webhook_key: is not a public key") from bad

    @property
    def base(self) -> str:
        """Where the API is."""
        return (self.endpoint or HOSTS[self.region]).rstrip("/")


class SendGrid(ApiProvider):
    """Speaks to SendGrid."""

    manifest = mail_provider("sendgrid", "SendGrid", SendGridSettings, {"api_key"})

    def prepare(self, message: Message, account: Account) -> Wire:
        """The request's body. Raises `BadAddress` or `BadHeader`, both permanent."""
        settings: SendGridSettings = account.settings
        to = recipient(message)
        content = message.content
        headers = {name: one_line(value.replace("\r\n ", " ")) for name, value in further(message)}
        if message.feedback:
            headers["Feedback-ID"] = feedback_id(message.feedback)
        parts = [{"type": "text/plain", "value": body(content.text)}]
        if content.html is not None:
            parts.append({"type": "text/html", "value": body(content.html)})
        request: dict[str, Any] = {
            "personalizations": [{"to": [{"email": to}], "custom_args": {TOKEN: message.token}}],
            "from": _person(settings.from_name, settings.from_email),
            "subject": one_line(content.subject) or " ",
            "content": parts,
            # opens and clicks are counted by our own links; SendGrid's would wrap them once more
            "tracking_settings": {"click_tracking": {"enable": False}, "open_tracking": {"enable": False}},
        }
        if settings.reply_to:
            request["reply_to"] = {"email": settings.reply_to}
        if settings.ip_pool:
            request["ip_pool_name"] = settings.ip_pool
        if headers:
            request["headers"] = headers
        return json_wire(message, to, settings, request)

    def call(self, settings: SendGridSettings, wires: Sequence[Wire]) -> Call:
        """One `mail/send`."""
        return Call("POST", f"{settings.base}/v3/mail/send", _headers(settings), wires[0].payload)

    def trial(self, settings: SendGridSettings) -> Call:
        """The key's scopes."""
        return Call("GET", f"{settings.base}/v3/scopes", _headers(settings))

    def judge(self, wires: Sequence[Wire], answer: Answer) -> list[Receipt]:
        """202 and a message id."""
        return [accepted(wires[0], answer.headers.get("x-message-id") or None)]

    def said(self, answer: Answer) -> Said:
        """The first of its errors: the field and the message."""
        errors = told(answer).get("errors")
        first = fields(errors[0]) if isinstance(errors, list) and errors else {}
        field = text_of(first.get("field"))
        return Said(field, text_of(first.get("message")), field.startswith("personalizations.0.to.0"))

    def parse_callback(self, callback: Callback, account: Account | None) -> Sequence[Signal]:
        """The Event Webhook; see `read_news`."""
        return read_news(callback, account.settings.webhook_key if account else "")


def _headers(settings: SendGridSettings) -> Mapping[str, str]:
    return {"authorization": f"Bearer {settings.api_key}", "content-type": "application/json"}


def _person(name: str, address: str) -> dict[str, str]:
    name = one_line(name)
    return {"email": address, "name": name} if name else {"email": address}
