"""The world of the ledger's model: two campaigns to twelve people, channels that answer as told, and every way to be hurt."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from tests.conftest import START, NoLake, make_context
from tests.execution.cast import SEND, SETTLE, Parrot, add_account, add_people, stage

from antiphon.execution.channels import Account, Receipt, Speaking, Wire
from antiphon.execution.channels.registry import Channels
from antiphon.execution.delivery import Content, Hop, NewDispatch
from antiphon.execution.delivery.heard import Heard
from antiphon.execution.delivery.hearing import Hearing
from antiphon.execution.delivery.sender import Sender
from antiphon.execution.delivery.waiting import WAITING
from antiphon.execution.delivery.watching import WATCHING
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.config import Settings
from antiphon.foundation.leases import LeaseLost, Leases
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Database
from antiphon.foundation.principal import Principal

PEOPLE = 12
OPEN = ("planned", "queued")
BACKGROUND = [WATCHING, SETTLE, WAITING]
ANNA = Principal(id=1, kind="person", name="Anna", role="owner")
SAY = Content(subject="Hello", text="Hello {{ first_name }}")
NEWS = NewDispatch(
    key="campaign:1:1", channel="parrot", message_class="marketing", topic="news", campaign_id=1, occurrence="1", content=SAY,
)  # fmt: skip
CHAIN = NewDispatch(
    key="campaign:2:1", channel="parrot", message_class="marketing", topic="news", campaign_id=2, occurrence="1", content=SAY,
    hops=(Hop(channel="starling", answer_within=7200), Hop(channel="raven", receipt_within=3600)),
)  # fmt: skip
TABLES = (
    "delivery, delivery_queue, delivery_settle, delivery_watch, delivery_intervention, dispatch, consent, consent_state,"
    " suppression, profile, identity, channel_account, lease, node, journal, contact, contact_kind, signal_waiting,"
    " signal_heard, provider_message"
)


class Killed(BaseException):
    """The process dies here."""


class Bird(Parrot):
    """A parrot that remembers which delivery it heard, and in whose speaking somebody may interfere."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(name)
        self.world = world
        self.interlude: Callable[[], Awaitable[None]] | None = None
        self.marked_first = False

    async def send(self, account: Account, batch: Sequence[Wire], on_speaking: Speaking) -> Sequence[Receipt]:
        interlude, self.interlude = self.interlude, None
        if interlude is None:
            return await super().send(account, batch, on_speaking)
        if not self.marked_first:
            await interlude()

        async def mark(ids: Sequence[int]) -> None:
            await on_speaking(ids)
            if self.marked_first:
                await interlude()

        return await super().send(account, batch, mark)


class World:
    """Everything the model acts on. What the other side knows is here: what it heard, and what it said about it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.script: dict[str, str] = {}
        self.heard: Counter[int] = Counter()
        self.allowed: Counter[int] = Counter()  # how often more than once a person said that it may be heard
        self.answered: set[int] = set()  # deliveries that were opened, clicked or replied to
        self.too_late: list[int] = []  # deliveries said although the chain had been answered
        self.origin: dict[int, int] = {}
        self.told: list[Heard] = []
        self.run(self._open())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def _open(self) -> None:
        db = await Database.open(self.url, name="model", max_size=8)
        self.stack.push_async_callback(db.close)
        async with db.connection() as conn:
            await conn.execute(f"truncate {TABLES} cascade")  # type: ignore[call-overload]
            await add_people(conn, PEOPLE)
            for channel in ("starling", "raven"):
                await conn.execute(
                    "insert into consent_state select profile_id, %s, topic, state, at, 0 from consent_state where channel = 'parrot'",
                    (channel,),
                )
        self.clock = VirtualClock(START)
        settings = Settings(data_dir=str(self.folder), secret="a secret of tests only, 32 bytes long")
        self.ctx = await self.stack.enter_async_context(make_context(settings, db, NoLake(), self.clock))
        self.birds = {name: Bird(self, name) for name in ("parrot", "starling", "raven")}
        await self.stack.enter_async_context(stage(self.ctx, *self.birds.values()))
        for bird in self.birds.values():
            bird.answer = self._answer
            await add_account(self.ctx, bird.manifest.name)
        self.hearing = Hearing(self.ctx)
        self.stack.push_async_callback(self.hearing.close)

    def close(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    def _answer(self, wire: Wire) -> Receipt:
        said: Any = self.script.get(wire.address, "sent")
        if said == "fault":
            return Receipt(delivery_id=wire.delivery_id, outcome="deferred", code="connect", account_fault=True)
        if said in ("sent", "unknown"):
            self.heard[wire.delivery_id] += 1
            first = self.origin.get(wire.delivery_id)
            if first is not None and any(one == first or self.origin.get(one) == first for one in self.answered):
                self.too_late.append(wire.delivery_id)
        return Receipt(delivery_id=wire.delivery_id, outcome=said, code="x", permanent=said == "rejected")

    def anew(self) -> None:
        """A process that starts knows nothing of the one before."""
        self.ctx.put(Sender, Sender(self.ctx, self.ctx.get(Channels)))

    async def speak(self) -> None:
        """Say what is due, and whatever follows from it."""
        self.anew()
        await self.learn()
        await run_until_idle(self.ctx, [WATCHING])
        await self.learn()
        await run_until_idle(self.ctx, [SEND])

    async def tick(self, owner: str) -> None:
        """One tick of the sending of a process that dies at its end, or in it."""
        leases = Leases(self.ctx.db, owner, "worker")
        await leases.declare(SEND.name, SEND.buckets)
        held = await leases.share(SEND.name, SEND.buckets)
        try:
            await SEND.tick(self.ctx, held)
        except (Killed, LeaseLost, BaseExceptionGroup):
            pass
        finally:  # what a dead node held runs out by machine time, which a model cannot move
            await leases.leave([SEND.name])
            self.anew()

    async def rival(self) -> None:
        """Another node takes over everything and speaks, while the first one believes it still holds it."""
        async with self.ctx.db.connection() as conn:
            await conn.execute(
                "update lease set owner = 'rival', epoch = epoch + 1, expires = clock_timestamp() + interval '1 minute' where loop = %s",
                (SEND.name,),
            )
        leases = Leases(self.ctx.db, "rival", "worker")
        await Sender(self.ctx, self.ctx.get(Channels)).work(await leases.share(SEND.name, SEND.buckets))
        await leases.leave([SEND.name])

    async def learn(self) -> None:
        """Who is whose later hop."""
        async with self.ctx.db.connection() as conn:
            rows = await (await conn.execute("select id, origin_id from delivery where origin_id is not null")).fetchall()
        self.origin.update(rows)

    async def rows(self) -> tuple[list[Any], dict[int, str]]:
        """(the ledger, what is in the queue)."""
        async with self.ctx.db.connection() as conn:
            query = (
                "select id, profile_id, intent_key, campaign_id, hop, origin_id, state, reason, sent_at, delivered_at, bounced_at"
                " from delivery order by id"
            )
            ledger = await (await conn.execute(query)).fetchall()
            queue = await (await conn.execute("select delivery_id, state from delivery_queue")).fetchall()
        return ledger, dict(queue)
