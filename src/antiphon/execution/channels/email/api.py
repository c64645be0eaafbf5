"""E-mail by an HTTP API: what its providers have in common. Each says how a message is asked for and what an answer means."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
from msgspec import Meta

from antiphon.execution.channels.clients import Clients
from antiphon.execution.channels.email.address import BadAddress, mailbox, one_line
from antiphon.execution.channels.email.news import fields
from antiphon.execution.channels.model import (
    Account,
    AccountSettings,
    Callback,
    Capabilities,
    Manifest,
    Message,
    Receipt,
    Signal,
    Speaking,
    Trial,
    Wire,
)
from antiphon.foundation.outbound import Answer, Outbound, OutboundFailed, OutboundRefused

BUSY = 30.0  # seconds to wait when a provider says "too many" and not for how long
CAPABILITIES = Capabilities(html=True, subject=True, media=True, receipts=True, opens=True, clicks=True, max_batch=50)


def mail_provider(name: str, title: str, settings: type[ApiSettings], secrets: Collection[str]) -> Manifest:
    """The manifest of a provider of the channel "email"."""
    return Manifest(
        name=name, title=title, channel="email", channel_title="E-mail", identity="email", settings=settings,
        secrets=frozenset(secrets), sent_to=dict.fromkeys(secrets, "endpoint"), capabilities=CAPABILITIES,
    )  # fmt: skip


def about(title: str, description: str = "") -> Meta:
    """A setting's title and what is said below it."""
    return Meta(title=title, description=description or None)


class ApiSettings(AccountSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every account at such a provider has: the sender, and how long and how widely it is called."""

    from_email: Annotated[str, about("Sender's address"), Meta(min_length=3, max_length=254)]
    from_name: Annotated[str, about("Sender's name"), Meta(max_length=200)] = ""
    reply_to: Annotated[str, about("Reply-To", "Empty: replies go to the sender's address.")] = ""
    endpoint: Annotated[
        str, about("Address of the API", "Empty: the provider's own."), Meta(max_length=300, pattern=r"^(https?://[^\s?#]+)?$")
    ] = ""
    timeout: Annotated[float, about("Seconds to wait for an answer"), Meta(gt=0, le=300)] = 30.0
    connections: Annotated[int, about("Requests at once", "At most, per worker process."), Meta(ge=1, le=50)] = 10

    def __post_init__(self) -> None:
        for name, address in (("from_email", self.from_email), ("reply_to", self.reply_to)):
            try:
                _ = address and mailbox(address)
            except BadAddress as bad:
                raise ValueError(f"{name}: {bad.detail}") from bad
        if any(ord(char) < 32 for char in self.from_name):
            raise ValueError("from_name: may not contain control characters")

    @property
    def domain(self) -> str:
        """The domain of the sender."""
        return self.from_email.rpartition("@")[2]


class Call(NamedTuple):
    """A request to a provider."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes = b""


class Said(NamedTuple):
    """A provider's refusal: its code, in words, and whether the address is at fault."""

    code: str
    detail: str
    address_fault: bool = False


class ApiProvider(ABC):
    """A provider of the channel "email" that is spoken to over HTTPS. One object a process."""

    manifest: Manifest
    together: ClassVar[int] = 1  # messages one request takes

    def __init__(self) -> None:
        self._clients = Clients()

    # --- what a provider says

    @abstractmethod
    def prepare(self, message: Message, account: Account) -> Wire:
        """See the contract."""

    @abstractmethod
    def call(self, settings: Any, wires: Sequence[Wire]) -> Call:
        """The request that sends these."""

    @abstractmethod
    def judge(self, wires: Sequence[Wire], answer: Answer) -> list[Receipt]:
        """What an answer of 2xx means for each."""

    @abstractmethod
    def said(self, answer: Answer) -> Said:
        """What the provider says in an answer that is a refusal."""

    def refused(self, wire: Wire, answer: Answer) -> Receipt:
        """The receipt for an answer that is no success."""
        return refusal(wire, answer, self.said(answer))

    @abstractmethod
    def trial(self, settings: Any) -> Call:
        """A request that shows whether the credentials are good, and sends nothing."""

    @abstractmethod
    def parse_callback(self, callback: Callback, account: Account | None) -> Sequence[Signal]:
        """See the contract."""

    # --- what all do alike

    async def send(self, account: Account, batch: Sequence[Wire], on_speaking: Speaking) -> Sequence[Receipt]:
        """Announce all, then ask for as many at once as the account allows."""
        if not batch:
            return []
        await on_speaking([wire.delivery_id for wire in batch])
        groups = [batch[at : at + self.together] for at in range(0, len(batch), self.together)]

        async def one(wires: Sequence[Wire]) -> list[Receipt]:
            async with self._clients.place(account) as client:
                return await self._speak(client, account.settings, wires)

        receipts = await asyncio.gather(*(one(group) for group in groups))
        return [receipt for group in receipts for receipt in group]

    async def _speak(self, client: Outbound, settings: Any, wires: Sequence[Wire]) -> list[Receipt]:
        call = self.call(settings, wires)
        try:
            answer = await client.call(call.method, call.url, headers=call.headers, content=call.content)
        except OutboundRefused as refused:
            return [faulted(wire, "refused", str(refused)) for wire in wires]
        except OutboundFailed as failed:
            kind = "timeout" if failed.timeout else "closed" if failed.reached else "connect"
            if not failed.reached:
                return [faulted(wire, kind, str(failed)) for wire in wires]
            detail = f"{failed}, after the message was sent"
            return [Receipt(delivery_id=wire.delivery_id, outcome="unknown", code=kind, detail=detail) for wire in wires]
        if answer.ok:
            try:
                return self.judge(wires, answer)
            except (msgspec.MsgspecError, ValueError):
                detail = "the answer could not be read"
                return [Receipt(delivery_id=w.delivery_id, outcome="unknown", code="unreadable", detail=detail) for w in wires]
        return [self.refused(wire, answer) for wire in wires]

    async def test(self, account: Account) -> Trial:
        """Ask for something that only a good key is told."""
        call = self.trial(account.settings)
        steps = [f"call: {call.url.partition('?')[0]}"]
        try:
            async with self._clients.place(account) as client:
                answer = await client.call(call.method, call.url, headers=call.headers, content=call.content)
        except (OutboundRefused, OutboundFailed) as failed:
            return Trial(ok=False, steps=[*steps, "no-answer"], detail=str(failed))
        if answer.ok:
            return Trial(ok=True, steps=[*steps, "signed-in"], detail=str(answer.status))
        said = self.said(answer)
        step = "auth" if answer.status in (401, 403) else "answer"
        return Trial(ok=False, steps=[*steps, step], detail=f"{answer.status} {said.code} {said.detail}".strip()[:500])

    async def close(self) -> None:
        """Close every connection."""
        await self._clients.close()


def faulted(wire: Wire, code: str, detail: str, retry_after: float | None = None) -> Receipt:
    """The receipt of a message that was not taken because of the account."""
    return Receipt(
        delivery_id=wire.delivery_id, outcome="deferred", code=code, detail=detail, account_fault=True, retry_after=retry_after
    )


def _pause(answer: Answer) -> float:
    """The seconds to wait after "too many": Retry-After, or the instant (seconds or milliseconds) of X-RateLimit-Reset."""
    if answer.retry_after is not None:
        return max(1.0, answer.retry_after)
    reset = answer.headers.get("x-ratelimit-reset", "")
    if reset.isascii() and reset.isdigit() and len(reset) <= 13:
        at = float(reset) / (1000 if len(reset) == 13 else 1)
        return min(max(1.0, at - datetime.now(UTC).timestamp()), 3600.0)
    return BUSY


def refusal(wire: Wire, answer: Answer, said: Said) -> Receipt:
    """The receipt for an answer that is no success.

    401, 402 and 403 are about the account, 429 about its pace. 500 and 503 say that the request was not done; a gateway's
    502, 504 and the like cannot know whether it was.
    """
    status = answer.status
    code = f"{status} {said.code}".strip()

    def receipt(outcome: Any, **more: Any) -> Receipt:
        return Receipt(delivery_id=wire.delivery_id, outcome=outcome, code=code, detail=said.detail, **more)

    if status in (401, 402, 403) or status < 400:
        return receipt("deferred", account_fault=True)
    if status == 429:
        return receipt("deferred", account_fault=True, retry_after=_pause(answer))
    if status in (408, 425, 500, 503):
        return receipt("deferred", retry_after=answer.retry_after)
    if status > 500:
        return receipt("unknown")
    return receipt("rejected", permanent=True, address_fault=said.address_fault)


def accepted(wire: Wire, provider_id: str | None, detail: str = "") -> Receipt:
    """The receipt of a message that was taken."""
    return Receipt(delivery_id=wire.delivery_id, outcome="sent", code="ok", detail=detail, provider_id=provider_id)


# --- what messages are made of


def recipient(message: Message) -> str:
    """The customer's address, as APIs take it: ASCII. Raises `BadAddress`."""
    found = mailbox(message.address)
    if found.utf8:
        raise BadAddress(address=message.address[:100])
    return found.address


def json_wire(message: Message, to: str, settings: ApiSettings, request: Mapping[str, Any]) -> Wire:
    """The wire of a message whose request is JSON."""
    return Wire(
        delivery_id=message.delivery_id, address=to, sender=settings.from_email, payload=msgspec.json.encode(request)
    )


def told(answer: Answer) -> Mapping[str, Any]:
    """The JSON object of an answer; empty if it is none."""
    try:
        return fields(msgspec.json.decode(answer.body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def body(text: str) -> str:
    """A text as JSON may carry it to people: without NUL, and never empty."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() or " "


def quoted(name: str, address: str) -> str:
    """``"Name" <address>`` in Unicode, for APIs that encode names themselves."""
    name = one_line(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{address}>' if name else address
