"""Who plays in the tests of execution: customers with consent, an account, a published template, a channel that never speaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from antiphon.awareness.consent import ChannelKind, ChannelRegistry
from antiphon.awareness.events import Journal
from antiphon.awareness.events.journal import open_journal
from antiphon.execution.channels import Account, Callback, Capabilities, Manifest, Message, Receipt, Signal, Speaking, Trial, Wire
from antiphon.execution.channels.email import EmailChannel
from antiphon.execution.channels.registry import Channels
from antiphon.execution.channels.seal import Seal
from antiphon.execution.content import Source, Templates
from antiphon.execution.content.service import add_template, publish_template
from antiphon.execution.delivery.loops import LOOPS
from antiphon.execution.delivery.sender import Sender
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import SYSTEM

SEND, SETTLE = LOOPS[0], LOOPS[1]


class ParrotSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An account of the parrot needs nothing."""

    domain: str = "parrot.example"


Answer = Callable[[Wire], Receipt]


def yes(wire: Wire) -> Receipt:
    """What a healthy other side answers."""
    return Receipt(delivery_id=wire.delivery_id, outcome="sent", code="250", detail="ok")


class Parrot:
    """A channel of tests: hears everything, answers as told, and can be stopped at any point."""

    def __init__(self, name: str = "parrot", identity: str = "email", abilities: Capabilities | None = None) -> None:
        self.manifest = Manifest(
            name=name, title=name.title(), channel=name, channel_title=name.title(), identity=identity,
            settings=ParrotSettings, capabilities=abilities or Capabilities(),
        )  # fmt: skip
        self.heard: list[str] = []
        self.answer: Answer = yes
        self.before_mark: Callable[[], Any] | None = None
        self.after_mark: Callable[[], Any] | None = None
        self.in_the_air = 0
        self.most_in_the_air = 0

    def prepare(self, message: Message, account: Account) -> Wire:
        return Wire(
            delivery_id=message.delivery_id, address=message.address, sender="parrot", payload=message.content.text.encode()
        )

    async def send(self, account: Account, batch: Sequence[Wire], on_speaking: Speaking) -> Sequence[Receipt]:
        if self.before_mark:
            self.before_mark()
        await on_speaking([wire.delivery_id for wire in batch])
        self.in_the_air += len(batch)
        self.most_in_the_air = max(self.most_in_the_air, self.in_the_air)
        await asyncio.sleep(0)
        receipts = []
        for wire in batch:
            receipt = self.answer(wire)
            if receipt.outcome in ("sent", "unknown"):
                self.heard.append(wire.address)
            receipts.append(receipt)
        if self.after_mark:
            self.after_mark()
        self.in_the_air -= len(batch)
        return receipts

    def parse_callback(self, callback: Callback, account: Account | None) -> Sequence[Signal]:
        return []

    async def test(self, account: Account) -> Trial:
        return Trial(ok=True, steps=[])

    async def close(self) -> None: ...


@asynccontextmanager
async def stage(ctx: Context, *flock: Parrot) -> AsyncIterator[Parrot]:
    """The resources execution needs, in a worker's context; the channels are e-mail, the parrot, and its flock."""
    parrot = Parrot()
    birds: Any = {bird.manifest.name: bird for bird in (parrot, *flock)}
    channels = Channels({"smtp": EmailChannel()} | birds, Seal(ctx.secret))
    ctx.put(ChannelRegistry, ChannelRegistry(tuple(
        ChannelKind(c.manifest.channel, c.manifest.identity, c.manifest.channel_title) for c in channels
    )))  # fmt: skip
    ctx.put(Channels, channels)
    ctx.put(Templates, Templates())
    ctx.put(Sender, Sender(ctx, channels))
    async with open_journal(ctx) as journal:
        ctx.put(Journal, journal)
        yield parrot
    await channels.close()


async def add_account(ctx: Context, channel: str = "parrot", **settings: Any) -> int:
    """An account of a channel."""
    channels = ctx.get(Channels)
    plain = msgspec.to_builtins(msgspec.convert(settings, channels.of(channel).manifest.settings))
    async with ctx.db.connection() as conn:
        row = await (
            await conn.execute(
                "insert into channel_account (channel, provider, name, settings, sealed, created_at, updated_at)"
                " values (%s, %s, %s, %s::text::jsonb, %s, now(), now()) returning id",
                (
                    channel,
                    channels.of(channel).manifest.name,
                    f"{channel} of tests",
                    msgspec.json.encode(plain).decode(),
                    channels.seal.close({}, channel),
                ),
            )
        ).fetchone()
    assert row is not None
    return int(row[0])


async def add_people(
    conn: Connection,
    count: int,
    *,
    first: int = 1,
    consent: str | None = "granted",
    channel: str = "parrot",
    address: bool = True,
) -> list[int]:
    """Customers `first`, `first + 1`, … with an e-mail address and a word on news by the channel."""
    ids = list(range(first, first + count))
    await conn.execute(
        "insert into profile (id, traits) select i, jsonb_build_object('first_name', 'P' || i) from unnest(%s::bigint[]) i",
        (ids,),
    )
    if address:
        await conn.execute(
            "insert into identity (kind, value, profile_id)"
            " select 'email', 'p' || i || '@example.com', i from unnest(%s::bigint[]) i",
            (ids,),
        )
    if consent:
        await conn.execute(
            "insert into consent_state (profile_id, channel, topic, state, at, consent_id)"
            " select i, %s, 'news', %s, '2026-01-01Z', 0 from unnest(%s::bigint[]) i",
            (channel, consent, ids),
        )
    return ids


async def add_published(ctx: Context, source: Source | None = None, channel: str = "parrot") -> int:
    """A published template version."""
    row = await add_template(
        ctx, SYSTEM, channel=channel, name="Hello",
        source=source or Source(format="html", subject="Hi {{ first_name }}", body='<p>Dear {{ first_name }}</p><a href="{{ unsubscribe_url }}">leave</a>'),
    )  # fmt: skip
    return (await publish_template(ctx, SYSTEM, row.template_id)).id


async def speak(ctx: Context) -> None:
    """Send until nothing is due."""
    await run_until_idle(ctx, [SEND])


async def settle(ctx: Context) -> None:
    """Settle what is due."""
    await run_until_idle(ctx, [SETTLE])


async def states(conn: Connection) -> dict[str, int]:
    """How many rows of the ledger are in which state."""
    rows = await (await conn.execute("select state, count(*) from delivery group by state")).fetchall()
    return dict(rows)
