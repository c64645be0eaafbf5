"""The webhook channel: the contract, put together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from antiphon.execution.channels.clients import Clients
from antiphon.execution.channels.errors import CallbackForged, Unsuitable
from antiphon.execution.channels.model import (
    Account,
    Callback,
    Capabilities,
    Manifest,
    Message,
    Outcome,
    Receipt,
    Signal,
    SignalKind,
    Speaking,
    Trial,
    Wire,
)
from antiphon.execution.channels.webhook.settings import Envelope, WebhookSettings
from antiphon.execution.channels.webhook.signing import signature, verify
from antiphon.foundation.outbound import Answer, Outbound, OutboundFailed, OutboundRefused

_NOT_NOW = frozenset({408, 425, 429, 503})  # certainly not taken, by what they mean
_NOT_US = frozenset({401, 403, 407})
_SAID = 1000  # characters of an answer that are kept


class BodyNotJson(Unsuitable):
    """The text of the template is not JSON: {problem}."""

    code = "webhook-body-not-json"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the other side may say in its answer's body, as JSON. Anything else is just kept as its answer."""

    id: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    outcome: Literal["sent", "rejected", "deferred"] | None = None
    code: str = ""
    detail: str = ""
    retry_after: Annotated[float, msgspec.Meta(ge=0, le=86_400)] | None = None
    address_gone: bool = False


class News(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of news the other side posts to the account's callback address, alone or in a list."""

    type: SignalKind
    token: str | None = None
    id: str | None = None  # the id it gave in its answer
    user_id: str | None = None
    permanent: bool = False
    code: str = ""
    detail: str = ""
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    text: str = ""
    url: str | None = None
    agent: str = ""
    ip: str = ""


_reply = msgspec.json.Decoder(Reply)
_many = msgspec.json.Decoder(list[msgspec.Raw])
_news = msgspec.json.Decoder(News)
_any = msgspec.json.Decoder()


class WebhookChannel:
    """Posts messages. One object a process: it holds the connections of all accounts."""

    manifest = Manifest(
        name="webhook",
        title="Webhook",
        channel="webhook",
        channel_title="Webhook",
        default=True,
        identity="user_id",
        settings=WebhookSettings,
        secrets=frozenset({"secret", "authorization"}),
        sent_to={"authorization": "url"},
        capabilities=Capabilities(
            html=True, subject=True, two_way=True, receipts=True, opens=True, clicks=True, max_batch=50
        ),
    )

    def __init__(self) -> None:
        self._clients = Clients(_client)

    def prepare(self, message: Message, account: Account) -> Wire:
        """The request's body. Raises `BodyNotJson` where the template's text should be JSON and is not."""
        settings: WebhookSettings = account.settings
        content = message.content
        if settings.body == "template":
            body = content.text.encode("utf-8", "replace")
            try:
                _any.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError) as bad:
                raise BodyNotJson(problem=str(bad)) from bad
        else:
            body = msgspec.json.encode(
                Envelope(
                    user_id=_whole(message.address), id=message.key, date=message.date.isoformat(), text=_whole(content.text),
                    subject=_whole(content.subject), html=_whole(content.html or ""), link=message.link or "",
                    unsubscribe_url=message.unsubscribe_url or "", token=message.token,
                )
            )  # fmt: skip
        key = message.key or str(message.delivery_id)
        options = {"key": key, "token": message.token}
        return Wire(delivery_id=message.delivery_id, address=message.address, sender="", payload=body, options=options)

    async def send(self, account: Account, batch: Sequence[Wire], on_speaking: Speaking) -> Sequence[Receipt]:
        """Post each, several at once; see the contract."""
        if not batch:
            return []
        await on_speaking([wire.delivery_id for wire in batch])
        return await asyncio.gather(*(self._post(account, wire) for wire in batch))

    def parse_callback(self, callback: Callback, account: Account | None) -> Sequence[Signal]:
        """News, signed as ours is. Raises `CallbackForged`."""
        if account is None:
            raise CallbackForged
        verified = verify(account.settings.secret, callback.headers, callback.body, callback.now or datetime.now(UTC))
        try:
            parts = _many.decode(callback.body) if callback.body.lstrip()[:1] == b"[" else [msgspec.Raw(callback.body)]
        except (msgspec.DecodeError, UnicodeDecodeError):
            return []
        signals = []
        for number, part in enumerate(parts):
            try:
                signals.append(_signal(_news.decode(part), f"{verified}:{number}"))
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
        return signals

    async def test(self, account: Account) -> Trial:
        """Post ``{"type": "test"}``, signed like a message; the other side agrees with any 2xx."""
        settings: WebhookSettings = account.settings
        steps = [f"post: {settings.url}"]
        body = msgspec.json.encode({"type": "test"})
        try:
            answer = await self._request(account, body, "test", "")
        except (OutboundRefused, OutboundFailed) as failed:
            return Trial(ok=False, steps=steps, detail=failed.detail)
        if not answer.ok:
            return Trial(ok=False, steps=[*steps, f"answered: {answer.status}"], detail=_said(answer) or str(answer.status))
        return Trial(ok=True, steps=[*steps, "signed", f"answered: {answer.status}"], detail=_said(answer))

    async def close(self) -> None:
        """Close every connection."""
        await self._clients.close()

    async def _post(self, account: Account, wire: Wire) -> Receipt:
        settings: WebhookSettings = account.settings
        unsure: Outcome = "deferred" if settings.drops_repeats else "unknown"
        try:
            answer = await self._request(account, wire.payload, wire.options["key"], wire.options["token"])
        except OutboundRefused as refused:
            return Receipt(
                delivery_id=wire.delivery_id, outcome="deferred", code=refused.code, detail=refused.detail, account_fault=True
            )
        except OutboundFailed as failed:
            outcome: Outcome = unsure if failed.reached else "deferred"
            return Receipt(
                delivery_id=wire.delivery_id, outcome=outcome, code="no-answer" if failed.reached else "no-connection",
                detail=failed.detail, account_fault=not failed.reached,
            )  # fmt: skip
        return _receipt(wire.delivery_id, answer, unsure)

    async def _request(self, account: Account, body: bytes, key: str, token: str) -> Answer:
        settings: WebhookSettings = account.settings
        stamp = int(time.time())
        headers = {
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature(settings.secret, key, stamp, body),
            "idempotency-key": key,
        }
        if token:
            headers["antiphon-token"] = token
        if settings.authorization:
            headers["authorization"] = settings.authorization
        async with self._clients.place(account) as client:
            return await client.call(settings.method, settings.url, headers=headers, content=body, limit=64_000)


def _client(settings: WebhookSettings) -> Outbound:
    return Outbound(
        timeout=settings.timeout, connections=settings.connections, http2=settings.http2, verify=settings.verify_certificate
    )


def _receipt(delivery_id: int, answer: Answer, unsure: Outcome) -> Receipt:
    """What an answer means: its body where that says so, else its status."""
    reply = _read(answer)
    code, detail = reply.code or str(answer.status), reply.detail or _said(answer)
    wait = reply.retry_after if reply.retry_after is not None else answer.retry_after
    outcome: Outcome
    match answer.status:
        case status if 200 <= status < 300:
            outcome = reply.outcome or "sent"
        case status if status in _NOT_NOW or status in _NOT_US:
            outcome = "deferred"
        case status if status >= 500:
            outcome = unsure
        case _:
            outcome = "rejected"
    return Receipt(
        delivery_id=delivery_id, outcome=outcome, code=code, detail=detail, permanent=outcome == "rejected",
        retry_after=wait if outcome == "deferred" else None, provider_id=reply.id if outcome == "sent" else None,
        account_fault=answer.status in _NOT_US,
        address_fault=outcome == "rejected" and (answer.status == 410 or reply.address_gone),
    )  # fmt: skip


def _read(answer: Answer) -> Reply:
    if answer.cut:
        return Reply()
    try:
        return _reply.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Reply()


def _said(answer: Answer) -> str:
    text = answer.body[: _SAID * 4].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else " " for char in text)[:_SAID].strip()


def _signal(news: News, number: str) -> Signal:
    return Signal(
        kind=news.type, token=news.token, provider_id=news.id, address=news.user_id, permanent=news.permanent, code=news.code,
        detail=news.detail, at=news.at, text=news.text, id=number, url=news.url, agent=news.agent, ip=news.ip,
    )  # fmt: skip


def _whole(text: str) -> str:
    """Text without halves of characters, which JSON cannot carry."""
    return text.encode("utf-8", "replace").decode()

