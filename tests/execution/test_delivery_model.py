"""The ledger against a model: any order of intents, words of consent, answers, crashes, pauses and time.

Whatever happens, each intent has one row, nobody hears a marketing message twice, every row explains itself, and what is
open in the ledger is exactly what is in the queue.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings as profile, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.conftest import START, NoLake, make_context
from tests.execution.cast import SEND, SETTLE, add_account, add_people, stage

from antiphon.awareness.consent import Statement, Suppressed, record_consents, suppress
from antiphon.execution.channels import Receipt, Wire
from antiphon.execution.channels.registry import Channels
from antiphon.execution.delivery import REASONS, Content, Intents, NewDispatch, explain, hold, open_dispatch, submit
from antiphon.execution.delivery.sender import Sender
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.config import Settings
from antiphon.foundation.leases import Leases
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Database

pytestmark = pytest.mark.store

PEOPLE = 12
OPEN = ("planned", "queued")
person = st.integers(1, PEOPLE)
outcome = st.sampled_from(["sent", "sent", "sent", "rejected", "deferred", "unknown", "fault"])
NEWS = NewDispatch(
    key="campaign:1:1", channel="parrot", message_class="marketing", topic="news", campaign_id=1, occurrence="1",
    content=Content(subject="Hello", text="Hello {{ first_name }}"),
)  # fmt: skip


class Killed(BaseException):
    """The process dies here."""


class Ledger(RuleBasedStateMachine):
    """One campaign to twelve people."""

    url: str
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.intents: set[int] = set()
        self.cancelled = False
        self.script: dict[str, str] = {}
        self.stack = AsyncExitStack()
        self.runner.run(self._open())

    async def _open(self) -> None:
        db = await Database.open(self.url, name="model", max_size=4)
        self.stack.push_async_callback(db.close)
        async with db.connection() as conn:
            await conn.execute(
                "truncate delivery, delivery_queue, delivery_settle, dispatch, consent, consent_state, suppression, profile,"
                " identity, channel_account, lease, node, journal cascade"
            )
            await add_people(conn, PEOPLE)
        self.clock = VirtualClock(START)
        settings = Settings(data_dir=str(self.folder), secret="a secret of tests only, 32 bytes long")
        self.ctx = await self.stack.enter_async_context(make_context(settings, db, NoLake(), self.clock))
        self.parrot = await self.stack.enter_async_context(stage(self.ctx))
        self.parrot.answer = self._answer
        await add_account(self.ctx)

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()

    def _answer(self, wire: Wire) -> Receipt:
        said = self.script.get(wire.address, "sent")
        if said == "fault":
            return Receipt(delivery_id=wire.delivery_id, outcome="deferred", code="connect", account_fault=True)
        return Receipt(delivery_id=wire.delivery_id, outcome=said, code="x", permanent=said == "rejected")  # type: ignore[arg-type]

    def _anew(self) -> None:
        """A process that starts knows nothing of the one before."""
        self.ctx.put(Sender, Sender(self.ctx, self.ctx.get(Channels)))

    @initialize()
    def begin(self) -> None:
        self.script = {}

    @rule(people=st.sets(person, min_size=1), excluded=st.sets(person, max_size=2))
    def hand_in(self, people: set[int], excluded: set[int]) -> None:
        async def act() -> None:
            async with self.ctx.db.transaction() as conn:
                dispatch = await open_dispatch(self.ctx, conn, NEWS)
                await submit(self.ctx, conn, dispatch, Intents(profile_ids=sorted(people), excluded=sorted(excluded)))

        self.runner.run(act())
        self.intents |= people

    @rule(who=person, state=st.sampled_from(["granted", "withdrawn", "pending"]))
    def say_about_consent(self, who: int, state: Any) -> None:
        async def act() -> None:
            statement = Statement(profile_id=who, channel="parrot", topic="news", state=state, at=self.clock.now(), source="t")
            async with self.ctx.db.transaction() as conn:
                await record_consents(conn, [statement])

        self.runner.run(act())

    @rule(who=person)
    def complain(self, who: int) -> None:
        async def act() -> None:
            entry = Suppressed(
                channel="parrot", address=f"p{who}@example.com", reason="complaint", source="t", at=self.clock.now()
            )
            async with self.ctx.db.transaction() as conn:
                await suppress(self.ctx, conn, [entry])

        self.runner.run(act())

    @rule(who=person, said=outcome)
    def answer_from_now_on(self, who: int, said: str) -> None:
        self.script[f"p{who}@example.com"] = said

    @rule()
    def speak(self) -> None:
        self._anew()
        self.runner.run(run_until_idle(self.ctx, [SEND]))

    @rule(when=st.sampled_from(["before_mark", "after_mark"]))
    def die_speaking(self, when: str) -> None:
        def die() -> None:
            raise Killed

        async def act() -> None:
            leases = Leases(self.ctx.db, "dead", "worker")
            await leases.declare(SEND.name, SEND.buckets)
            held = await leases.share(SEND.name, SEND.buckets)
            try:
                await SEND.tick(self.ctx, held)
            except (Killed, BaseExceptionGroup):
                pass
            await leases.leave([SEND.name])

        setattr(self.parrot, when, die)
        self.runner.run(act())
        setattr(self.parrot, when, None)
        self._anew()

    @rule(state=st.sampled_from(["paused", "active", "active", "cancelled"]))
    def hold(self, state: Any) -> None:
        async def act() -> None:
            async with self.ctx.db.transaction() as conn:
                await hold(conn, 1, state)

        self.runner.run(act())

    @rule(hours=st.sampled_from([1, 6, 30]))
    def wait(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))
        self.runner.run(run_until_idle(self.ctx, [SETTLE]))

    @invariant()
    def everybody_is_accounted_for(self) -> None:
        rows, queue = self.runner.run(self._read())
        assert sorted(row[0] for row in rows) == sorted(self.intents)
        heard = Counter(self.parrot.heard)
        assert all(count == 1 for count in heard.values()), "somebody heard it twice"
        for who, state, reason, sent_at, delivered_at in rows:
            said = f"p{who}@example.com" in heard
            assert (who in queue) == (state in OPEN), (who, state)
            assert (sent_at is not None) == (state in ("sent", "delivered"))
            assert (delivered_at is not None) == (state == "delivered")
            if state in ("sent", "delivered"):
                assert said
            if said:
                assert state in ("sent", "delivered", "unknown") or queue[who] == "speaking"
            if state not in OPEN:
                assert state in REASONS[reason].states
            assert explain(state, reason, {})

    async def _read(self) -> tuple[list[Any], dict[int, str]]:
        async with self.ctx.db.connection() as conn:
            rows = await (await conn.execute("select profile_id, state, reason, sent_at, delivered_at from delivery")).fetchall()
            queue = await (await conn.execute("select profile_id, state from delivery_queue")).fetchall()
        return rows, dict(queue)


def test_the_ledger_keeps_its_promises(database_url: str, tmp_path: Path) -> None:
    Ledger.url, Ledger.folder = database_url, tmp_path
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Ledger,
        settings=profile(
            max_examples=10, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck), database=None
        ),
    )
