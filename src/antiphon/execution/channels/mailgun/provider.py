"""Sending by Mailgun: one `messages.mime` a message, MIME of ours
(https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta

from antiphon.execution.channels.email.api import (
    ApiProvider,
    ApiSettings,
    Call,
    Said,
    about,
    accepted,
    mail_provider,
    recipient,
    told,
)
from antiphon.execution.channels.email.mime import Skeleton
from antiphon.execution.channels.email.news import TOKEN, fields, text_of
from antiphon.execution.channels.mailgun.news import read_news
from antiphon.execution.channels.model import Account, Callback, Message, Receipt, Signal, Wire
from antiphon.foundation.outbound import Answer

HOSTS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}


class MailgunSettings(ApiSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account at Mailgun."""

    region: Annotated[Literal["us", "eu"], about("Region", "Where the domain was made.")] = "us"
    sending_domain: Annotated[
        str,
        about("Sending domain", "As it is named at Mailgun."),
        Meta(min_length=3, max_length=253, pattern=r"^[A-Za-z0-9.-]+$"),
    ]
    api_key: Annotated[
        str, about("API key", "A sending key of the domain, or an account's."), Meta(min_length=1, max_length=200)
    ]
    webhook_key: Annotated[
        str, about("HTTP webhook signing key", "Webhooks signed by it are believed. Empty: none are."), Meta(max_length=200)
    ] = ""
    require_tls: Annotated[bool, about("Require TLS", "Mailgun hands messages over encrypted, or not at all.")] = False

    @property
    def base(self) -> str:
        """Where the API is."""
        return (self.endpoint or HOSTS[self.region]).rstrip("/")


class Mailgun(ApiProvider):
    """Speaks to Mailgun."""

    manifest = mail_provider("mailgun", "Mailgun", MailgunSettings, {"api_key", "webhook_key"})

    def prepare(self, message: Message, account: Account) -> Wire:
        """The request's form. Raises `BadAddress` or `BadHeader`, both permanent."""
        settings: MailgunSettings = account.settings
        to = recipient(message)
        mime = Skeleton(settings, message.skeleton, message.feedback).fill(message, to)
        # our own links count opens and clicks; Mailgun's would wrap them once more
        named = {"to": to, "o:tracking": "no", f"v:{TOKEN}": message.token}
        if settings.require_tls:
            named["o:require-tls"] = "true"
        form, boundary = _form(named, mime)
        return Wire(
            delivery_id=message.delivery_id, address=to, sender=settings.from_email, payload=form, options={"boundary": boundary}
        )

    def call(self, settings: MailgunSettings, wires: Sequence[Wire]) -> Call:
        """One `messages.mime`."""
        wire = wires[0]
        kind = f"multipart/form-data; boundary={wire.options['boundary']}"
        url = f"{settings.base}/v3/{quote(settings.sending_domain)}/messages.mime"
        return Call("POST", url, {**_headers(settings), "content-type": kind}, wire.payload)

    def trial(self, settings: MailgunSettings) -> Call:
        """The domain."""
        return Call("GET", f"{settings.base}/v4/domains/{quote(settings.sending_domain)}", _headers(settings))

    def judge(self, wires: Sequence[Wire], answer: Answer) -> list[Receipt]:
        """Its id, without the brackets that webhooks leave away."""
        found = fields(msgspec.json.decode(answer.body))
        return [accepted(wires[0], text_of(found.get("id")).strip("<>") or None, text_of(found.get("message")))]

    def said(self, answer: Answer) -> Said:
        """Its message: there are no codes."""
        found = told(answer)
        detail = text_of(found.get("message") if found else answer.body[:200].decode("utf-8", "replace"))
        low = detail.lower()
        return Said("", detail, "'to'" in low and "not a valid address" in low)

    def parse_callback(self, callback: Callback, account: Account | None) -> Sequence[Signal]:
        """A webhook; see `read_news`."""
        return read_news(callback, account.settings.webhook_key if account else "")


def _headers(settings: MailgunSettings) -> Mapping[str, str]:
    return {"authorization": f"Basic {b64encode(f'api:{settings.api_key}'.encode()).decode()}"}


def _form(named: Mapping[str, str], mime: bytes) -> tuple[bytes, str]:
    """multipart/form-data (RFC 7578), its boundary made of what is in it."""
    boundary = "antiphon" + blake2b(mime, digest_size=16).hexdigest()
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in named.items()
    ]
    parts.append(
        b'--%b\r\nContent-Disposition: form-data; name="message"; filename="message.eml"\r\nContent-Type: message/rfc822\r\n\r\n'
        b"%b\r\n--%b--\r\n" % (boundary.encode(), mime, boundary.encode())
    )
    return b"".join(parts), boundary
