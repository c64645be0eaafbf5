"""Sending by SES: one SendEmail a message, raw MIME of ours
(https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from antiphon.execution.channels.email.address import named
from antiphon.execution.channels.email.api import (
    ApiProvider,
    ApiSettings,
    Call,
    Said,
    about,
    accepted,
    faulted,
    json_wire,
    mail_provider,
    recipient,
    refusal,
    told,
)
from antiphon.execution.channels.email.mime import Skeleton
from antiphon.execution.channels.email.news import TOKEN, fields, text_of
from antiphon.execution.channels.model import Account, Callback, Message, Receipt, Signal, Wire
from antiphon.execution.channels.ses.news import read_news
from antiphon.execution.channels.ses.sigv4 import signed_headers
from antiphon.foundation.outbound import Answer

_TAG = re.compile(r"[A-Za-z0-9_.@-]{1,256}\Z")
# Refusals with 400 that are about the account, not about the message.
_ACCOUNT = frozenset(
    ["AccountSuspendedException", "LimitExceededException", "MailFromDomainNotVerifiedException", "SendingPausedException"]
)
_ADDRESS = re.compile(r"illegal address|invalid domain name|final '@domain'|(local address|domain) contains", re.IGNORECASE)


class SesSettings(ApiSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account at Amazon SES."""

    region: Annotated[str, about("AWS region"), Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$", max_length=30)] = "eu-west-1"
    access_key: Annotated[
        str,
        about("Access key id", "Of an IAM user that may ses:SendEmail and ses:GetAccount."),
        Meta(min_length=1, max_length=128),
    ]
    secret_key: Annotated[str, about("Secret access key"), Meta(min_length=1, max_length=256)]
    configuration_set: Annotated[
        str, about("Configuration set", "The one that publishes events to SNS."), Meta(max_length=64, pattern=r"^[A-Za-z0-9_-]*$")
    ] = ""
    topic_arn: Annotated[
        str,
        about("SNS topic", "ARN of the topic whose notifications are believed. Empty: none are."),
        Meta(max_length=300, pattern=r"^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+)?$"),
    ] = ""

    @property
    def base(self) -> str:
        """Where the API is."""
        return (self.endpoint or f"https://email.{self.region}.amazonaws.com").rstrip("/")


class Ses(ApiProvider):
    """Speaks to SES."""

    manifest = mail_provider("ses", "Amazon SES", SesSettings, {"secret_key"})

    def prepare(self, message: Message, account: Account) -> Wire:
        """The request's body. Raises `BadAddress` or `BadHeader`, both permanent."""
        settings: SesSettings = account.settings
        to = recipient(message)
        mime = Skeleton(settings, message.skeleton, message.feedback).fill(message, to)
        request: dict[str, Any] = {
            "FromEmailAddress": named(settings.from_name, settings.from_email).replace("\r\n", ""),
            "Destination": {"ToAddresses": [to]},
            "Content": {"Raw": {"Data": b64encode(mime).decode()}},
        }
        if settings.configuration_set:
            request["ConfigurationSetName"] = settings.configuration_set
        if _TAG.match(message.token):
            request["EmailTags"] = [{"Name": TOKEN, "Value": message.token}]
        return json_wire(message, to, settings, request)

    def call(self, settings: SesSettings, wires: Sequence[Wire]) -> Call:
        """One SendEmail."""
        return _signed(settings, "POST", "/v2/email/outbound-emails", wires[0].payload)

    def trial(self, settings: SesSettings) -> Call:
        """GetAccount."""
        return _signed(settings, "GET", "/v2/email/account", b"")

    def judge(self, wires: Sequence[Wire], answer: Answer) -> list[Receipt]:
        """A message id for the message."""
        found = fields(msgspec.json.decode(answer.body))
        return [accepted(wires[0], text_of(found.get("MessageId")) or None)]

    def said(self, answer: Answer) -> Said:
        """The exception's name and message."""
        found = told(answer)
        code = text_of(answer.headers.get("x-amzn-errortype") or found.get("__type")).rpartition("#")[2].partition(":")[0]
        detail = text_of(found.get("message") or found.get("Message"))
        return Said(code, detail, code == "BadRequestException" and bool(_ADDRESS.search(detail)))

    def refused(self, wire: Wire, answer: Answer) -> Receipt:
        """As for all, but some of SES's 400 are about the account."""
        said = self.said(answer)
        if said.code in _ACCOUNT or answer.status == 404:
            return faulted(wire, f"{answer.status} {said.code}", said.detail)
        return refusal(wire, answer, said)

    def parse_callback(self, callback: Callback, account: Account | None) -> Sequence[Signal]:
        """Notifications of SNS; see `read_news`."""
        return read_news(callback, account.settings.topic_arn if account else "")


def _signed(settings: SesSettings, method: str, path: str, content: bytes) -> Call:
    url = settings.base + path
    headers = {"content-type": "application/json"} if content else {}
    signed = signed_headers(
        method, url, headers, content, access_key=settings.access_key, secret_key=settings.secret_key,
        region=settings.region, service="ses", at=datetime.now(UTC),
    )  # fmt: skip
    return Call(method, url, signed, content)
