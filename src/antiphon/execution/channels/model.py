"""The channel contract: what every way of speaking to a customer must offer, and the types it is spoken in.

A channel (e-mail, SMS) is spoken through one of its **providers** (SMTP, SES, SMPP, …): a folder, or somebody's package,
that registers one object in the entry-point group ``antiphon.channels``. Delivery hands it rendered messages and gets
receipts; it never learns what a campaign or a segment is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec


class Rendered(msgspec.Struct, frozen=True):
    """One person's content, ready to be wrapped by a channel. ``html`` is None for text-only channels."""

    subject: str
    html: str | None
    text: str


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider can carry and what it can hear back, and what a message costs through it."""

    html: bool = False
    subject: bool = False
    media: bool = False
    two_way: bool = False
    receipts: bool = False
    carries: bool = True  # it reads `Message.token` or `.key`; False: they are not made for it
    receipts_by_id: bool = True  # they name a message by the id of its `Receipt`, which is kept; False: by what we gave it
    opens: bool = False
    clicks: bool = False
    needs_link: bool = False  # a message without a link has no use here (push): `prepare` refuses it
    max_length: int | None = None  # characters of text in one part; None is no limit that matters
    cost_micros: int = 0  # of one part, in millionths of the installation's currency; an account can say otherwise
    max_batch: int = 50  # wires a single call of `send` takes; also the most that one crash can leave unknown


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's name, the channel it speaks, its address kind, its abilities, and the settings an account of it needs.

    ``name`` is the provider's (``smtp``) and unique; ``channel`` is what customers know (``email``), shared by all its
    providers; ``default`` marks the one an account gets that names none. ``settings`` is a msgspec Struct; its JSON schema
    becomes the console's form. ``secrets`` names those of its fields that are stored encrypted and never returned.
    ``sent_to`` tells of secrets that are sent somewhere which field says where: who changes it has to know the secret.
    ``identity`` is the identity kind that addresses a person here.
    """

    name: str
    title: str
    channel: str
    channel_title: str
    identity: str
    settings: type[msgspec.Struct]
    default: bool = False
    secrets: frozenset[str] = frozenset()
    sent_to: Mapping[str, str] = {}
    capabilities: Capabilities = Capabilities()


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What providers' settings derive from: it never shows what it holds, for some of it is secret."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One set of credentials and sender details on a channel, settings decoded and secrets in clear.

    ``version`` grows with each change, so that connection pools and caches keyed by (id, version) drop the old one.
    ``callback_url`` is where its provider may tell news; empty where nobody could reach it.
    """

    id: int
    channel: str
    provider: str
    name: str
    settings: Any
    enabled: bool = True
    version: int = 1
    callback_url: str = ""

    def __repr__(self) -> str:
        return f"Account({self.id}, {self.provider!r}, {self.name!r})"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A rendered message for one person: the input of `Channel.prepare`.

    ``date`` is business time (UTC). ``skeleton`` names what is alike in many messages (a template version and campaign,
    say), so that a channel can compile that part once; messages with equal skeletons of one account differ only in
    address, content, URLs and ids. ``return_path`` and the URLs already carry their signed tokens. ``token`` names the
    delivery to whoever gets it, signed: a provider that can carry a word of ours brings it back in its callbacks.
    ``key`` is the idempotency key of this attempt, for providers that have one: the same for the same message, always.
    ``split`` is the author's leave to say it in several parts. ``link`` is the message's first link, tracked.
    """

    delivery_id: int
    address: str
    content: Rendered
    date: datetime
    skeleton: str = ""
    return_path: str | None = None
    unsubscribe_url: str | None = None
    feedback: tuple[str, ...] = ()  # from the narrowest to the widest: campaign, class, ...; for feedback loops
    headers: Mapping[str, str] = {}
    token: str = ""
    key: str = ""
    split: bool = False
    link: str | None = None


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """One message as the channel's protocol will carry it: made by `prepare`, spoken by `send`.

    ``parts`` is how many parts it is paid for.
    """

    delivery_id: int
    address: str
    sender: str
    payload: bytes
    options: Mapping[str, str] = {}
    parts: int = 1


Outcome = Literal["sent", "rejected", "deferred", "unknown"]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one wire.

    ``sent``: the other side took responsibility. ``rejected``: it refused this message; ``permanent`` is then true.
    ``deferred``: it certainly was not accepted and may be tried again after ``retry_after`` seconds (None: the
    caller's own backoff). ``unknown``: the point of no return was passed and no answer came.
    ``account_fault``: the failure is the account's or server's (no connection, refused sign-in), not the message's.
    ``address_fault``: the address itself was refused for good; it belongs on the suppression list.
    ``part_ids`` are the provider's ids of its other parts, where each part has one: news may name any of them, and the message
    is delivered once every part is.
    """

    delivery_id: int
    outcome: Outcome
    code: str = ""
    detail: str = ""
    permanent: bool = False
    retry_after: float | None = None
    provider_id: str | None = None
    account_fault: bool = False
    address_fault: bool = False
    part_ids: tuple[str, ...] = ()


SignalKind = Literal[
    "delivered", "bounced", "deferred", "complained", "unsubscribed", "replied", "opened", "clicked", "subscribed", "confirm"
]


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """Something heard back: what `Channel.parse_callback` returns.

    The delivery is named by ``token`` (`Message.token`, the signed return path or message id found in it) or by
    ``provider_id`` (the receipt's); ``address`` is the customer's, when the other side named it. ``permanent`` marks a
    bounce for good. ``replied`` is a message of the customer's own, with its ``text``, ``address`` and ``recipient`` (our
    number); it may belong to no delivery; ``unsubscribed`` and ``subscribed`` may be a reply's keyword, its text then given.
    ``id`` tells the same news told twice. ``url`` is a click's link, or what must be fetched to ``confirm`` a subscription
    to callbacks. ``agent`` and ``ip`` are who opened or clicked, to tell people from machines.
    """

    kind: SignalKind
    token: str | None = None
    provider_id: str | None = None
    address: str | None = None
    permanent: bool = False
    code: str = ""
    detail: str = ""
    at: datetime | None = None
    text: str = ""
    recipient: str = ""
    id: str = ""
    url: str | None = None
    agent: str = ""
    ip: str = ""


class Callback(msgspec.Struct, frozen=True, kw_only=True):
    """Raw news from the other side: an HTTP request's body, headers (names in lower case) and full public URL, or a mail
    and the address it was sent to. ``now`` is machine time, to refuse what is replayed. ``fetched`` holds public documents
    by URL that reading it asked for with `CallbackNeeds` (a signer's certificate)."""

    body: bytes
    headers: Mapping[str, str] = {}
    recipient: str | None = None
    url: str = ""
    now: datetime | None = None
    fetched: Mapping[str, bytes] = {}


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a connection test: whether it worked, each step taken, and in which one it failed.

    A step is a code (``connect``, ``encrypted``, ``signed-in``), and after a colon what it was about (``connect: mail:25``). The
    console has words for those of built-in providers and shows others as they are; ``detail`` is the other side's own words.
    """

    ok: bool
    steps: list[str]
    detail: str = ""


Speaking = Callable[[Sequence[int]], Awaitable[None]]
Hear = Callable[[Account, Sequence[Signal]], Awaitable[None]]


@runtime_checkable
class Listening(Protocol):
    """What a provider adds that hears on its own connections (SMPP receipts and replies), not by callbacks."""

    async def listen(self, account: Account, hear: Hear) -> None:
        """Stay connected until cancelled and hand over all that arrives. ``hear`` returns when it is durable; only then
        may it be acknowledged. Sending connections of the process hand over what they get to the last ``hear`` given."""
        ...


@runtime_checkable
class Answering(Protocol):
    """What a provider adds whose customers ask for help by a word."""

    def answer(self, text: str, account: Account) -> str | None:
        """What is said at once to somebody who wrote this; None if it is a reply like any other. Pure."""
        ...


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How big a text is where it is paid by the part: its units (what its alphabet counts), parts, units a part has room for, and
    how many of them are left in the last. ``widening`` are the characters, each once, that make it need a wider alphabet."""

    parts: int
    units: int
    per_part: int = 0
    left: int = 0
    alphabet: str = ""
    widening: str = ""


@runtime_checkable
class Measuring(Protocol):
    """What a provider adds that counts a text's parts."""

    def measure(self, text: str, account: Account | None) -> Size:
        """The size of a text as this account would send it, or one with settings as they come. Pure."""
        ...


@runtime_checkable
class Channel(Protocol):
    """One provider: a way of speaking. Built-ins and packages of others implement exactly this."""

    manifest: Manifest

    def prepare(self, message: Message, account: Account) -> Wire:
        """Wrap a message for the wire. Pure: no I/O, no clock. Raises `Unsuitable` (permanent) if it cannot be: `TextTooLong`
        for one that needs several parts its author did not allow, `LinkMissing` where a link is needed."""
        ...

    async def send(self, account: Account, batch: Sequence[Wire], on_speaking: Speaking) -> Sequence[Receipt]:
        """Speak a batch; one receipt for each wire, in the batch's order. Does not raise for what a server does.

        ``on_speaking`` is awaited with delivery ids before the first byte that might make the other side accept any of
        them; if it raises, nothing has been spoken of those and the error goes up. A delivery that ends `deferred` or
        `rejected` after it was announced certainly was not accepted.
        """
        ...

    def parse_callback(self, callback: Callback, account: Account | None) -> Sequence[Signal]:
        """Read news from the other side. Pure. Raises `CallbackForged` where its signature is missing, wrong or old;
        unreadable news is empty. Raises `CallbackNeeds` for a document it cannot judge without: fetched by the caller,
        who asks again."""
        ...

    async def test(self, account: Account) -> Trial:
        """Connect and sign in as a send would, and say what happened, without sending anything."""
        ...

    async def close(self) -> None:
        """Close every connection. Called at the end of the process, after the last `send` returned."""
        ...
