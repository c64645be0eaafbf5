"""The consent ledger: append-only, with evidence, its latest word kept; double opt-in; merges."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from antiphon.awareness.consent import (
    ChannelRegistry,
    ConfirmationRequested,
    ConsentState,
    Evidence,
    Statement,
    Suppressed,
    TopicUnknown,
    ask_confirmation,
    confirm,
    record_consent,
    record_consents,
    store,
    suppress,
    withdraw_all,
)
from antiphon.awareness.consent.model import InTheFuture, LinkUsedUp, TopicInUse
from antiphon.awareness.consent.personal import fold_together, part_again
from antiphon.awareness.consent.service import add_topic, remove_topic, unsuppress
from antiphon.awareness.profiles import MergeUndone, NoSuchProfile, ProfilesMerged
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.ids import sign
from antiphon.foundation.notices import LISTENERS, Listener
from antiphon.foundation.postgres import Connection, Database, PostgresError

pytestmark = pytest.mark.store

T0 = datetime.fromisoformat("2026-05-01T00:00:00+00:00")


async def add_people(conn: Connection, *ids: int) -> None:
    await conn.execute("insert into profile (id) select unnest(%s::bigint[])", (list(ids),))


def say(state: ConsentState, day: int, profile_id: int = 1, topic: str = "news") -> Statement:
    return Statement(
        profile_id=profile_id, channel="email", topic=topic, state=state, at=T0 + timedelta(days=day), source="form",
        evidence=Evidence(text="Yes, write to me", url="https://shop.example.com/join", address="203.0.113.7"),
    )  # fmt: skip


async def word(conn: Connection, profile_id: int = 1) -> str | None:
    rows = await store.list_states(conn, [profile_id])
    return rows[0].state if rows else None


@pytest.mark.parametrize(
    "said, latest",
    [
        ([("granted", 1)], "granted"),
        ([("granted", 1), ("withdrawn", 2)], "withdrawn"),
        ([("withdrawn", 2), ("granted", 1)], "withdrawn"),
        ([("pending", 1)], "pending"),
        ([("granted", 1), ("pending", 2)], "granted"),
        ([("withdrawn", 1), ("pending", 2)], "pending"),
        ([("pending", 1), ("granted", 2), ("withdrawn", 3), ("granted", 4)], "granted"),
        ([("granted", 1), ("withdrawn", 1)], "withdrawn"),
        ([("pending", 2), ("granted", 1)], "granted"),
        ([("withdrawn", 2), ("pending", 3), ("granted", 1)], "pending"),
    ],
)
@pytest.mark.parametrize("together", [True, False])
async def test_the_latest_word_counts(db: Database, said: list[tuple[ConsentState, int]], latest: str, together: bool) -> None:
    statements = [say(state, day) for state, day in said]
    async with db.transaction() as conn:
        await add_people(conn, 1)
        alone = not together or "pending" in [state for state, _ in said[1:]]  # of a set one word of each counts
        for part in [[s] for s in statements] if alone else [statements]:
            await record_consents(conn, part)
        assert await word(conn) == latest
        rows = await store.list_ledger(conn, [1], before=None, limit=50)
    assert len(rows) == len(said)
    assert rows[0].evidence == statements[-1].evidence and rows[0].source == "form"


async def test_rows_are_only_added(db: Database) -> None:
    async with db.connection() as conn:
        await add_people(conn, 1)
        await record_consents(conn, [say("granted", 1)])
        with pytest.raises(PostgresError, match="append-only"):
            await conn.execute("update consent set state = 'withdrawn'")


async def test_an_import_may_run_again(db: Database) -> None:
    async with db.transaction() as conn:
        await add_people(conn, 1, 2)
        assert len(await record_consents(conn, [say("granted", 1), say("granted", 1, 2)], only_changes=True)) == 2
        assert await record_consents(conn, [say("granted", 2), say("granted", 2, 2)], only_changes=True) == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_dated_words_count_by_their_dates_in_whatever_order_they_are_told(db: Database, order: tuple[int, ...]) -> None:
    """A later no that repeats an earlier one stands against the yes between them, which another list tells of afterwards."""
    said = [msgspec.structs.replace(say(state, day), dated=True) for state, day in (("withdrawn", 1), ("granted", 2), ("withdrawn", 3))]
    async with db.transaction() as conn:
        await add_people(conn, 1)
        for place in order:
            await record_consents(conn, [said[place]], only_changes=True)
        assert await word(conn) == "withdrawn"
        assert await record_consents(conn, said, only_changes=True) == [], "told again"


async def test_what_cannot_be_is_refused(ctx: Context) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        with pytest.raises(TopicUnknown):
            await record_consent(ctx, conn, say("granted", 1, topic="sport"))
        with pytest.raises(NoSuchProfile):
            await record_consent(ctx, conn, say("granted", 1, 99))
        with pytest.raises(InTheFuture):
            await record_consent(ctx, conn, say("granted", 90))


async def test_a_no_to_everything(db: Database) -> None:
    async with db.transaction() as conn:
        await add_people(conn, 1)
        await add_topic(conn, "sport", "Sport", "")
        await record_consents(conn, [say("granted", 1)])
        more = {"at": T0 + timedelta(days=5), "source": "page", "evidence": Evidence()}
        assert await withdraw_all(conn, 1, "email", **more) == ["news", "sport"]
        assert await withdraw_all(conn, 1, "email", **more) == []
        assert {s.state for s in await store.list_states(conn, [1])} == {"withdrawn"}


async def test_double_opt_in(ctx: Context, clock: VirtualClock) -> None:
    heard: list[ConfirmationRequested] = []

    async def hear(ctx: Context, conn: Connection, notice: ConfirmationRequested) -> None: ...

    LISTENERS.register([Listener("test.confirmation", ConfirmationRequested, hear)])
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        await ask_confirmation(ctx, conn, say("granted", 1))
        assert await word(conn) == "pending"
        (body,) = await (await conn.execute("select body from notice where listener = 'test.confirmation'")).fetchone() or (None,)
        heard.append(ConfirmationRequested(**body))
        token = heard[0].url.rpartition("/")[2]
        with pytest.raises(LinkUsedUp):
            await confirm(ctx, conn, token[:-2] + "xx", Evidence())
        with pytest.raises(LinkUsedUp):
            await confirm(ctx, conn, sign(b"another", "consent-confirm", b"[1,1]"), Evidence())
        clock.advance(timedelta(hours=1))
        await confirm(ctx, conn, token, Evidence(address="198.51.100.1"))
        await confirm(ctx, conn, token, Evidence(address="198.51.100.1"))
        rows = await store.list_ledger(conn, [1], before=None, limit=10)
        assert [r.state for r in rows] == ["granted", "pending"]
        assert rows[0].evidence.text == "Yes, write to me" and rows[0].evidence.address == "198.51.100.1"
        clock.advance(timedelta(hours=1))
        await record_consents(conn, [Statement(profile_id=1, channel="email", topic="news", state="withdrawn",
                                               at=clock.now(), source="page")])  # fmt: skip
        await confirm(ctx, conn, token, Evidence())
        assert await word(conn) == "withdrawn"


async def test_a_no_said_before_people_became_one_stays_a_no(ctx: Context, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1, 2)
        asked = await ask_confirmation(ctx, conn, say("granted", 1, 2))
        token = sign(ctx.secret, "consent-confirm", msgspec.json.encode([2, asked, int(clock.now().timestamp())]))
        await record_consents(conn, [say("withdrawn", 2, 2)])
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (2, 1, 1, now(), 't')")
        await conn.execute("update profile set merged_into = 1 where id = 2")
        await fold_together(ctx, conn, ProfilesMerged(gone=[2], into=[1]))
        assert (await confirm(ctx, conn, token, Evidence())).state == "withdrawn"
        assert await word(conn, 1) == "withdrawn"


async def test_merging_keeps_the_newer_word_and_undoing_gives_each_their_own(ctx: Context) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1, 2, 3)
        await record_consents(conn, [say("granted", 1, 1), say("withdrawn", 2, 2), say("granted", 3, 3)])
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (2, 1, 1, now(), 't')")
        await fold_together(ctx, conn, ProfilesMerged(gone=[2], into=[1]))
        assert (await word(conn, 1), await word(conn, 2), await word(conn, 3)) == ("withdrawn", None, "granted")
        await conn.execute("delete from alias")
        await part_again(ctx, conn, MergeUndone(revived=2, survivor=1))
        assert (await word(conn, 1), await word(conn, 2), await word(conn, 3)) == ("granted", "withdrawn", "granted")


async def test_the_reason_that_stops_most_stays_on_the_list(ctx: Context) -> None:
    """A complaint stops marketing and service: it reopens nothing that a bounce or a person has closed."""

    def entry(reason: str) -> Suppressed:
        return Suppressed(channel="email", address="a@example.com", reason=reason, source="t", at=T0)  # type: ignore[arg-type]

    async def listed(conn: Connection) -> list[str]:
        rows = await store.list_suppressions(conn, channel=None, reason=None, prefix="a@", after=None, limit=5)
        return [row.reason for row in rows]

    ctx.put(ChannelRegistry, ChannelRegistry())
    async with ctx.db.transaction() as conn:
        await suppress(ctx, conn, [entry("complaint"), entry("hard_bounce")])
        assert await listed(conn) == ["hard_bounce"]
        await suppress(ctx, conn, [entry("complaint")])
        assert await listed(conn) == ["hard_bounce"]
        await suppress(ctx, conn, [entry("manual")])
        await suppress(ctx, conn, [entry("hard_bounce")])
        assert await listed(conn) == ["manual"]
        await unsuppress(ctx, conn, "email", "a@example.com")
        assert await listed(conn) == []


async def test_a_topic_spoken_of_stays(db: Database) -> None:
    async with db.transaction() as conn:
        await add_people(conn, 1)
        await add_topic(conn, "sport", "Sport", "")
        await remove_topic(conn, "sport")
        await record_consents(conn, [say("granted", 1)])
        with pytest.raises(TopicInUse):
            await remove_topic(conn, "news")


SAID = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(["granted", "withdrawn", "pending"]), st.integers(0, 20)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=SAID)
async def test_the_latest_word_is_that_of_the_ledger(db: Database, said: list[tuple[int, ConsentState, int]]) -> None:
    """One by one, in any order of time: what a reader of the ledger would work out is what is kept."""
    expected: dict[int, tuple[int, int, str]] = {}
    async with db.connection() as conn:
        await conn.execute("delete from consent_state")
        await conn.execute("delete from consent")
        await conn.execute("insert into profile (id) select unnest(array[1, 2, 3]) on conflict do nothing")
        for n, (profile, state, day) in enumerate(said):
            await record_consents(conn, [say(state, day, profile)])
            if state != "pending" and (day, n) > expected.get(profile, (-1, -1, ""))[:2]:
                expected[profile] = (day, n, state)
        for profile in {profile for profile, _, _ in said}:
            kept = await word(conn, profile)
            assert (kept == "granted") is (expected.get(profile, (0, 0, "pending"))[2] == "granted")
            await store.rebuild_states(conn, [profile])
            again = await word(conn, profile)
            assert again == kept or {again, kept} == {"pending", "withdrawn"}


async def test_a_question_that_is_open_takes_no_consent_away_when_people_become_one_or_are_parted(ctx: Context) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1, 2, 3)
        for one in (say("granted", 1, 1), say("pending", 2, 1), say("pending", 3, 2), say("withdrawn", 1, 3), say("pending", 2, 3)):
            await record_consents(conn, [one])
        assert [await word(conn, n) for n in (1, 2, 3)] == ["granted", "pending", "pending"]
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (2, 1, 1, now(), 't')")
        await fold_together(ctx, conn, ProfilesMerged(gone=[2], into=[1]))
        assert [await word(conn, n) for n in (1, 2, 3)] == ["granted", None, "pending"]
        await conn.execute("delete from alias")
        await part_again(ctx, conn, MergeUndone(revived=2, survivor=1))
        assert [await word(conn, n) for n in (1, 2, 3)] == ["granted", "pending", "pending"]


async def test_who_was_merged_on_meanwhile_has_their_words_where_they_went(ctx: Context) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1, 2, 3)
        await record_consents(conn, [say("granted", 5, 3), say("withdrawn", 1, 1)])
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (3, 1, 2, now(), 't'), (2, 1, 1, now(), 't')")
        await fold_together(ctx, conn, ProfilesMerged(gone=[3], into=[2]))
        assert [await word(conn, n) for n in (1, 2, 3)] == ["granted", None, None]
        await fold_together(ctx, conn, ProfilesMerged(gone=[2], into=[1]))
        assert [await word(conn, n) for n in (1, 2, 3)] == ["granted", None, None]


async def test_a_no_counts_though_the_yes_was_dated_ahead(ctx: Context) -> None:
    """A device's clock may be hours ahead; whoever takes their yes back a minute later is not written to."""
    ahead = ctx.clock.now() + timedelta(hours=20)
    yes = msgspec.structs.replace(say("granted", 1), at=ahead)
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        await record_consent(ctx, conn, yes)
        assert await withdraw_all(conn, 1, "email", at=ctx.clock.now(), source="page", evidence=Evidence()) == ["news"]
        assert await word(conn) == "withdrawn"
        assert (await store.list_ledger(conn, [1], before=None, limit=5))[-1].at == ctx.clock.now()
