"""Sending by Postmark: up to fifty messages a request, each with its own answer
(https://postmarkapp.com/developer/api/email-api#send-batch-emails)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from antiphon.execution.channels.email.address import one_line
from antiphon.execution.channels.email.api import (
    BUSY,
    ApiProvider,
    ApiSettings,
    Call,
    Said,
    about,
    accepted,
    body,
    faulted,
    json_wire,
    mail_provider,
    quoted,
    recipient,
    refusal,
    told,
)
from antiphon.execution.channels.email.mime import feedback_id, further
from antiphon.execution.channels.email.news import TOKEN, fields, text_of
from antiphon.execution.channels.model import Account, Callback, Message, Receipt, Signal, Wire
from antiphon.execution.channels.postmark.news import read_news
from antiphon.foundation.outbound import Answer

# https://postmarkapp.com/developer/api/overview#error-codes
_ACCOUNT = frozenset([10, 400, 401, 405, 412, 413, 1221, 1226, 1235, 1236, 1237])
_LATER = frozenset([100, 429])
_INACTIVE = 406


class PostmarkSettings(ApiSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account (a "server") at Postmark."""

    server_token: Annotated[
        str, about("Server API token"), Meta(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
    ]
    stream: Annotated[
        str,
        about("Message stream", "A broadcast stream for marketing."),
        Meta(min_length=1, max_length=30, pattern=r"^[a-z0-9_-]+$"),
    ] = "outbound"
    webhook_user: Annotated[str, about("User name of webhooks", "As in their HTTP authentication at Postmark.")] = "postmark"
    webhook_password: Annotated[str, about("Password of webhooks", "Webhooks that know it are believed. Empty: none are.")] = ""

    @property
    def base(self) -> str:
        """Where the API is."""
        return (self.endpoint or "https://api.postmarkapp.com").rstrip("/")


class Postmark(ApiProvider):
    """Speaks to Postmark."""

    together: ClassVar[int] = 50
    manifest = mail_provider("postmark", "Postmark", PostmarkSettings, {"server_token", "webhook_password"})

    def prepare(self, message: Message, account: Account) -> Wire:
        """One message of a request's list. Raises `BadAddress` or `BadHeader`, both permanent."""
        settings: PostmarkSettings = account.settings
        to = recipient(message)
        content = message.content
        headers = [{"Name": name, "Value": one_line(value.replace("\r\n ", " "))} for name, value in further(message)]
        if message.feedback:
            headers.append({"Name": "Feedback-ID", "Value": feedback_id(message.feedback)})
        request: dict[str, Any] = {
            "From": quoted(settings.from_name, settings.from_email),
            "To": to,
            "Subject": one_line(content.subject),
            "TextBody": body(content.text),
            "MessageStream": settings.stream,
            "Metadata": {TOKEN: message.token[:80]},
            # opens and clicks are counted by our own links; Postmark's would wrap them once more
            "TrackOpens": False,
            "TrackLinks": "None",
        }
        if content.html is not None:
            request["HtmlBody"] = body(content.html)
        if settings.reply_to:
            request["ReplyTo"] = settings.reply_to
        if headers:
            request["Headers"] = headers
        return json_wire(message, to, settings, request)

    def call(self, settings: PostmarkSettings, wires: Sequence[Wire]) -> Call:
        """The whole batch."""
        content = b"[" + b",".join(wire.payload for wire in wires) + b"]"
        return Call("POST", f"{settings.base}/email/batch", _headers(settings), content)

    def trial(self, settings: PostmarkSettings) -> Call:
        """The server the token is of."""
        return Call("GET", f"{settings.base}/server", _headers(settings))

    def judge(self, wires: Sequence[Wire], answer: Answer) -> list[Receipt]:
        """One answer for each message, in order: it may be refused while others are taken."""
        found = msgspec.json.decode(answer.body)
        if not isinstance(found, list) or len(found) != len(wires):
            raise ValueError("not an answer for each")
        return [_receipt(wire, fields(one)) for wire, one in zip(wires, found, strict=True)]

    def said(self, answer: Answer) -> Said:
        """Its error code and message."""
        found = told(answer)
        return Said(text_of(found.get("ErrorCode")), text_of(found.get("Message")))

    def refused(self, wire: Wire, answer: Answer) -> Receipt:
        """A request refused as a whole is no message's fault: it is the account's, or ours."""
        receipt = refusal(wire, answer, self.said(answer))
        return faulted(wire, receipt.code, receipt.detail) if receipt.outcome == "rejected" else receipt

    def parse_callback(self, callback: Callback, account: Account | None) -> Sequence[Signal]:
        """A webhook; see `read_news`."""
        if account is None:
            return read_news(callback, "", "")
        return read_news(callback, account.settings.webhook_user, account.settings.webhook_password)


def _headers(settings: PostmarkSettings) -> Mapping[str, str]:
    return {
        "x-postmark-server-token": settings.server_token,
        "accept": "application/json",
        "content-type": "application/json",
    }


def _receipt(wire: Wire, said: Mapping[str, Any]) -> Receipt:
    error, detail = said.get("ErrorCode"), text_of(said.get("Message"))
    if error == 0:
        return accepted(wire, text_of(said.get("MessageID")) or None, detail)
    if error in _ACCOUNT:
        return faulted(wire, str(error), detail)
    if error in _LATER:
        return Receipt(delivery_id=wire.delivery_id, outcome="deferred", code=str(error), detail=detail, retry_after=BUSY)
    return Receipt(
        delivery_id=wire.delivery_id, outcome="rejected", code=str(error), detail=detail, permanent=True,
        address_fault=error == _INACTIVE or (error == 300 and "'To'" in detail),
    )  # fmt: skip
