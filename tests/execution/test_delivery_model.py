"""The ledger against a model: any order of intents, words of consent, answers, receipts told twice and out of order, crashes
at every fault point, nodes racing for the same rows, a database that fails, pauses, people's retries, and time.

Whatever happens, each intent has one row and each hop of its chain one more, nobody hears a marketing message twice unless
a person said so, nothing is said of a chain that was answered, every row explains itself, what is open in the ledger is
exactly what is in the queue, and when all has calmed down nothing is left behind.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from hypothesis import HealthCheck, settings as profile, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.execution.ledger_world import ANNA, BACKGROUND, CHAIN, NEWS, OPEN, PEOPLE, Killed, World

from antiphon.awareness.consent import Statement, Suppressed, record_consents, suppress
from antiphon.execution.delivery import REASONS, Intents, explain, hold, open_dispatch, submit, voice
from antiphon.execution.delivery.heard import Heard, Kind
from antiphon.execution.delivery.resending import Outcome, resolve_unknown, retry_unsent
from antiphon.foundation.faults import PLACES, after, arm
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import PostgresError

pytestmark = pytest.mark.store

person = st.integers(1, PEOPLE)
channel = st.sampled_from(["parrot", "starling", "raven"])
campaign = st.sampled_from([NEWS, CHAIN])
outcome = st.sampled_from(["sent", "sent", "sent", "rejected", "deferred", "unknown", "fault"])
SAID = ("sent", "delivered", "bounced")


class Ledger(RuleBasedStateMachine):
    """Two campaigns to twelve people; one of them goes on to other channels."""

    url: ClassVar[str]
    folder: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.intents: set[tuple[int | None, int]] = set()
        self.touched: set[int] = set()  # deliveries a person did something to
        self.world = World(self.url, self.folder)

    def teardown(self) -> None:
        try:
            self._calm_down()
        finally:
            self.world.close()

    def _calm_down(self) -> None:
        """Everything heals, nobody is paused, time passes: then nothing may be left undecided."""
        world = self.world
        world.script.clear()
        for campaign_id in (1, 2):
            self._hold(campaign_id, "active")
        for _ in range(12):
            world.run(world.speak())
            world.run(run_until_idle(world.ctx, BACKGROUND))
            world.clock.advance(timedelta(hours=12))
        world.run(world.speak())
        rows, queue = world.run(world.rows())
        assert queue == {}
        assert not [row for row in rows if row[6] in (*OPEN, "claimed", "speaking")]
        self.everybody_is_accounted_for()

    @rule(new=campaign, people=st.sets(person, min_size=1), excluded=st.sets(person, max_size=2))
    def hand_in(self, new: Any, people: set[int], excluded: set[int]) -> None:
        async def act() -> None:
            async with self.world.ctx.db.transaction() as conn:
                dispatch = await open_dispatch(self.world.ctx, conn, new)
                await submit(self.world.ctx, conn, dispatch, Intents(profile_ids=sorted(people), excluded=sorted(excluded)))

        self.world.run(act())
        self.intents |= {(new.campaign_id, who) for who in people}

    @rule(new=campaign, people=st.sets(person, min_size=1), place=st.sampled_from(["to_judge", "judged"]))
    def die_judging(self, new: Any, people: set[int], place: str) -> None:
        def die() -> None:
            raise Killed

        before = set(self.intents)
        with arm(place, die), pytest.raises(Killed):
            self.hand_in(new, people, set())
        self.intents = before

    @rule(who=person, on=channel, state=st.sampled_from(["granted", "withdrawn", "pending"]))
    def say_about_consent(self, who: int, on: str, state: Any) -> None:
        async def act() -> None:
            statement = Statement(profile_id=who, channel=on, topic="news", state=state, at=self.world.clock.now(), source="t")
            async with self.world.ctx.db.transaction() as conn:
                await record_consents(conn, [statement])

        self.world.run(act())

    @rule(who=person, on=channel)
    def complain(self, who: int, on: str) -> None:
        async def act() -> None:
            entry = Suppressed(
                channel=on, address=f"p{who}@example.com", reason="complaint", source="t", at=self.world.clock.now()
            )
            async with self.world.ctx.db.transaction() as conn:
                await suppress(self.world.ctx, conn, [entry])

        self.world.run(act())

    @rule(who=person, said=outcome)
    def answer_from_now_on(self, who: int, said: str) -> None:
        self.world.script[f"p{who}@example.com"] = said

    @rule()
    def speak(self) -> None:
        self.world.run(self.world.speak())

    @rule(place=st.sampled_from([p for p in PLACES if "judge" not in p]), times=st.integers(1, 2))
    def die_speaking(self, place: str, times: int) -> None:
        def die() -> None:
            raise Killed

        with arm(place, after(times, die)):
            self.world.run(self.world.tick("dead"))

    @rule(marked_first=st.booleans())
    def race(self, marked_first: bool) -> None:
        """Two nodes: while one speaks, the other takes over its rows."""
        for bird in self.world.birds.values():
            bird.interlude, bird.marked_first = self.world.rival, marked_first
        self.world.run(self.world.tick("slow"))
        for bird in self.world.birds.values():
            bird.interlude = None

    @rule(times=st.integers(1, 3))
    def lose_the_database_when_recording(self, times: int) -> None:
        """A full disk, a restart: the receipt is written at a later try, or its row is unknown."""
        left = times

        def fail() -> None:
            nonlocal left
            if left:
                left -= 1
                raise PostgresError("the disk is full")

        async def act() -> None:
            try:
                await self.world.tick("poor")
            except PostgresError:
                pass

        with arm("to_record", fail):
            self.world.run(act())

    @rule(which=st.sampled_from([1, 2]), state=st.sampled_from(["paused", "active", "active", "cancelled"]))
    def hold(self, which: int, state: Any) -> None:
        self._hold(which, state)

    def _hold(self, which: int, state: Any) -> None:
        async def act() -> None:
            async with self.world.ctx.db.transaction() as conn:
                await hold(conn, which, state)

        self.world.run(act())

    @rule(hours=st.sampled_from([1, 3, 6, 30]))
    def wait(self, hours: int) -> None:
        self.world.clock.advance(timedelta(hours=hours))
        self.world.run(run_until_idle(self.world.ctx, BACKGROUND))

    @rule(kind=st.sampled_from(["delivered", "delivered", "bounced", "opened", "clicked", "replied"]), pick=st.integers(0, 50))
    def hear(self, kind: str, pick: int) -> None:
        """The other side tells of something it heard."""
        known = sorted(self.world.heard)
        if not known:
            return
        delivery_id = known[pick % len(known)]
        rows, _ = self.world.run(self.world.rows())
        who = next(row[1] for row in rows if row[0] == delivery_id)
        news = Heard(kind=cast(Kind, kind), delivery_id=delivery_id, profile_id=who, at=self.world.clock.now(), detail="told")
        self.world.told.append(news)
        self._tell(news)

    @rule(pick=st.integers(0, 50))
    def hear_again(self, pick: int) -> None:
        """It tells the same once more, out of order."""
        if self.world.told:
            self._tell(self.world.told[pick % len(self.world.told)])

    def _tell(self, news: Heard) -> None:
        async def act() -> None:
            await self.world.hearing.hear(news)
            await self.world.learn()

        self.world.run(act())

    @rule(people=st.sets(person, min_size=1), even_if_heard=st.booleans())
    def retry(self, people: set[int], even_if_heard: bool) -> None:
        """A person sends again what was not sent."""
        rows, _ = self.world.run(self.world.rows())
        before = {row[0]: (row[6], row[7]) for row in rows if row[1] in people}
        again = self.world.run(retry_unsent(self.world.ctx, ANNA, list(before), even_if_heard=even_if_heard))
        for delivery_id in again:
            assert even_if_heard or before[delivery_id][0] in ("failed", "expired", "bounced", "suppressed")
            self.touched.add(delivery_id)
            self.world.allowed[delivery_id] += self.world.heard[delivery_id] > 0

    @rule(people=st.sets(person, min_size=1), what=st.sampled_from(["delivered", "not_delivered", "send_again"]))
    def resolve(self, people: set[int], what: str) -> None:
        """A person says what became of what nobody knew."""
        rows, _ = self.world.run(self.world.rows())
        ids = [row[0] for row in rows if row[1] in people]
        for delivery_id in self.world.run(resolve_unknown(self.world.ctx, ANNA, ids, cast(Outcome, what))):
            self.touched.add(delivery_id)
            self.world.allowed[delivery_id] += what == "send_again" and self.world.heard[delivery_id] > 0

    @invariant()
    def everybody_is_accounted_for(self) -> None:
        rows, queue = self.world.run(self.world.rows())
        assert Counter((row[3], row[1]) for row in rows if not row[4]) == Counter(self.intents)
        assert self.world.too_late == [], "said although it had been answered"
        hops = Counter((row[5] or row[0], row[4]) for row in rows)
        assert not hops or max(hops.values()) == 1, "a hop was made twice"
        for delivery_id, who, _, _, hop, origin_id, state, reason, sent_at, delivered_at, bounced_at in rows:
            facts = (delivery_id, who, hop, state, reason, queue.get(delivery_id))
            said = self.world.heard[delivery_id]
            assert said <= 1 + self.world.allowed[delivery_id], ("somebody heard it twice", facts)
            assert (hop > 0) == (origin_id is not None) and (not hop or hops[origin_id, hop - 1] == 1), facts
            told_early = state == "bounced" and queue.get(delivery_id) == "speaking"  # its record comes yet, or its recovery
            assert (delivery_id in queue) == (state in OPEN or told_early), facts
            assert (sent_at is not None) == (state in SAID), facts
            assert (delivered_at is not None) == (state == "delivered"), facts
            assert (bounced_at is not None) == (state == "bounced"), facts
            if state in SAID and delivery_id not in self.touched:
                assert said, facts
            if said and delivery_id not in self.touched:
                assert state in (*SAID, "unknown") or queue[delivery_id] == "speaking", facts
            if state not in OPEN:
                assert state in REASONS[reason].states, facts
            assert explain(state, reason, {})


def test_the_ledger_keeps_its_promises(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "KEEP_TRYING", 3)
    Ledger.url, Ledger.folder = database_url, tmp_path
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Ledger,
        settings=profile(
            max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), database=None
        ),
    )
