"""The provider `twilio`: the contract, put together."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from antiphon.execution.channels.clients import Clients
from antiphon.execution.channels.errors import CallbackForged
from antiphon.execution.channels.model import (
    Account,
    Callback,
    Capabilities,
    Manifest,
    Message,
    Receipt,
    Signal,
    SignalKind,
    Size,
    Speaking,
    Trial,
    Wire,
)
from antiphon.execution.channels.sms.alphabet import clean, transliterate
from antiphon.execution.channels.sms.keywords import Word, keyword, said
from antiphon.execution.channels.sms.number import heard_number, number
from antiphon.execution.channels.sms.parts import allowed, fitted, measure
from antiphon.execution.channels.sms.twilio.settings import TwilioSettings
from antiphon.execution.channels.sms.twilio.signature import HEADER, genuine
from antiphon.execution.channels.sms.twilio.verdicts import broken, dead, judged, words
from antiphon.foundation.outbound import Outbound, OutboundFailed, OutboundRefused

_FORM = "application/x-www-form-urlencoded"
_MEANS: Mapping[str, SignalKind] = {
    "delivered": "delivered", "read": "delivered", "undelivered": "bounced", "failed": "bounced", "canceled": "bounced",
}  # fmt: skip
_OPT_OUT: Mapping[str, Word] = {"STOP": "stop", "START": "start", "HELP": "help"}


class TwilioChannel:
    """Speaks Twilio's Messages API. One object a process: it holds the connections of all accounts."""

    manifest = Manifest(
        name="twilio",
        title="Twilio",
        channel="sms",
        channel_title="SMS",
        identity="phone",
        settings=TwilioSettings,
        secrets=frozenset({"auth_token", "key_secret"}),
        sent_to={"auth_token": "base_url", "key_secret": "base_url"},
        capabilities=Capabilities(two_way=True, receipts=True, clicks=True, max_length=160, max_batch=50),
    )

    def __init__(self) -> None:
        self._clients = Clients()

    def prepare(self, message: Message, account: Account) -> Wire:
        """The form of one message. Raises `BadNumber`, `TextEmpty`, `TextTooLong`, `TooManyParts`."""
        settings: TwilioSettings = account.settings
        to = number(message.address)
        text = fitted(message.content.text, plain=settings.transliterate)
        parts = measure(text).parts
        allowed(parts, splits=message.split, most=settings.most_parts)
        form = {"To": to, "Body": text}
        if settings.messaging_service:
            form["MessagingServiceSid"] = settings.messaging_service
        if settings.sender:
            form["From"] = settings.sender
        if settings.validity_seconds:
            form["ValidityPeriod"] = str(settings.validity_seconds)
        if settings.smart_encoding:
            form["SmartEncoded"] = "true"
        if settings.status_callbacks and account.callback_url:
            form["StatusCallback"] = f"{account.callback_url}?t={quote(message.token, safe='')}"
        return Wire(
            delivery_id=message.delivery_id,
            address=to,
            sender=settings.sender or settings.messaging_service,
            payload=urlencode(form).encode(),
            options={"key": message.key},
            parts=parts,
        )

    def answer(self, text: str, account: Account) -> str | None:
        """The account's answer to a call for help."""
        asked = keyword(text, account.settings.keywords) == "help"
        return account.settings.help_answer or None if asked else None

    def measure(self, text: str, account: Account | None) -> Size:
        """The parts of a text."""
        text = clean(text)
        return measure(transliterate(text) if account is not None and account.settings.transliterate else text)

    async def send(self, account: Account, batch: Sequence[Wire], on_speaking: Speaking) -> Sequence[Receipt]:
        """One request a message, several at once; see the contract."""
        if not batch:
            return []
        await on_speaking([wire.delivery_id for wire in batch])

        async def say(wire: Wire) -> Receipt:
            async with self._clients.place(account) as client:
                return await self._post(client, account.settings, wire)

        return await asyncio.gather(*(say(wire) for wire in batch))

    async def _post(self, client: Outbound, settings: TwilioSettings, wire: Wire) -> Receipt:
        headers = {"authorization": _sign_in(settings), "content-type": _FORM, "accept": "application/json"}
        if key := wire.options.get("key"):
            headers["idempotency-key"] = key  # Twilio itself has no use for it; services like it may
        try:
            answer = await client.call("POST", f"{settings.api}/Messages.json", headers=headers, content=wire.payload)
        except OutboundFailed as failed:
            return broken(wire.delivery_id, failed)
        except OutboundRefused as refused:
            return Receipt(
                delivery_id=wire.delivery_id, outcome="deferred", code="refused", detail=str(refused), account_fault=True
            )
        return judged(wire.delivery_id, answer)

    def parse_callback(self, callback: Callback, account: Account | None) -> Sequence[Signal]:
        """Status callbacks and customers' messages, whose signature must be the account's. Raises `CallbackForged`."""
        settings: TwilioSettings | None = account.settings if account is not None else None
        form = not callback.headers.get("content-type", _FORM).startswith("application/json")
        try:
            given = parse_qsl(callback.body.decode(), keep_blank_values=True, max_num_fields=200) if form else []
        except (UnicodeDecodeError, ValueError):
            given = []
        signed = callback.headers.get(HEADER, "")
        if settings is None or not genuine(settings.auth_token, callback.url, signed, given, callback.body, form=form):
            raise CallbackForged
        fields = dict(given)
        sid = fields.get("MessageSid") or fields.get("SmsSid", "")
        token = dict(parse_qsl(urlsplit(callback.url).query)).get("t")
        status = fields.get("MessageStatus") or fields.get("SmsStatus", "")
        if "Body" in fields and status in ("", "received", "receiving"):
            return [said(
                fields["Body"], settings.keywords, sender=heard_number(fields.get("From", "")),
                recipient=fields.get("To", ""), id=sid, word=_OPT_OUT.get(fields.get("OptOutType", "").upper()),
            )]  # fmt: skip
        kind = _MEANS.get(status)
        if kind is None or not sid:
            return []
        code, why = words(fields)
        return [Signal(
            kind=kind, token=token, provider_id=sid, address=heard_number(fields.get("To", "")) or None,
            permanent=kind == "bounced" and dead(code), code=str(code or status), detail=(why or status)[:300],
            id=f"{sid}:{status}",
        )]  # fmt: skip

    async def test(self, account: Account) -> Trial:
        """Ask for the account's own resource."""
        settings: TwilioSettings = account.settings
        steps = [f"call: {urlsplit(settings.base_url).netloc}"]
        try:
            async with self._clients.place(account) as client:
                answer = await client.call("GET", f"{settings.api}.json", headers={"authorization": _sign_in(settings)})
        except (OutboundFailed, OutboundRefused) as failed:
            return Trial(ok=False, steps=[*steps, "connect"], detail=str(failed))
        if not answer.ok:
            found = judged(0, answer)
            return Trial(ok=False, steps=[*steps, "auth"], detail=f"{answer.status} {found.code} {found.detail}".strip())
        return Trial(ok=True, steps=[*steps, "signed-in"])

    async def close(self) -> None:
        """Close every connection."""
        await self._clients.close()


def _sign_in(settings: TwilioSettings) -> str:
    name, secret = (settings.key_sid, settings.key_secret) if settings.key_sid else (settings.account_sid, settings.auth_token)
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
